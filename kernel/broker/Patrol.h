#pragma once

#include "base/TimerWheel.h"
#include "broker/MemoryBudget.h"
#include "broker/Worker.h"

namespace nanomq
{

/// What a worker does from time to time for all its clients: a look at the memory level, and
/// rounds, a slice per turn, in which who was banned or takes no byte for too long is
/// disconnected, and who waited for memory goes on. Thread: [worker].
class Patrol final : public Worker::Recurring, private Timer
{
public:
    explicit Patrol(Worker& worker) noexcept : _worker(worker) {}

    /// Begins. [main], before the loop runs.
    void start();
    /// No more rounds: the broker stops.
    void stop() noexcept;
    /// Looks at the memory level.
    void lookNow();
    /// A client leaves the worker's list.
    void left(const Client& client) noexcept;
    /// The memory level, looked at every few milliseconds of traffic. Called once per turn.
    void endOfTurn(MonotonicMs now)
    {
        if (now >= _nextLook) look(now);
    }

    bool runSlice() override;

private:
    void expired(MonotonicMs now) override;
    void look(MonotonicMs now);
    void react(MemoryLevel level);
    void beginRound();

    Worker& _worker;
    Client* _next = nullptr; // of the round
    bool _inRound = false;
    bool _checksBans = false; // in this round
    bool _heldBack = false; // some clients wait for memory, or did in the last round
    MemoryLevel _level = MemoryLevel::Fine; // that this worker acts by
    std::uint64_t _bansSeen = 0;
    MonotonicMs _nextLook = 0;
    MonotonicMs _nextRound = 0;
};

} // namespace nanomq
