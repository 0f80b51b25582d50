#pragma once

#include "base/Clock.h"
#include "base/Mailbox.h"
#include "base/OutputBuffer.h"
#include "base/Quiescence.h"
#include "base/TimerWheel.h"
#include "base/WorkerAffinity.h"
#include "net/HandshakeBudget.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace nanomq
{

class Connection;

/// Something with a descriptor that an EventLoop watches.
class EventSource
{
public:
    /// @param events  EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR. Thread: [worker].
    virtual void ready(std::uint32_t events) = 0;

protected:
    ~EventSource() = default;
};

/// The event loop of one worker: level-triggered epoll, timers, a mailbox, and what the turn
/// has to send.
///
/// One turn: wait; take what is ready; run posted tasks; fire timers; write each buffer that got
/// something, with one gathered send each. Between turns the loop is offline for Quiescence, so
/// nothing that it wrote to is remembered from one turn to the next.
/// Thread: [worker], but for mailbox() and stop().
class EventLoop
{
public:
    /// Bytes appended in a turn after which the loop's buffers are written before the turn ends,
    /// so that what is appended is still in the cache when it is sent.
    static constexpr std::size_t kEarlyFlushBytes = 1024 * 1024;
    /// Buffers written to, likewise.
    static constexpr std::size_t kEarlyFlushBuffers = 1024;

    /// @param number  0 to 31; throws Poco::SystemException when the system refuses.
    EventLoop(unsigned number, Quiescence& quiescence);
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Called once per turn, before the buffers are written.
    void onEndOfTurn(std::function<void()> call) { _endOfTurn = std::move(call); }
    /// Calls this when all that a turn appended has been written, as far as peers take it.
    void onFlushed(std::function<void()> call) { _flushed = std::move(call); }
    /// Called with the text of each exception that attempt() has caught, for the log. Set before
    /// run().
    void onFailure(std::function<void(std::string_view)> call) { _onFailure = std::move(call); }

    /// Turns until stop(). Thread: becomes the [worker].
    void run();
    /// Ends run() after the turn. Thread: [any].
    void stop();

    unsigned number() const noexcept { return _number; }
    MonotonicMs now() const noexcept { return _turn.now(); }
    /// The time of day at the beginning of this turn.
    UnixMs wallClock() const noexcept { return _wallClock; }
    OutputTurn& turn() noexcept { return _turn; }
    TimerWheel& timers() noexcept { return _timers; }
    Mailbox& mailbox() noexcept { return _mailbox; }
    Quiescence& quiescence() noexcept { return _quiescence; }
    HandshakeBudget& handshakes() noexcept { return _handshakes; }
    int epollDescriptor() const noexcept { return _epoll; }

    /// Writes early when enough has come together. Called between packets.
    void flushIfMuch()
    {
        if (_turn.appended() >= kEarlyFlushBytes || _turn.dirty().size() >= kEarlyFlushBuffers)
            flush();
    }
    /// Writes every buffer this loop has appended to.
    void flush();
    /// The next turn follows without waiting: something is left to do.
    void turnAgain() noexcept { _again = true; }

    /// Does a piece of a turn's work. An exception, such as want of memory, ends that piece and
    /// not the loop: it is counted and told, and the answer is false.
    template <class Work> bool attempt(Work&& work) noexcept
    {
        try
        {
            work();
            return true;
        }
        catch (...)
        {
            failed();
            return false;
        }
    }
    /// How often a piece of work has failed. Thread: [any].
    std::uint64_t failures() const noexcept { return _failures.load(std::memory_order_relaxed); }

    /// The buffer all connections of this loop read into, one after the other. The first
    /// kReadHeadroom bytes are for what a connection had left from before.
    static constexpr std::size_t kReadHeadroom = 16 * 1024;
    static constexpr std::size_t kReadSize = 128 * 1024;
    std::uint8_t* readBuffer() noexcept { return _readBuffer.data(); }

    void add(int descriptor, std::uint32_t events, EventSource& source);
    void remove(int descriptor) noexcept;

private:
    void wait();
    void failed() noexcept;

    const unsigned _number;
    Quiescence& _quiescence;
    const Quiescence::ReaderId _reader;
    const int _epoll;
    Mailbox _mailbox;
    TimerWheel _timers;
    OutputTurn _turn;
    HandshakeBudget _handshakes;
    std::function<void()> _endOfTurn;
    std::function<void()> _flushed;
    std::function<void(std::string_view)> _onFailure;
    std::atomic<std::uint64_t> _failures{0};
    std::vector<std::uint8_t> _readBuffer;
    UnixMs _wallClock = 0;
    bool _again = false;
    std::atomic<bool> _stopping{false};
    WorkerAffinity _affinity;
};

} // namespace nanomq
