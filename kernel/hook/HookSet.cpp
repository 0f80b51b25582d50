#include "hook/HookSet.h"

#include "hook/HookBus.h"
#include "hook/ObserverContext.h"
#include "hook/TopicRules.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>

namespace nanomq
{

namespace
{

constexpr int kDrainAtOnce = 256;
constexpr std::uint64_t kOneIn128 = 127;
constexpr std::uint32_t kKnownFlags = sdk::kInline | sdk::kFailClosed | sdk::kDryRunAware;

std::size_t literalSizeOf(std::string_view filter) noexcept
{
    const auto wildcard = filter.find_first_of("+#");
    if (wildcard == std::string_view::npos) return filter.size();
    // "sport/#" matches "sport" too (§4.7.1.2).
    if (filter[wildcard] == '#' && wildcard > 0) return wildcard - 1;
    return wildcard;
}

std::uint64_t timedMaskOf(sdk::HookPoint point) noexcept
{
    const bool perMessage =
        point == sdk::HookPoint::ClientAuthorize ||
        (point >= sdk::HookPoint::MessagePublish && point <= sdk::HookPoint::MessageExpired);
    return perMessage ? kOneIn128 : 0;
}

} // namespace

HookFilter::HookFilter(std::string_view topicFilter)
    : text(topicFilter),
      literalSize(literalSizeOf(topicFilter))
{
}

bool HookRecord::wants(std::string_view topic, const TopicFilters& filters) const
{
    if (this->filters.empty()) return true;
    return std::any_of(this->filters.begin(), this->filters.end(), [&](const HookFilter& filter) {
        const std::string_view literal(filter.text.data(), filter.literalSize);
        return topic.starts_with(literal) && filters.matches(filter.text, topic);
    });
}

HookRecord::HookRecord(HookSet& itsSet, const sdk::HookSpec& spec, HookPosition itsPosition,
                       unsigned workers)
    : set(itsSet),
      function(spec.function),
      self(spec.self),
      timedMask(timedMaskOf(spec.point)),
      cells(std::make_unique<HookCell[]>(workers + 1)),
      flags(spec.flags),
      tag(HookNames::with(itsSet.tag(), spec.point)),
      point(spec.point),
      position(itsPosition),
      times(std::make_unique<TimeHistogram[]>(workers + 1))
{
}

HookBreaker::Figures HookRecord::figures() const noexcept
{
    HookBreaker::Figures figures;
    for (unsigned i = 0; i <= set.workers(); ++i)
    {
        // What ended is read before what began: no call seems to have ended before it did.
        const auto ended = cells[i].settled.value() + cells[i].timeouts.value();
        figures.failures += cells[i].errors.value() + cells[i].timeouts.value();
        figures.waiting += static_cast<std::int64_t>(cells[i].deferrals.value() - ended);
        figures.calls += cells[i].calls.value();
    }
    return figures;
}

sdk::Verdict callHook(HookRecord& record, unsigned cellNumber, HookMark& mark,
                      const sdk::EventHeader& event, sdk::HookContext& context) noexcept
{
    using Clock = std::chrono::steady_clock;
    HookCell& cell = record.cells[cellNumber];
    const std::uint64_t call = cell.calls.add();
    const bool timed = (call & record.timedMask) == 0;
    const auto begin = timed ? Clock::now() : Clock::time_point();
    sdk::Verdict verdict = sdk::Verdict::Error;
    {
        const HookMark::Inside inside(mark, record.tag, call);
        try
        {
            // An error it answers with is counted here, and told by whoever knows what it was.
            verdict = record.function(record.self, &event, &context);
        }
        catch (const std::exception& error)
        {
            record.set.hookFailed(record, error.what());
        }
        catch (...)
        {
            record.set.hookFailed(record, "an exception of unknown type");
        }
    }
    if (verdict == sdk::Verdict::Error) cell.errors.add();
    if (timed)
    {
        const auto ns = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count());
        cell.samples.add();
        cell.sampledNs.add(ns);
        record.times[cellNumber].add(ns);
    }
    return verdict;
}

Ref<HookSet> HookSet::make(std::uint32_t plugin, std::string name, unsigned workers,
                           HookErrors* errors, HookMark::Tag tag)
{
    return Ref<HookSet>::adopt(new HookSet(plugin, std::move(name), workers, errors, tag));
}

HookSet::HookSet(std::uint32_t plugin, std::string name, unsigned workers, HookErrors* errors,
                 HookMark::Tag tag)
    : _plugin(plugin),
      _name(std::move(name)),
      _workers(workers),
      _errors(errors),
      _tag(tag),
      _executor(_name, *this)
{
    while (_rings.size() < _workers) _rings.push_back(std::make_unique<OffloadRing>(_heldBytes));
}

sdk::Status HookSet::add(const sdk::HookSpec& spec)
{
    if (spec.size < sizeof(sdk::HookSpec) || !spec.function) return -EINVAL;
    const auto point = static_cast<std::uint16_t>(spec.point);
    if (point == 0 || point >= sdk::kHookPoints) return -EINVAL;
    if ((spec.flags & ~kKnownFlags) != 0) return -EINVAL;
    if (spec.filterCount > 0 && (!hasTopic(spec.point) || !spec.topicFilters)) return -EINVAL;
    if (_hooks.size() >= kMaxHooks || spec.filterCount > kMaxFilters - _filters) return -E2BIG;

    auto record = std::make_unique<HookRecord>(
        *this, spec, HookPosition{spec.priority, _plugin, _lastSequence + 1}, _workers);
    for (std::uint32_t i = 0; i < spec.filterCount; ++i)
    {
        const std::string_view filter = spec.topicFilters[i].view();
        if (!isTopicFilter(filter)) return -EINVAL;
        record->filters.emplace_back(filter);
    }
    _filters += spec.filterCount;
    ++_lastSequence;
    _hooks.push_back(std::move(record));
    return 0;
}

void HookSet::hookFailed(const HookRecord& record, std::string_view what) noexcept
{
    if (_errors) _errors->failed(sdk::hookPointName(record.point), what);
}

void HookSet::taskFailed(std::string_view what) noexcept
{
    if (_errors) _errors->failed("task", what);
}

void HookSet::startIfOffloaded()
{
    if (std::any_of(_hooks.begin(), _hooks.end(),
                    [](const auto& hook) { return hook->offloaded(); }))
        _executor.start();
}

bool HookSet::drained() const noexcept
{
    return std::all_of(_rings.begin(), _rings.end(), [](const auto& ring) {
        const auto delivered = ring->delivered();
        return ring->accepted() == delivered;
    });
}

bool HookSet::drainSome()
{
    bool any = false;
    for (const auto& ring : _rings)
    {
        for (int i = 0; i < kDrainAtOnce; ++i)
        {
            const KeptEvent* const kept = ring->front();
            if (!kept) break;
            ObserverContext context(kept->message());
            callHook(kept->record(), _workers, _executorMark, kept->event(), context);
            ring->pop();
            any = true;
        }
    }
    return any;
}

HookSetStatistics HookSet::statistics() const
{
    HookSetStatistics all;
    for (const auto& hook : _hooks)
    {
        HookStatistics one{};
        one.point = hook->point;
        one.priority = hook->position.priority;
        one.flags = hook->flags;
        one.breaker = hook->breaker.state();
        TimeHistogram::Counts times{};
        for (const auto& filter : hook->filters) one.topicFilters.push_back(filter.text);
        for (unsigned i = 0; i <= _workers; ++i)
        {
            const HookCell& cell = hook->cells[i];
            one.calls += cell.calls.value();
            one.errors += cell.errors.value();
            one.deferrals += cell.deferrals.value();
            one.timeouts += cell.timeouts.value();
            one.skipped += cell.skipped.value();
            one.samples += cell.samples.value();
            one.sampledNs += cell.sampledNs.value();
            hook->times[i].addTo(times);
        }
        one.medianNs = TimeHistogram::quantile(times, 0.5);
        one.p99Ns = TimeHistogram::quantile(times, 0.99);
        one.longestNs = TimeHistogram::quantile(times, 1);
        all.hooks.push_back(std::move(one));
    }
    for (const auto& ring : _rings)
    {
        const auto delivered = ring->delivered();
        const auto accepted = ring->accepted();
        all.delivered += delivered;
        all.accepted += accepted;
        all.queued += accepted - delivered;
        all.dropped += ring->dropped();
        all.room += OffloadRing::kMaxEvents;
    }
    all.dropped += _lostWhileParked.load(std::memory_order_relaxed);
    all.heldBytes = _heldBytes.load(std::memory_order_relaxed);
    all.openDeferrals = openDeferrals();
    all.lateAnswers = _lateAnswers.load(std::memory_order_relaxed);
    return all;
}

} // namespace nanomq
