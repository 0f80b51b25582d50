#include "net/Connection.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace nanomq
{

namespace
{

constexpr int kPartsPerSend = 64;
constexpr int kSendsPerFlush = 4;
constexpr int kTriesForLastWords = 20'000;
/// Below this the queue behind the buffer is asked for more.
constexpr std::size_t kLowWater = 64 * 1024;
/// With less than this left over, a connection reads into the loop's buffer, behind the rest.
constexpr std::size_t kSmallRest = EventLoop::kReadHeadroom;

constexpr std::string_view kInternalError = "internal error";

} // namespace

Connection::Connection(EventLoop& loop, int descriptor,
                       std::unique_ptr<Transport> transport) noexcept
    : _loop(&loop), _transport(std::move(transport)), _lock(&_ownLock), _descriptor(descriptor)
{
}

Connection::~Connection()
{
    clear();
    ::close(_descriptor);
}

void Connection::start(std::unique_ptr<ConnectionHandler> handler)
{
    _handler = std::move(handler);
    _armed = EPOLLIN;
    _loop->add(_descriptor, _armed, *this);
}

void Connection::leave(EventLoop& target)
{
    if (unsent() > 0 || _transport)
    {
        // Nothing of this connection may stay behind in the list of this turn.
        auto& turn = _loop->turn();
        flush(turn);
        std::erase(turn.dirty(), static_cast<OutputBuffer*>(this));
    }
    _loop->remove(_descriptor);
    _loop = &target;
    target.mailbox().post([this, &target] { arrive(target); });
}

void Connection::arrive(EventLoop& loop)
{
    const bool arrived = loop.attempt([&] {
        _handler->moved(loop);
        if (_closed) return;
        _armed = interest();
        loop.add(_descriptor, _armed, *this);
        consumeRest();
    });
    if (!arrived) close(kInternalError);
}

std::uint32_t Connection::interest() const noexcept
{
    return (_paused || _throttled ? 0u : static_cast<std::uint32_t>(EPOLLIN)) |
           (_blocked ? static_cast<std::uint32_t>(EPOLLOUT) : 0u);
}

void Connection::arm() noexcept
{
    const auto events = interest();
    if (events == _armed) return;
    _armed = events;
    epoll_event event{};
    event.events = events;
    event.data.ptr = static_cast<EventSource*>(this);
    ::epoll_ctl(_loop->epollDescriptor(), EPOLL_CTL_MOD, _descriptor, &event);
}

void Connection::pauseReading()
{
    std::lock_guard guard(*_lock);
    _paused = true;
    if (!_closed) arm();
}

void Connection::resumeReading()
{
    assert(!_consuming);
    if (_closed) return;
    {
        std::lock_guard guard(*_lock);
        _paused = false;
    }
    const bool resumed = _loop->attempt([this] {
        if (!consumeRest()) return;
        std::lock_guard guard(*_lock);
        arm();
    });
    if (!resumed) close(kInternalError);
}

void Connection::ready(std::uint32_t events)
{
    if (_closed) return; // earlier in this turn
    if (!_loop->attempt([&] { take(events); })) close(kInternalError);
}

void Connection::take(std::uint32_t events)
{
    if (events & EPOLLOUT)
    {
        std::lock_guard guard(*_lock);
        _blocked = false;
        arm();
        mark(_loop->turn());
    }
    // While there is something to read it comes first: a DISCONNECT may stand in front of the
    // end of the stream.
    if (events & EPOLLIN) readable();
    else if (events & (EPOLLHUP | EPOLLERR)) close("connection lost");
}

void Connection::readable()
{
    std::uint8_t* const fresh = _loop->readBuffer() + EventLoop::kReadHeadroom;
    if (_rest && _rest->size() > kSmallRest)
    {
        // A large packet, up to its end: memory grows with what has arrived, not with what was
        // announced.
        const std::size_t expected = std::max(_handler->expectedBytes(), _rest->size() + 1);
        const auto got = receive(fresh, std::min(expected - _rest->size(), EventLoop::kReadSize));
        if (got <= 0) return finishRead(got);
        _rest->insert(_rest->end(), fresh, fresh + got);
        if (_rest->size() >= expected) consumeRest();
        else mayGoOn();
        return;
    }

    const auto got = receive(fresh, EventLoop::kReadSize);
    if (got <= 0) return finishRead(got);
    std::uint8_t* begin = fresh;
    if (_rest)
    {
        begin = fresh - _rest->size();
        std::memcpy(begin, _rest->data(), _rest->size());
        _rest.reset();
    }
    consume(begin, static_cast<std::size_t>(fresh + got - begin));
}

void Connection::finishRead(std::int64_t got)
{
    if (got == 0) return close("closed by client");
    if (errno == EAGAIN || errno == EINTR) return;
    if (errno == EPROTO && _transport) return close(_transport->failure());
    close(errno == ECONNRESET ? "connection reset by client" : "receive failed");
}

bool Connection::consumeRest()
{
    if (!_rest) return mayGoOn();
    const auto rest = std::move(_rest);
    return consume(rest->data(), rest->size());
}

/// False when the connection has ended, or has left for another worker: hands off then.
bool Connection::consume(std::uint8_t* bytes, std::size_t size)
{
    _consuming = true;
    const std::size_t used = _handler->received({bytes, size});
    _consuming = false;
    if (_closed) return false;
    // Exactly as much as is there: an unfinished packet of an idle client holds nothing more.
    if (used < size)
        _rest = std::make_unique<std::vector<std::uint8_t>>(bytes + used, bytes + size);
    if (_target)
    {
        leave(*std::exchange(_target, nullptr));
        return false;
    }
    if (answers() > kMaximumAnswers) throttle();
    return mayGoOn();
}

/// False when the transport's stream has ended, though the socket has not: then it is closed.
bool Connection::mayGoOn()
{
    if (!_transport || _paused || !_transport->ended()) return true;
    const std::string_view failure = _transport->failure();
    close(failure.empty() ? "closed by client" : failure);
    return false;
}

void Connection::throttle()
{
    std::lock_guard guard(*_lock);
    if (unsent() < kLowWater) return; // sent meanwhile, and nobody would look again
    _throttled = true;
    arm();
}

std::int64_t Connection::receive(std::uint8_t* buffer, std::size_t size)
{
    if (_transport) return receiveThroughTransport(buffer);
    return ::recv(_descriptor, buffer, size, 0);
}

/// Uses the whole of the loop's buffer: a transport gives all it has.
std::int64_t Connection::receiveThroughTransport(std::uint8_t* buffer)
{
    const auto got = _transport->receive(buffer, EventLoop::kReadSize, _loop->handshakes());
    const int error = errno;
    {
        std::lock_guard guard(*_lock);
        // Whoever is in send() just now looks again when it is out.
        if (!_flushing && _transport->pending()) mark(_loop->turn());
    }
    errno = error;
    return got;
}

std::int64_t Connection::send(const iovec* parts, int count)
{
    return _transport ? _transport->send(parts, count) : sendParts(_descriptor, parts, count);
}

PeerFacts Connection::peerFacts() const
{
    PeerFacts facts;
    if (_transport) _transport->describe(facts);
    return facts;
}

bool Connection::hasOutput() const noexcept
{
    return unsent() > 0 || (_transport && _transport->pending());
}

void Connection::flush(OutputTurn& turn)
{
    // Marked until the end, so that what a refill appends is sent here, and no pointer to this
    // connection is left in the list: the next turn might find it freed.
    struct Unmark
    {
        ~Unmark() { connection.unmark(turn); }
        Connection& connection;
        OutputTurn& turn;
    };
    std::unique_lock guard(*_lock);
    const Unmark unmark{*this, turn};
    for (int sends = 0; !_closed && !_blocked && !_flushing && hasOutput(); ++sends)
    {
        if (sends == kSendsPerFlush) return waitUntilWritable(turn.now()); // the rest next turn
        sendSome(turn, guard);
    }
}

void Connection::waitUntilWritable(MonotonicMs now) noexcept
{
    if (!_blocked) _blockedAt = now;
    _blocked = true;
    arm();
}

MonotonicMs Connection::blockedSince() noexcept
{
    std::lock_guard guard(*_lock);
    return _blocked ? _blockedAt : kNever;
}

void Connection::sendSome(OutputTurn& turn, std::unique_lock<FutexLock>& guard)
{
    std::array<iovec, kPartsPerSend> parts;
    int count = 0;
    for (auto* chunk = firstChunk(); chunk && count < kPartsPerSend; chunk = chunk->next)
    {
        if (chunk->end == chunk->begin) continue;
        parts[static_cast<std::size_t>(count)].iov_base =
            const_cast<std::uint8_t*>(chunk->data + chunk->begin);
        parts[static_cast<std::size_t>(count)].iov_len = chunk->end - chunk->begin;
        ++count;
    }

    // The chunks stay where they are while the lock is free: only this flusher consumes, others
    // append behind.
    _flushing = true;
    guard.unlock();
    const auto sent = send(parts.data(), count);
    const int error = errno;
    guard.lock();
    _flushing = false;

    if (sent > 0) turn.countSent(static_cast<std::uint64_t>(sent));
    if (_closed) return;
    if (sent >= 0)
    {
        OutputBuffer::consume(static_cast<std::size_t>(sent), turn);
        if (unsent() < kLowWater) drained(turn);
    }
    else if (error != EINTR)
    {
        // If the peer is gone, the owner is told by EPOLLHUP, and closes; likewise if only the
        // transport has failed.
        if (_transport && error != EAGAIN) ::shutdown(_descriptor, SHUT_RDWR);
        waitUntilWritable(turn.now());
    }
}

void Connection::drained(OutputTurn& turn)
{
    setAnswers(0);
    if (_throttled)
    {
        _throttled = false;
        arm();
    }
    if (_source) _source->refill(turn);
}

void Connection::sendLastWords()
{
    {
        std::lock_guard guard(*_lock);
        _source = nullptr; // nothing behind a DISCONNECT [MQTT-3.14.4-1]
    }
    // Another worker may be in send() just now; microseconds later what stands behind is ours.
    for (int tries = 0; tries < kTriesForLastWords; ++tries)
    {
        flush(_loop->turn());
        {
            std::lock_guard guard(*_lock);
            if (!_flushing) return;
        }
        std::this_thread::yield();
    }
}

void Connection::close(std::string_view why)
{
    if (_closed) return;
    sendLastWords();
    if (_transport)
    {
        _transport->finish();
        sendLastWords();
    }
    {
        std::lock_guard guard(*_lock);
        _closed = true;
    }
    _loop->remove(_descriptor);
    // Before the client can see the end: what it held is free when it comes back.
    if (_handler) _handler->closed(why);
    // What the client still sends must not make the system answer with RST and with that take
    // back the last words: end our direction first, then read away what is there.
    ::shutdown(_descriptor, SHUT_WR);
    std::array<std::uint8_t, 4096> ignored;
    for (int reads = 0; reads < 16; ++reads)
        if (::recv(_descriptor, ignored.data(), ignored.size(), MSG_DONTWAIT) <= 0) break;
    ::shutdown(_descriptor, SHUT_RDWR);
    _loop->quiescence().retire(static_cast<void*>(this), [](void* connection) {
        delete static_cast<Connection*>(connection);
    });
}

} // namespace nanomq
