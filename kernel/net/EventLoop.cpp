#include "net/EventLoop.h"

#include "net/Connection.h"

#include <Poco/Exception.h>

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>

namespace nanomq
{

namespace
{

constexpr int kEventsPerTurn = 256;

int makeEpoll()
{
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) throw Poco::SystemException("epoll_create1", errno);
    return descriptor;
}

} // namespace

EventLoop::EventLoop(unsigned number, Quiescence& quiescence)
    : _number(number),
      _quiescence(quiescence),
      _reader(quiescence.join()),
      _epoll(makeEpoll()),
      _timers(monotonicNow()),
      _turn(number),
      _readBuffer(kReadHeadroom + kReadSize)
{
    _turn.begin(monotonicNow());
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr; // the mailbox
    if (::epoll_ctl(_epoll, EPOLL_CTL_ADD, _mailbox.descriptor(), &event) != 0)
        throw Poco::SystemException("epoll_ctl", errno);
}

EventLoop::~EventLoop()
{
    _quiescence.leave(_reader);
    ::close(_epoll);
}

void EventLoop::add(int descriptor, std::uint32_t events, EventSource& source)
{
    epoll_event event{};
    event.events = events;
    event.data.ptr = &source;
    if (::epoll_ctl(_epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
        throw Poco::SystemException("epoll_ctl", errno);
}

void EventLoop::remove(int descriptor) noexcept
{
    ::epoll_ctl(_epoll, EPOLL_CTL_DEL, descriptor, nullptr);
}

void EventLoop::stop()
{
    _mailbox.post([this] { _stopping.store(true, std::memory_order_relaxed); });
}

void EventLoop::run()
{
    _affinity.bind();
    while (!_stopping.load(std::memory_order_relaxed))
    {
        _quiescence.reclaim();
        wait();
    }
    // Last words, such as DISCONNECT on shutdown, were appended in the last turn and are sent.
    _quiescence.offline(_reader);
}

void EventLoop::wait()
{
    std::array<epoll_event, kEventsPerTurn> events;
    int timeout = std::exchange(_again, false) ? 0 : _timers.sleepMs(monotonicNow());
    if (timeout != 0 && !_mailbox.prepareToSleep()) timeout = 0;

    const int count = ::epoll_wait(_epoll, events.data(), kEventsPerTurn, timeout);
    _mailbox.wokeUp();
    _quiescence.online(_reader);
    _turn.begin(monotonicNow());
    _wallClock = unixNow();
    _handshakes.beginTurn();

    // Before any task or timer, which could move a connection that stands in `events` away.
    for (int i = 0; i < count; ++i)
    {
        auto* const source = static_cast<EventSource*>(events[i].data.ptr);
        if (source) attempt([&] { source->ready(events[i].events); });
        else _mailbox.acknowledge();
        flushIfMuch();
    }
    while (!attempt([this] { _mailbox.drain(); })) {}
    while (!attempt([this] { _timers.advance(_turn.now()); })) {}
    if (_endOfTurn) attempt(_endOfTurn);
    flush();
    if (_flushed) attempt(_flushed);
    _quiescence.offline(_reader);
}

void EventLoop::flush()
{
    _turn.flushed();
    auto& dirty = _turn.dirty();
    for (std::size_t i = 0; i < dirty.size(); ++i)
        attempt([&] { static_cast<Connection*>(dirty[i])->flush(_turn); });
    dirty.clear();
}

void EventLoop::failed() noexcept
{
    _failures.fetch_add(1, std::memory_order_relaxed);
    if (!_onFailure) return;
    try
    {
        try
        {
            throw;
        }
        catch (const Poco::Exception& error)
        {
            _onFailure(error.displayText());
        }
        catch (const std::exception& error)
        {
            _onFailure(error.what());
        }
        catch (...)
        {
            _onFailure("an exception of unknown type");
        }
    }
    catch (...)
    {
        // Telling it failed, too; it is counted.
    }
}

} // namespace nanomq
