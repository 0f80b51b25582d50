#pragma once

#include "base/Clock.h"

#include <atomic>
#include <cstdint>

namespace nanomq
{

/// Takes a hook that fails all the time out of its chain, tries it from time to time, and brings
/// it back when it works again.
///
/// Workers ask admits() before each call: one load and one branch while all is well. Whether all
/// is well is judged from the hook's figures, by somebody who looks several times a second; so
/// nothing is counted twice. While the breaker is open, the hook counts as failed with kFailClosed,
/// else as one without an opinion; observers miss their events.
class HookBreaker
{
public:
    enum class State : std::uint8_t
    {
        Closed, ///< all is well
        Open,
        Trial, ///< the next call is let through
    };
    struct Settings
    {
        std::uint64_t failures = 50; ///< within a window, before it opens; 0: it never does
        unsigned sharePercent = 50;  ///< and of the calls in it
        MonotonicMs windowMs = 10'000;
        MonotonicMs pauseMs = 10'000; ///< until it is tried; doubled each time that fails
        MonotonicMs longestPauseMs = 300'000;
    };
    /// Of the hook, since it was registered.
    struct Figures
    {
        std::uint64_t calls = 0;
        std::uint64_t failures = 0; ///< errors, and answers that came too late
        std::int64_t waiting = 0;   ///< answers that are owed
    };
    enum class Change
    {
        None,
        Opened,
        Reopened, ///< the trial failed
        Closed,
    };

    bool admits() noexcept
    {
        return _state.load(std::memory_order_relaxed) == State::Closed || admitsTrial();
    }
    State state() const noexcept { return _state.load(std::memory_order_relaxed); } ///< [any]

    /// Looks at the figures and acts. Thread: one at a time, always the same.
    Change judge(const Figures& figures, MonotonicMs now, const Settings& settings) noexcept;
    /// How long it stays open. Thread: as judge().
    MonotonicMs pauseMs() const noexcept { return _pauseMs; }

private:
    bool admitsTrial() noexcept;
    Change judgeTrial(const Figures& figures, MonotonicMs now, const Settings& settings) noexcept;
    void open(MonotonicMs now) noexcept;

    std::atomic<State> _state{State::Closed};
    bool _onTrial = false;
    bool _calledOnTrial = false;
    MonotonicMs _windowBegan = 0;
    MonotonicMs _until = 0; // of the pause, then of the trial
    MonotonicMs _pauseMs = 0;
    Figures _before; // when the window or the trial began
};

} // namespace nanomq
