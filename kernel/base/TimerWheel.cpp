#include "base/TimerWheel.h"

#include <algorithm>
#include <bit>

namespace nanomq
{

TimerWheel::TimerWheel(MonotonicMs now) noexcept : _tick(now / kTickMs)
{
    _due.next = _due.previous = &_due;
    for (auto& head : _slots) head.next = head.previous = &head;
}

void TimerWheel::schedule(Timer& timer, MonotonicMs deadline) noexcept
{
    timer.unlink();
    timer._deadline = deadline;
    // Rounded up: never early.
    const auto wanted = deadline / kTickMs + (deadline % kTickMs > 0 ? 1 : 0);
    const auto slot = slotOf(std::max(_tick, wanted));
    timer.insertBefore(_slots[slot]);
    _occupied[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

void TimerWheel::moveDue(std::size_t slot, MonotonicMs now) noexcept
{
    TimerLink& head = _slots[slot];
    for (TimerLink* link = head.next; link != &head;)
    {
        TimerLink* const next = link->next;
        if (static_cast<Timer*>(link)->_deadline <= now)
        {
            link->unlink();
            link->insertBefore(_due);
        }
        link = next;
    }
    if (head.next == &head) _occupied[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
}

void TimerWheel::advance(MonotonicMs now, std::size_t limit)
{
    const MonotonicMs last = now / kTickMs;
    // After a long sleep one round over all slots reaches every timer.
    _tick = std::max(_tick, last - static_cast<MonotonicMs>(kSlots) + 1);
    while (true)
    {
        // In a ring of their own, and past the slot, before the first one fires: what fires may
        // schedule itself again for this very moment, and then it is due in the next slot.
        for (; _due.next != &_due; --limit)
        {
            if (limit == 0) return;
            auto& timer = static_cast<Timer&>(*_due.next);
            timer.unlink();
            timer.expired(now);
        }
        if (_tick > last) return;
        moveDue(slotOf(_tick++), now);
    }
}

int TimerWheel::sleepMs(MonotonicMs now) const noexcept
{
    if (_due.next != &_due) return 0;
    const auto first = slotOf(_tick);
    for (std::size_t step = 0; step <= _occupied.size(); ++step)
    {
        const auto word = (first / 64 + step) % _occupied.size();
        auto bits = _occupied[word];
        if (step == 0) bits &= ~std::uint64_t{0} << (first % 64);
        if (step == _occupied.size()) bits &= ~(~std::uint64_t{0} << (first % 64));
        if (bits == 0) continue;
        const auto slot = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
        const auto tick = _tick + static_cast<MonotonicMs>((slot + kSlots - first) % kSlots);
        return static_cast<int>(std::max<MonotonicMs>(0, tick * kTickMs - now));
    }
    return -1;
}

} // namespace nanomq
