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
#include <unistd.h>
#include <utility>

namespace nanomq
{

namespace
{

constexpr int kPartsPerSend = 64;
constexpr int kSendsPerFlush = 4;
/// Below this the queue behind the buffer is asked for more.
constexpr std::size_t kLowWater = 64 * 1024;
/// With less than this left over, a connection reads into the loop's buffer, behind the rest.
constexpr std::size_t kSmallRest = EventLoop::kReadHeadroom;

} // namespace

Connection::Connection(EventLoop& loop, int descriptor) noexcept
    : _loop(&loop), _lock(&_ownLock), _descriptor(descriptor)
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
    _loop->remove(_descriptor);
    _loop = &target;
    target.mailbox().post([this, &target] { arrive(target); });
}

void Connection::arrive(EventLoop& loop)
{
    _armed = EPOLLIN;
    loop.add(_descriptor, _armed, *this);
    _handler->moved(loop);
    const auto rest = std::move(_rest);
    if (rest) consume(rest->data(), rest->size());
}

void Connection::arm(std::uint32_t events)
{
    if (events == _armed) return;
    _armed = events;
    epoll_event event{};
    event.events = events;
    event.data.ptr = static_cast<EventSource*>(this);
    ::epoll_ctl(_loop->epollDescriptor(), EPOLL_CTL_MOD, _descriptor, &event);
}

void Connection::pauseReading()
{
    _paused = true;
    std::lock_guard guard(*_lock);
    if (!_closed) arm(_armed & ~static_cast<std::uint32_t>(EPOLLIN));
}

void Connection::resumeReading()
{
    assert(!_consuming);
    _paused = false;
    if (_rest)
    {
        const auto rest = std::move(_rest);
        consume(rest->data(), rest->size());
    }
    if (_paused) return; // again
    std::lock_guard guard(*_lock);
    if (!_closed) arm(_armed | EPOLLIN);
}

void Connection::ready(std::uint32_t events)
{
    if (_closed) return; // earlier in this turn
    if (events & EPOLLOUT)
    {
        std::lock_guard guard(*_lock);
        _blocked = false;
        arm(_armed & ~static_cast<std::uint32_t>(EPOLLOUT));
        mark(_loop->turn());
    }
    // While there is something to read it comes first: a DISCONNECT may stand in front of the
    // end of the stream.
    if (events & EPOLLIN) readable();
    else if (events & (EPOLLHUP | EPOLLERR)) close("connection lost");
}

void Connection::readable()
{
    if (_rest && _rest->size() > kSmallRest)
    {
        // A large packet: read behind what is there. Room grows with what has arrived, not with
        // what was announced.
        const std::size_t have = _rest->size();
        const std::size_t expected = std::max(_handler->expectedBytes(), have + 1);
        const std::size_t room = std::min(expected - have, std::max(have, EventLoop::kReadSize));
        _rest->resize(have + room);
        const auto got = receive(_rest->data() + have, room);
        _rest->resize(have + static_cast<std::size_t>(std::max<std::int64_t>(got, 0)));
        if (got <= 0) return finishRead(got);
        if (_rest->size() < expected) return;
        const auto rest = std::move(_rest);
        return consume(rest->data(), rest->size());
    }

    std::uint8_t* const fresh = _loop->readBuffer() + EventLoop::kReadHeadroom;
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
    close(errno == ECONNRESET ? "connection reset by client" : "receive failed");
}

void Connection::consume(std::uint8_t* bytes, std::size_t size)
{
    _consuming = true;
    const std::size_t used = _handler->received({bytes, size});
    _consuming = false;
    if (_closed) return;
    if (used < size) keep(bytes + used, size - used);
    if (_target) leave(*std::exchange(_target, nullptr));
}

void Connection::keep(const std::uint8_t* bytes, std::size_t size)
{
    // Exactly as much as is there: an unfinished packet of an idle client holds nothing more.
    _rest = std::make_unique<std::vector<std::uint8_t>>(bytes, bytes + size);
}

std::int64_t Connection::receive(std::uint8_t* buffer, std::size_t size) noexcept
{
    return ::recv(_descriptor, buffer, size, 0);
}

std::int64_t Connection::send(const iovec* parts, int count) noexcept
{
    if (count == 1)
        return ::send(_descriptor, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<std::size_t>(count);
    return ::sendmsg(_descriptor, &message, MSG_NOSIGNAL);
}

void Connection::flush(OutputTurn& turn)
{
    std::unique_lock guard(*_lock);
    unmark(turn);
    for (int sends = 0; sends < kSendsPerFlush; ++sends)
    {
        if (_closed || _blocked || _flushing || unsent() == 0) return;
        if (!sendSome(turn, guard)) return;
        if (_source && unsent() < kLowWater) _source->refill(turn);
    }
    if (!_closed && unsent() > 0) mark(turn); // the rest next turn
    else unmark(turn);
}

bool Connection::sendSome(OutputTurn& turn, std::unique_lock<FutexLock>& guard)
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

    if (_closed) return false;
    if (sent >= 0)
    {
        OutputBuffer::consume(static_cast<std::size_t>(sent), turn);
        return true;
    }
    if (error == EINTR) return true;
    if (error == EAGAIN)
    {
        _blocked = true;
        arm(_armed | EPOLLOUT);
        return false;
    }
    // The peer is gone. The owner's loop is told by EPOLLHUP or by the next read, and closes;
    // until then nothing is sent any more.
    _blocked = true;
    return false;
}

void Connection::close(std::string_view why)
{
    if (_closed) return;
    flush(_loop->turn()); // last words
    {
        std::lock_guard guard(*_lock);
        _closed = true;
        _source = nullptr;
        unmark(_loop->turn());
    }
    _loop->remove(_descriptor);
    // What the client still sends must not make the system answer with RST and with that take
    // back the last words: end our direction first, then read away what is there.
    ::shutdown(_descriptor, SHUT_WR);
    std::array<std::uint8_t, 4096> ignored;
    for (int reads = 0; reads < 16; ++reads)
        if (::recv(_descriptor, ignored.data(), ignored.size(), MSG_DONTWAIT) <= 0) break;
    ::shutdown(_descriptor, SHUT_RDWR);

    if (_handler) _handler->closed(why);
    _loop->quiescence().retire(static_cast<void*>(this), [](void* connection) {
        delete static_cast<Connection*>(connection);
    });
}

} // namespace nanomq
