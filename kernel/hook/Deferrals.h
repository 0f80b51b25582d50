#pragma once

#include "base/TimerWheel.h"
#include "hook/HookBus.h"
#include "hook/HookSet.h"

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace nanomq
{

/// The open deferrals of one worker.
///
/// A token names worker, slot and generation, so that an answer that comes late meets either
/// nothing or a slot of another generation, never somebody else's wait. Slots are the kernel's
/// and are used again; there are at most as many as plugins may have open at the same time.
///
/// Thread: [worker], but for workerOf().
class Deferrals
{
public:
    Deferrals(unsigned worker, Mailbox& mailbox, TimerWheel& timers) noexcept
        : _worker(worker),
          _mailbox(mailbox),
          _timers(timers)
    {
    }

    /// Begins a wait; 0 when the plugin has HookSet::kMaxOpenDeferrals already.
    std::uint64_t open(HookRecord& record, std::uint32_t timeoutMs, sdk::Verdict onTimeout);
    /// The hook did not answer Pending after all, or the one who waits goes away.
    void abandon(std::uint64_t token) noexcept;
    /// See HookBus::park().
    bool park(std::uint64_t token, Parked& parked);
    /// An answer came. False when it is late, second, or from another plugin.
    bool answer(HookSet& by, std::uint64_t token, HookAnswer answer);

    /// Gives every wait for this plugin the answer it has for its deadline.
    void cancel(HookSet& set);
    /// Lets the chains that wait for this plugin go on, none behind `first` of its point: that is
    /// where the plugin's next version wants to be asked.
    void resumeBefore(HookSet& set, const std::array<HookPosition, sdk::kHookPoints>& first);
    /// Forgets all.
    void clear() noexcept;

    static unsigned workerOf(std::uint64_t token) noexcept
    {
        return static_cast<unsigned>(token >> 56);
    }

private:
    enum class State : std::uint8_t
    {
        Free,
        Asked,    // the hook has answered Pending, nobody is parked yet
        Answered, // and the answer came before anybody was
        Parked,
    };
    class Slot final : public Timer
    {
    public:
        Deferrals* owner = nullptr;
        std::uint32_t index = 0;
        std::uint32_t generation = 1;
        State state = State::Free;
        sdk::Verdict onTimeout = sdk::Verdict::Next;
        Ref<HookSet> set;
        HookRecord* record = nullptr;
        Parked* parked = nullptr;
        HookAnswer answer;
        MonotonicMs openedAt = 0;

    private:
        void expired(MonotonicMs now) override;
    };
    static constexpr std::uint32_t kMaxSlots = 1u << 24;

    std::uint64_t tokenOf(const Slot& slot) const noexcept;
    Slot* find(std::uint64_t token) noexcept;
    void timeOut(Slot& slot);
    void settle(Slot& slot, HookAnswer answer);
    void free(Slot& slot) noexcept;
    void resume(Slot& slot);

    const unsigned _worker;
    Mailbox& _mailbox;
    TimerWheel& _timers;
    std::deque<Slot> _slots; // a slot never moves: its timer is linked
    std::vector<std::uint32_t> _free;
};

} // namespace nanomq
