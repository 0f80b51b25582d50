#include "hook/Deferrals.h"

#include <algorithm>

namespace nanomq
{

namespace
{

constexpr unsigned kSlotShift = 32;
constexpr std::uint64_t kSlotMask = 0xFFFFFF;

/// What the chain makes of a verdict that came later: the same that it makes of one at once.
sdk::Verdict acceptedVerdict(sdk::Verdict verdict, const HookRecord& record) noexcept
{
    using sdk::Verdict;
    switch (verdict)
    {
    case Verdict::Next:
    case Verdict::Allow:
    case Verdict::Deny: return verdict;
    case Verdict::Drop:
        if (record.point == sdk::HookPoint::MessagePublish) return verdict;
        break;
    case Verdict::Continue:
        if (record.point == sdk::HookPoint::ClientEnhancedAuth) return verdict;
        break;
    default: break;
    }
    return (record.flags & sdk::kFailClosed) != 0 ? Verdict::Deny : Verdict::Next;
}

} // namespace

void Deferrals::Slot::expired(MonotonicMs)
{
    owner->timeOut(*this);
}

std::uint64_t Deferrals::tokenOf(const Slot& slot) const noexcept
{
    return std::uint64_t{_worker} << 56 | std::uint64_t{slot.index} << kSlotShift | slot.generation;
}

Deferrals::Slot* Deferrals::find(std::uint64_t token) noexcept
{
    const auto index = (token >> kSlotShift) & kSlotMask;
    if (workerOf(token) != _worker || index >= _slots.size()) return nullptr;
    Slot& slot = _slots[index];
    const bool open =
        slot.state != State::Free && slot.generation == static_cast<std::uint32_t>(token);
    return open ? &slot : nullptr;
}

std::uint64_t Deferrals::open(HookRecord& record, std::uint32_t timeoutMs, sdk::Verdict onTimeout)
{
    HookSet& set = record.set;
    if (set._openDeferrals.fetch_add(1, std::memory_order_acq_rel) >= HookSet::kMaxOpenDeferrals ||
        (_free.empty() && _slots.size() >= kMaxSlots))
    {
        set._openDeferrals.fetch_sub(1, std::memory_order_acq_rel);
        return 0;
    }
    if (_free.empty())
    {
        Slot& added = _slots.emplace_back();
        added.owner = this;
        added.index = static_cast<std::uint32_t>(_slots.size() - 1);
        _free.push_back(added.index);
    }
    Slot& slot = _slots[_free.back()];
    _free.pop_back();
    slot.state = State::Asked;
    slot.onTimeout = onTimeout;
    slot.set = Ref<HookSet>::share(&set);
    slot.record = &record;
    slot.openedAt = monotonicNow();
    _timers.schedule(slot, slot.openedAt + timeoutMs);
    return tokenOf(slot);
}

void Deferrals::free(Slot& slot) noexcept
{
    slot.cancel();
    slot.state = State::Free;
    if (++slot.generation == 0) slot.generation = 1; // no token is 0
    slot.parked = nullptr;
    slot.record = nullptr;
    slot.answer = {};
    slot.set->_openDeferrals.fetch_sub(1, std::memory_order_acq_rel);
    slot.set = {};
    _free.push_back(slot.index);
}

void Deferrals::abandon(std::uint64_t token) noexcept
{
    Slot* const slot = find(token);
    if (!slot) return;
    // Else the hook did not answer Pending, or its answer was counted.
    if (slot->state == State::Parked) slot->record->cells[_worker].settled.add();
    free(*slot);
}

bool Deferrals::park(std::uint64_t token, Parked& parked)
{
    Slot* const slot = find(token);
    if (!slot || slot->parked) return false;
    slot->parked = &parked;
    if (slot->state == State::Asked)
    {
        slot->state = State::Parked;
        return true;
    }
    // The answer is here already, but resume() is never called from within park().
    _mailbox.post([this, token] {
        if (Slot* answered = find(token)) resume(*answered);
    });
    return true;
}

bool Deferrals::answer(HookSet& by, std::uint64_t token, HookAnswer answer)
{
    Slot* const slot = find(token);
    if (!slot || slot->state == State::Answered || slot->set.get() != &by) return false;
    const auto accepted = acceptedVerdict(answer.verdict, *slot->record);
    if (accepted != answer.verdict)
    {
        slot->record->cells[_worker].errors.add();
        // With Error, it has told itself what went wrong.
        if (answer.verdict != sdk::Verdict::Error)
            by.hookFailed(*slot->record, "its later answer was no verdict for this point");
        answer.reason = 0;
        answer.verdict = accepted;
    }
    slot->record->cells[_worker].settled.add();
    answer.position = slot->record->position;
    settle(*slot, std::move(answer));
    return true;
}

void Deferrals::timeOut(Slot& slot)
{
    slot.record->cells[_worker].timeouts.add();
    HookAnswer answer;
    answer.verdict = acceptedVerdict(slot.onTimeout, *slot.record);
    answer.timedOut = true;
    answer.position = slot.record->position;
    settle(slot, std::move(answer));
}

void Deferrals::settle(Slot& slot, HookAnswer answer)
{
    slot.cancel();
    slot.answer = std::move(answer);
    slot.answer.plugin = slot.set->name();
    slot.answer.waitedMs = static_cast<std::uint64_t>(monotonicNow() - slot.openedAt);
    if (slot.state == State::Parked) resume(slot);
    else slot.state = State::Answered;
}

void Deferrals::resume(Slot& slot)
{
    Parked& parked = *slot.parked;
    const HookAnswer answer = std::move(slot.answer);
    // First free, then tell: what goes on may defer again.
    free(slot);
    parked.resume(answer);
}

void Deferrals::cancel(HookSet& set)
{
    // By index: resume() may add slots, which are not of this set, as its hooks are gone.
    for (std::size_t i = 0; i < _slots.size(); ++i)
    {
        Slot& slot = _slots[i];
        if ((slot.state == State::Asked || slot.state == State::Parked) && slot.set.get() == &set)
            timeOut(slot);
    }
}

void Deferrals::resumeBefore(HookSet& set, const std::array<HookPosition, sdk::kHookPoints>& first)
{
    for (std::size_t i = 0; i < _slots.size(); ++i)
    {
        Slot& slot = _slots[i];
        if ((slot.state != State::Asked && slot.state != State::Parked) || slot.set.get() != &set)
            continue;
        HookAnswer answer;
        answer.position =
            std::min(slot.record->position, first[static_cast<std::size_t>(slot.record->point)]);
        // Sequences begin at 1, and the chain goes on behind a position.
        --answer.position.sequence;
        settle(slot, std::move(answer));
    }
}

void Deferrals::clear() noexcept
{
    for (Slot& slot : _slots)
        if (slot.state != State::Free) free(slot);
}

} // namespace nanomq
