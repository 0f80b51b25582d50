#include "hook/HookRegistry.h"

#include "hook/Deferrals.h"
#include "hook/WorkerState.h"

#include <algorithm>
#include <array>
#include <thread>
#include <vector>

namespace nanomq
{

namespace
{

using Clock = std::chrono::steady_clock;

/// Tells observers from sessions among the index' subscribers.
constexpr std::uint32_t kObserverIdBit = 0x80000000;

template <class Condition> bool waitFor(Condition condition, std::chrono::milliseconds deadline)
{
    const auto end = Clock::now() + deadline;
    while (!condition())
    {
        if (Clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return true;
}

} // namespace

Ref<HookSet> HookRegistry::make(std::uint32_t plugin, std::string name, HookErrors* errors)
{
    const auto tag = _bus._names.tagFor(name);
    return HookSet::make(plugin, std::move(name), workers(), errors, tag);
}

unsigned HookRegistry::workers() const noexcept
{
    return static_cast<unsigned>(_bus._workers.size());
}

std::uint64_t HookRegistry::look(unsigned worker) const noexcept
{
    return _bus._workers[worker]->mark.look();
}

bool HookRegistry::insertFilters(HookSet& in)
{
    for (const auto& hook : in._hooks)
    {
        if (hook->point != sdk::HookPoint::MessagePublished || hook->filters.empty()) continue;
        hook->observer = kObserverIdBit | ++_lastObserver;
        for (std::size_t i = 0; i < hook->filters.size(); ++i)
        {
            if (_bus._filters->insert(hook->filters[i].text, hook->observer)) continue;
            hook->filters.erase(hook->filters.begin() + static_cast<std::ptrdiff_t>(i),
                                hook->filters.end());
            withdrawFilters(in);
            return false;
        }
    }
    return true;
}

void HookRegistry::withdrawFilters(HookSet& out)
{
    for (const auto& hook : out._hooks)
    {
        if (hook->observer == 0) continue;
        for (const auto& filter : hook->filters) _bus._filters->remove(filter.text, hook->observer);
        hook->observer = 0;
    }
}

bool HookRegistry::exchange(HookSet* out, HookSet* in)
{
    if (in && !insertFilters(*in)) return false;

    const HookTable* const old = _bus._table.load(std::memory_order_acquire);
    std::vector<Ref<HookSet>> sets;
    for (const auto& set : old->sets())
        if (set.get() != out) sets.push_back(set);
    if (in)
    {
        sets.push_back(Ref<HookSet>::share(in));
        in->startIfOffloaded();
    }
    auto table = std::make_unique<HookTable>(std::move(sets));
    _bus._everHad.fetch_or(table->points(), std::memory_order_relaxed);
    _bus._table.store(table.release(), std::memory_order_release);
    _bus._quiescence.retire(old);
    return true;
}

template <class Call> void HookRegistry::onEachWorker(Call call)
{
    for (const auto& worker : _bus._workers)
    {
        Deferrals& deferrals = worker->deferrals;
        worker->mailbox.post([&deferrals, call] { call(deferrals); });
    }
}

bool HookRegistry::drain(HookSet& out, Milliseconds deadline)
{
    const auto answered = [&out] { return out.openDeferrals() == 0; };
    if (!waitFor(answered, deadline))
    {
        onEachWorker([set = Ref<HookSet>::share(&out)](Deferrals& open) { open.cancel(*set); });
        if (!waitFor(answered, deadline)) return false;
    }
    return waitFor([&out] { return out.drained(); }, deadline);
}

Ref<HookSet> HookRegistry::standIn(const HookSet& set, Milliseconds limit)
{
    auto substitute = make(set._plugin, set._name, set._errors);
    substitute->_parkLimitMs = static_cast<std::uint32_t>(limit.count());
    for (const auto& hook : set._hooks)
    {
        const bool observes = sdk::hookKind(hook->point) == sdk::HookKind::Observe;
        const bool closed = (hook->flags & sdk::kFailClosed) != 0;
        sdk::HookSpec spec{};
        spec.point = hook->point;
        spec.flags = hook->flags | sdk::kInline;
        spec.function = observes ? &lose
                        : closed ? &park<sdk::Verdict::Deny>
                                 : &park<sdk::Verdict::Next>;
        spec.self = substitute.get();
        auto& added = substitute->_hooks.emplace_back(
            std::make_unique<HookRecord>(*substitute, spec, hook->position, set._workers));
        added->filters = hook->filters;
    }
    return substitute;
}

template <sdk::Verdict onTimeout>
sdk::Verdict HookRegistry::park(void* self, const sdk::EventHeader*, sdk::HookContext* context)
{
    const auto& set = *static_cast<const HookSet*>(self);
    return context->defer(set._parkLimitMs, onTimeout).token == 0 ? sdk::Verdict::Error
                                                                  : sdk::Verdict::Pending;
}

sdk::Verdict HookRegistry::lose(void* self, const sdk::EventHeader*, sdk::HookContext*)
{
    static_cast<HookSet*>(self)->_lostWhileParked.fetch_add(1, std::memory_order_relaxed);
    return sdk::Verdict::Next;
}

void HookRegistry::resumeParked(HookSet& standIn, HookSet* next)
{
    // After every position there is: then the deferring hook's own decides.
    std::array<HookPosition, sdk::kHookPoints> first;
    first.fill({INT16_MIN, UINT32_MAX, UINT32_MAX});
    if (next)
    {
        for (const auto& hook : next->_hooks)
        {
            auto& position = first[static_cast<std::size_t>(hook->point)];
            position = std::min(position, hook->position);
        }
        next->_lostWhileParked += standIn._lostWhileParked;
    }
    onEachWorker([set = Ref<HookSet>::share(&standIn), first](Deferrals& open) {
        open.resumeBefore(*set, first);
    });
}

} // namespace nanomq
