#pragma once

#include "base/Counted.h"
#include "base/Quiescence.h"
#include "hook/HookBus.h"
#include "hook/HookSet.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace nanomq
{

/// How hooks come and go: the side of the HookBus that the plugin host works with.
///
///     load      make(), HookSet::add() …, exchange(nullptr, new)
///     reload    exchange(old, new), then as unload without the exchange
///     unload    exchange(old, nullptr), graceful(), drain(old), withdrawFilters(old)
///
/// A worker sees either the old table or the new one, never half of it, and each event is told to
/// exactly one of two versions. What is written here is what makes that true, so the order
/// matters: filters go into the index before the table that knows them, and out of it after the
/// table that does not.
///
/// Thread: [host].
class HookRegistry
{
public:
    using Milliseconds = std::chrono::milliseconds;

    /// Requires: bus.attach() has been called.
    explicit HookRegistry(HookBus& bus) noexcept : _bus(bus) {}

    /// An empty set for a plugin. `plugin` is its place in the order of loading; the new version
    /// in a reload takes the number of the old one. The first is 1.
    Ref<HookSet> make(std::uint32_t plugin, std::string name, HookErrors* errors);

    /// Puts `in` in the place of `out` with one pointer store; either may be null. False, and
    /// nothing has changed, when the index refuses a filter of `in`.
    [[nodiscard]] bool exchange(HookSet* out, HookSet* in);

    /// Waits until no worker can be inside the hooks of what exchange() took out. Returns the
    /// worker that was still in its turn at the deadline: then its code must stay.
    [[nodiscard]] std::optional<Quiescence::ReaderId> graceful(Milliseconds deadline)
    {
        return _bus._quiescence.synchronize(deadline);
    }

    /// Waits until what `out` has promised is answered and what it was given is told: deferrals
    /// until `deadline`, then they get their answer for a missed deadline; then its rings, for
    /// as long again. False when something is left; then its code must stay.
    /// Requires: graceful() has returned nothing.
    [[nodiscard]] bool drain(HookSet& out, Milliseconds deadline);

    /// Takes the filters of a set out of the index. Requires: graceful() has returned nothing.
    void withdrawFilters(HookSet& out);

    /// A set that stands in for `set` while a plugin that cannot live beside its next version
    /// closes and opens: whoever meets one of its intercept or decide hooks waits, as if that
    /// hook had answered Pending, for `limit` at most (then kFailClosed denies and the others
    /// have no opinion). Its observers miss what happens meanwhile; it is counted as dropped.
    Ref<HookSet> standIn(const HookSet& set, Milliseconds limit);
    /// Lets what waits go on; `next` (may be null) is asked first. To be called after the
    /// exchange of stand-in and next: each worker does it between two packets, so nobody parks
    /// at the stand-in any more.
    void resumeParked(HookSet& standIn, HookSet* next);

    unsigned workers() const noexcept;
    /// Which hook a worker is inside of, see HookMark. Thread: [any].
    std::uint64_t look(unsigned worker) const noexcept;
    /// The hook behind what look() has seen; not 0. Thread: [any].
    HookNames::Hook hookOf(std::uint64_t look) const
    {
        return _bus._names.find(HookMark::tagOf(look));
    }

private:
    bool insertFilters(HookSet& in);
    // Hooks of a stand-in; `self` is its set.
    template <sdk::Verdict onTimeout>
    static sdk::Verdict park(void* self, const sdk::EventHeader*, sdk::HookContext* context);
    static sdk::Verdict lose(void* self, const sdk::EventHeader*, sdk::HookContext*);
    template <class Call> void onEachWorker(Call call);

    HookBus& _bus;
    std::uint32_t _lastObserver = 0;
};

} // namespace nanomq
