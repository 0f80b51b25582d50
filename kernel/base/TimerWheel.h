#pragma once

#include "base/Clock.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace nanomq
{

class TimerWheel;

/// A place in a ring of timers.
struct TimerLink
{
    TimerLink* next = nullptr;
    TimerLink* previous = nullptr;

    void unlink() noexcept
    {
        if (!next) return;
        previous->next = next;
        next->previous = previous;
        next = previous = nullptr;
    }
    void insertBefore(TimerLink& other) noexcept
    {
        next = &other;
        previous = other.previous;
        other.previous->next = this;
        other.previous = this;
    }
};

/// Something that is due at a time. Derive from it, and put it into a worker's TimerWheel;
/// destroying it takes it out. Thread: [worker].
class Timer : private TimerLink
{
public:
    Timer() noexcept = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    virtual ~Timer() { unlink(); }

    bool scheduled() const noexcept { return next != nullptr; }
    /// Takes it out of its wheel; nothing happens if it is in none.
    void cancel() noexcept { unlink(); }

protected:
    /// Called by the wheel at or after the deadline, out of the wheel: it may schedule itself
    /// again, and it may destroy itself or any other timer.
    virtual void expired(MonotonicMs now) = 0;

private:
    friend class TimerWheel;
    MonotonicMs _deadline = 0;
};

/// The timers of one worker: a hashed wheel, 2,048 slots of 32 ms.
///
/// Putting a timer in or taking it out costs the same however many there are. A timer whose
/// deadline moves all the time, such as a keep alive, stays in its slot, and its owner schedules
/// it again when it fires early. Timers fire up to 32 ms late, never early.
///
/// Thread: [worker].
class TimerWheel
{
public:
    static constexpr MonotonicMs kTickMs = 32;
    static constexpr std::size_t kSlots = 2048;

    explicit TimerWheel(MonotonicMs now) noexcept;
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    /// Puts the timer in, or moves it. A deadline that is past fires with the next tick.
    void schedule(Timer& timer, MonotonicMs deadline) noexcept;

    /// Fires what is due at `now`, at most `limit` timers; the rest is due next time. When a timer
    /// throws, the exception comes out here, and the others fire with the next call.
    void advance(MonotonicMs now, std::size_t limit = 2000);

    /// How long the worker may sleep, in milliseconds: until the next slot that holds anything,
    /// or -1 when none does.
    int sleepMs(MonotonicMs now) const noexcept;

private:
    static std::size_t slotOf(MonotonicMs tick) noexcept
    {
        return static_cast<std::size_t>(tick) % kSlots;
    }
    void moveDue(std::size_t slot, MonotonicMs now) noexcept;

    MonotonicMs _tick; // what is due before it has fired, or stands in _due
    TimerLink _due;    // about to fire
    std::array<TimerLink, kSlots> _slots;
    std::array<std::uint64_t, kSlots / 64> _occupied{}; // a set bit may be stale, a clear one not
};

} // namespace nanomq
