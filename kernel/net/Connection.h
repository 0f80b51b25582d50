#pragma once

#include "base/Bytes.h"
#include "base/FutexLock.h"
#include "base/OutputBuffer.h"
#include "net/EventLoop.h"
#include "net/Transport.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

struct iovec;

namespace nanomq
{

class Connection;

/// What stands behind a connection and understands its bytes. It is destroyed with the
/// connection, a grace period after closed(), on whatever thread. Thread: [worker].
class ConnectionHandler
{
public:
    virtual ~ConnectionHandler() = default;

    /// Takes bytes that have arrived and returns how many it has used up. The rest comes again,
    /// at the front, with more behind it. It may close or pause the connection meanwhile, and
    /// then the rest is kept or dropped accordingly.
    virtual std::size_t received(ByteView bytes) = 0;
    /// How many bytes the packet needs that received() left unfinished: memory is set aside for
    /// no more than that.
    virtual std::size_t expectedBytes() const noexcept = 0;
    /// The connection has arrived on another worker; see Connection::moveTo().
    virtual void moved(EventLoop& loop) = 0;
    /// The Network Connection has ended; called exactly once, whoever closed it.
    /// @param why  for logs and hooks: "closed by client", "connection reset", …
    virtual void closed(std::string_view why) = 0;
};

/// One Network Connection (§4.2): a stream socket, what it has still to send, and what it has
/// received of an unfinished packet. An idle connection owns no buffer.
///
/// It belongs to the worker whose loop watches it. Other workers append to its OutputBuffer and
/// flush it, under the lock that lock() names: the connection's own at first, the session's from
/// attachment on, so that one lock covers the session's outbound state and these bytes.
///
/// Closing takes two steps. close() ends the socket's life at once, under the lock; descriptor
/// and memory go after a grace period, when no turn of any worker can hold them.
///
/// A client that sends and does not read what it gets for it (answers(), see
/// OutputBuffer::countAnswer()) is not read from until most of that is sent.
///
/// What throws while the connection's bytes are handled closes it, and nothing else.
///
/// Bytes go to and come from the socket, or through a Transport such as TLS where there is one.
class Connection final : public OutputBuffer, public EventSource
{
public:
    /// Answers that wait to be sent, in bytes, above which nothing more is read: what other
    /// brokers allow, and far more than a client leaves unread that reads at all.
    static constexpr std::size_t kMaximumAnswers = 1024 * 1024;

    /// Takes over a non-blocking descriptor. @param transport  null: none.
    Connection(EventLoop& loop, int descriptor, std::unique_ptr<Transport> transport = {}) noexcept;
    /// Not to be called while a worker may hold it; see close().
    ~Connection();

    /// Begins to read. The handler lives as long as the connection. [worker]
    void start(std::unique_ptr<ConnectionHandler> handler);
    /// Moves to another worker as soon as received(), from which this is called, has returned.
    /// What it did not use goes along, and is handed to it again over there, after
    /// ConnectionHandler::moved(). [worker]
    void moveTo(EventLoop& target) noexcept { _target = &target; }

    /// Makes the session's lock the one that guards output. [worker]
    void shareLock(FutexLock& lock) noexcept { _lock = &lock; }
    FutexLock& lock() noexcept { return *_lock; }
    /// Stops reading, for a deferred hook or a client that is too fast; what has arrived waits.
    void pauseReading();
    /// Reads again, beginning with what waited. Not from within ConnectionHandler::received().
    void resumeReading();
    bool readingPaused() const noexcept { return _paused; }
    /// Since when output waits and the socket has taken nothing of it; kNever: it takes what comes.
    /// [worker]
    MonotonicMs blockedSince() noexcept;

    /// Writes what is appended: at most 4 sends, without holding the lock during a send.
    /// Thread: any worker that has it in its turn's list.
    void flush(OutputTurn& turn);

    /// Ends the connection: sends what is appended as far as the socket takes it, shuts down,
    /// tells the handler, and frees itself after a grace period. Nothing happens the second
    /// time. [worker]
    void close(std::string_view why);

    EventLoop& loop() noexcept { return *_loop; }
    bool isClosed() const noexcept { return closed(); }

    /// What its transports know about the far end. Requires: bytes have been received. [worker]
    PeerFacts peerFacts() const;

private:
    void ready(std::uint32_t events) override;
    void take(std::uint32_t events);
    void readable();
    bool consume(std::uint8_t* bytes, std::size_t size);
    bool consumeRest();
    bool mayGoOn();
    std::int64_t receive(std::uint8_t* buffer, std::size_t size);
    std::int64_t receiveThroughTransport(std::uint8_t* buffer);
    std::int64_t send(const iovec* parts, int count);
    void leave(EventLoop& target);
    void arrive(EventLoop& loop);
    void finishRead(std::int64_t got);
    void throttle();
    void sendSome(OutputTurn& turn, std::unique_lock<FutexLock>& guard);
    void sendLastWords();
    // Under the lock.
    bool hasOutput() const noexcept;
    std::uint32_t interest() const noexcept;
    void arm() noexcept;
    void waitUntilWritable(MonotonicMs now) noexcept;
    void drained(OutputTurn& turn);

    EventLoop* _loop;
    EventLoop* _target = nullptr; // moving there
    std::unique_ptr<ConnectionHandler> _handler;
    const std::unique_ptr<Transport> _transport;
    FutexLock* _lock;
    std::unique_ptr<std::vector<std::uint8_t>> _rest; // received, not used yet
    int _descriptor;
    std::uint32_t _armed = 0; // epoll interest; under the lock
    FutexLock _ownLock;
    MonotonicMs _blockedAt = 0; // while _blocked; under the lock
    bool _paused = false;    // by the handler; written under the lock
    bool _throttled = false; // too many answers wait; under the lock
    bool _consuming = false; // in received()
};

} // namespace nanomq
