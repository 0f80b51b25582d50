#pragma once

#include "base/Counted.h"
#include "hook/Executor.h"
#include "hook/HookBreaker.h"
#include "hook/HookTable.h"
#include "hook/HookWatch.h"
#include "hook/OffloadRing.h"
#include "hook/TimeHistogram.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

class TopicFilters;

/// Where failures of a plugin's hooks and tasks are told; the kernel's, outlives the HookSet.
class HookErrors
{
public:
    /// Called for every failure, so it must limit the rate of what it logs. Thread: [any].
    virtual void failed(std::string_view where, std::string_view what) noexcept = 0;

protected:
    ~HookErrors() = default;
};

/// A figure that one thread writes and others read.
class OwnedCounter
{
public:
    /// Returns the value before. Thread: its owner's.
    std::uint64_t add(std::uint64_t by = 1) noexcept
    {
        const auto before = _value.load(std::memory_order_relaxed);
        _value.store(before + by, std::memory_order_relaxed);
        return before;
    }
    std::uint64_t value() const noexcept
    {
        return _value.load(std::memory_order_relaxed);
    } ///< [any]

private:
    std::atomic<std::uint64_t> _value{0};
};

/// What one thread counts of one hook. A cache line of its own: no two threads write into one.
struct alignas(64) HookCell
{
    OwnedCounter calls, errors, deferrals, timeouts;
    OwnedCounter settled;            ///< deferrals that were answered, or that nobody waits for
    OwnedCounter skipped;            ///< not called, since the breaker was open
    OwnedCounter samples, sampledNs; ///< of the calls that were timed
};

/// A topic filter of a hook. The text before the first wildcard is compared first: that settles
/// most topics without a walk over levels.
struct HookFilter
{
    explicit HookFilter(std::string_view topicFilter);

    std::string text;
    std::size_t literalSize;
};

/// One hook's registration and figures.
struct alignas(64) HookRecord
{
    /// @param workers  how many there are.
    HookRecord(HookSet& itsSet, const sdk::HookSpec& spec, HookPosition itsPosition,
               unsigned workers);

    // What a call needs, in one cache line.
    HookSet& set;
    const sdk::HookFunction function;
    void* const self;
    /// A call is timed when the count of calls has none of these bits. Points that are met for
    /// each message: one in 128; others always, since they are rare.
    const std::uint64_t timedMask;
    const std::unique_ptr<HookCell[]> cells; ///< one a worker, and the last one the executor's
    const std::uint32_t flags;
    const HookMark::Tag tag;
    const sdk::HookPoint point;
    HookBreaker breaker;

    const HookPosition position;
    std::uint32_t observer = 0; ///< its id in the index; 0: not there
    std::vector<HookFilter> filters;
    const std::unique_ptr<TimeHistogram[]> times; ///< as cells

    bool offloaded() const noexcept
    {
        return sdk::hookKind(point) == sdk::HookKind::Observe && (flags & sdk::kInline) == 0;
    }
    /// Has no filters, or one of them matches. Thread: [any].
    bool wants(std::string_view topic, const TopicFilters& filters) const;
    /// Thread: [any].
    HookBreaker::Figures figures() const noexcept;
};

/// Figures of one hook, added up.
struct HookStatistics
{
    sdk::HookPoint point;
    std::int16_t priority;
    std::uint32_t flags;
    std::vector<std::string> topicFilters;
    std::uint64_t calls, errors, deferrals, timeouts, skipped;
    std::uint64_t samples, sampledNs;
    std::uint64_t medianNs, p99Ns, longestNs; ///< of the calls that were timed, to a quarter
    HookBreaker::State breaker;
};

/// Figures of a plugin. Events of offloaded observers: accepted = delivered + queued; those
/// dropped were never accepted.
struct HookSetStatistics
{
    std::vector<HookStatistics> hooks;
    std::uint64_t accepted = 0, delivered = 0, queued = 0, dropped = 0;
    std::uint64_t room = 0; ///< events that its rings take at most
    std::uint64_t heldBytes = 0;
    std::uint64_t openDeferrals = 0;
    std::uint64_t lateAnswers = 0; ///< late, second, and foreign ones
};

/// All hooks of one loaded plugin, their figures, its deferrals' count and its executor.
///
/// The kernel's own: it outlives the plugin's code, since a late answer or a worker's last share
/// may come after it. What may be called once the plugin is gone reads no pointer into it.
class HookSet final : public Counted, private ExecutorSource
{
public:
    static constexpr std::uint32_t kMaxOpenDeferrals = 4'096;
    static constexpr std::size_t kMaxHooks = 1'024;
    static constexpr std::size_t kMaxFilters = 65'536;

    /// @param plugin   its place in the order of loading; a reload keeps it.
    /// @param workers  how many there are.
    /// @param errors   may be null.
    /// @param tag      of the plugin, see HookNames.
    static Ref<HookSet> make(std::uint32_t plugin, std::string name, unsigned workers,
                             HookErrors* errors, HookMark::Tag tag);

    std::uint32_t plugin() const noexcept { return _plugin; }
    const std::string& name() const noexcept { return _name; }
    HookMark::Tag tag() const noexcept { return _tag; }
    unsigned workers() const noexcept { return _workers; }
    /// What its executor is doing. Thread: [any].
    const HookMark& executorMark() const noexcept { return _executorMark; }

    /// Adds a hook, before the set is published. -EINVAL for a spec that makes no sense, -E2BIG
    /// for more hooks or filters than there may be. Thread: [host].
    sdk::Status add(const sdk::HookSpec& spec);
    std::span<const std::unique_ptr<HookRecord>> hooks() const noexcept { return _hooks; }

    Executor& executor() noexcept { return _executor; }
    HookSetStatistics statistics() const;
    /// Tells of a hook that failed. Thread: [any].
    void hookFailed(const HookRecord& record, std::string_view what) noexcept;

    /// Deferrals that have not been answered. Thread: [any].
    std::uint32_t openDeferrals() const noexcept
    {
        return _openDeferrals.load(std::memory_order_acquire);
    }
    /// Has the executor told all that was accepted? Thread: [any].
    bool drained() const noexcept override;

private:
    friend class Deferrals;
    friend class HookBus;
    friend class HookRegistry;

    HookSet(std::uint32_t plugin, std::string name, unsigned workers, HookErrors* errors,
            HookMark::Tag tag);
    ~HookSet() override = default;

    void startIfOffloaded();
    bool drainSome() override;
    void taskFailed(std::string_view what) noexcept override;

    const std::uint32_t _plugin;
    const std::string _name;
    const unsigned _workers;
    HookErrors* const _errors;
    const HookMark::Tag _tag;
    HookMark _executorMark;
    std::uint32_t _lastSequence = 0;
    std::size_t _filters = 0;
    std::vector<std::unique_ptr<HookRecord>> _hooks;
    std::atomic<std::uint32_t> _openDeferrals{0};
    std::atomic<std::uint32_t> _answersOnTheWay{0};
    std::atomic<std::uint64_t> _lateAnswers{0};
    std::atomic<std::uint64_t> _lostWhileParked{0}; // see HookRegistry::standIn()
    std::uint32_t _parkLimitMs = 0;                 // of a stand-in
    std::atomic<std::size_t> _heldBytes{0};
    std::vector<std::unique_ptr<OffloadRing>> _rings; // one a worker
    Executor _executor;                               // goes first: its thread reads all above
};

/// Calls a hook and counts it; what it throws becomes Verdict::Error. `cell`: which of the
/// record's cells is the caller's. Thread: that cell's and `mark`'s owner.
sdk::Verdict callHook(HookRecord& record, unsigned cell, HookMark& mark,
                      const sdk::EventHeader& event, sdk::HookContext& context) noexcept;

} // namespace nanomq
