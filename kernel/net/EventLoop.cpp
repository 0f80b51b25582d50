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
    // Buffers that a flush did not finish are this turn's business already.
    const bool idle = _turn.dirty().empty() && !std::exchange(_again, false);
    int timeout = idle ? _timers.sleepMs(monotonicNow()) : 0;
    if (timeout != 0 && !_mailbox.prepareToSleep()) timeout = 0;

    const int count = ::epoll_wait(_epoll, events.data(), kEventsPerTurn, timeout);
    _mailbox.wokeUp();
    _quiescence.online(_reader);
    _turn.begin(monotonicNow());
    _wallClock = unixNow();

    _mailbox.drain();
    for (int i = 0; i < count; ++i)
    {
        auto* const source = static_cast<EventSource*>(events[i].data.ptr);
        if (source) source->ready(events[i].events);
        else _mailbox.acknowledge();
        flushIfMuch();
    }
    _timers.advance(_turn.now());
    if (_endOfTurn) _endOfTurn();
    flush();
    _quiescence.offline(_reader);
}

void EventLoop::flush()
{
    // Flushing can append (a queue refills its buffer), so the list is taken first.
    _flushing.swap(_turn.dirty());
    _turn.flushed();
    for (auto* const buffer : _flushing) static_cast<Connection*>(buffer)->flush(_turn);
    _flushing.clear();
}

} // namespace nanomq
