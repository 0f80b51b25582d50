#pragma once

#include "topic/FlatTable.h"
#include "topic/MatchSet.h"
#include "topic/Slab.h"
#include "topic/TopicFilter.h"
#include "topic/TopicHash.h"
#include "topic/TrackedMemory.h"
#include "topic/WildcardTrie.h"

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace nanomq
{

/// Names one Topic Filter, or one Shared Subscription (ShareName and filter), as long as it has
/// subscribers. Afterwards the number may name another.
using FilterId = std::uint32_t;

/// Where a listing stands between two slices.
class FilterCursor
{
private:
    friend class SubscriptionIndex;
    FilterId _next = 0;
};

/// A line of a listing.
struct FilterSummary
{
    FilterId id;
    std::string text; // as subscribed, "$share/{ShareName}/" included
    std::size_t subscribers;
};

/// Who gets a message: all subscriptions of this node, those of sessions and the observer filters
/// of plugins alike.
///
/// Filters without wildcards stand in a hash table, the others in a trie (see README.md). Workers
/// match without a lock and without waiting; writers hold one mutex for a few hundred
/// nanoseconds. The tables grow in small steps. A writer's longest pause is the copying of one
/// filter's subscriber list, 1 to 2 ms for 100,000 subscribers and some 30 ms for a million; at
/// a million filters single calls of 1 ms were seen.
///
/// What a writer replaces is freed through Quiescence: removed subscriptions may still be shown to
/// a worker until its turn ends, memory comes back when workers reclaim(), and the places of
/// removed filters are used again as later changes come by.
class SubscriptionIndex
{
public:
    /// `quiescence` outlives the index.
    explicit SubscriptionIndex(Quiescence& quiescence);
    /// Requires: no reader is online.
    ~SubscriptionIndex();
    SubscriptionIndex(const SubscriptionIndex&) = delete;
    SubscriptionIndex& operator=(const SubscriptionIndex&) = delete;

    struct Inserted
    {
        FilterId filter;
        bool existed; // the subscriber had it; its options were replaced [MQTT-3.8.4-3]
        bool first;   // no other subscription of this filter is on this node
    };

    /// Subscribes. When it returns, every match() that begins afterwards finds the subscriber.
    /// With a RetainedScan or RetainedStore::find() behind it, nothing falls between retained and
    /// live messages (see RetainedStore).
    /// @param subscriber  not kNoSubscriber.
    /// Thread: [any].
    Inserted insert(const TopicFilter& filter, SubscriberId subscriber,
                    SubscriptionOptions options);

    /// Unsubscribes. Returns whether it was the filter's last subscriber; then `filter` names
    /// nothing any more. A subscriber that is not there changes nothing. Thread: [any].
    bool remove(FilterId filter, SubscriberId subscriber);

    /// The filter's name, if it has subscribers. Thread: [any].
    std::optional<FilterId> find(const TopicFilter& filter) const;

    /// The filter as subscribed, "$share/{ShareName}/" included; empty if `filter` names nothing.
    /// Thread: [any].
    std::string text(FilterId filter) const;

    /// The options of one subscription; nothing if there is none. Thread: [any].
    std::optional<SubscriptionOptions> options(FilterId filter, SubscriberId subscriber) const;

    /// Adds to `matched` the subscribers of every filter that matches a Topic Name (checked with
    /// isValidTopicName()), and the Shared Subscriptions. What it shows is valid until the
    /// reader's next quiescent point. Locks nothing, and allocates only until `matched` has its
    /// capacity.
    /// Thread: a reader that is online in the Quiescence.
    void match(std::string_view topicName, MatchSet& matched) const noexcept;

    /// Appends the next filters to `out`, looking at no more than `limit` places. Returns false
    /// when the end is reached. A filter that is there all the time is listed exactly once.
    /// Thread: [any].
    bool list(FilterCursor& cursor, std::size_t limit, std::vector<FilterSummary>& out) const;

    /// Filters with subscribers; a Shared Subscription counts as one. Thread: [any].
    std::size_t filters() const noexcept { return _filters.load(std::memory_order_relaxed); }
    /// Pairs of filter and subscriber. Thread: [any].
    std::size_t subscriptions() const noexcept
    {
        return _subscriptions.load(std::memory_order_relaxed);
    }
    /// Of these, those that are Shared Subscriptions. Thread: [any].
    std::size_t sharedSubscriptions() const noexcept
    {
        return _sharedSubscriptions.load(std::memory_order_relaxed);
    }
    /// Heap memory in use, without what is retired and not freed yet. Thread: [any].
    std::size_t bytes() const noexcept { return _memory.bytes(); }

private:
    struct Exact;
    struct HashOfExact
    {
        TopicHash hash;
        std::uint64_t operator()(std::uint64_t value) const noexcept;
    };
    struct HashOfGroup
    {
        const SubscriptionIndex* index;
        std::uint64_t operator()(std::uint64_t value) const noexcept;
    };

    SubscriberList* listOf(FilterId filter) const noexcept;
    Exact* exactAt(std::uint32_t place) const noexcept;
    Exact* findExact(std::string_view filter) const noexcept;
    Exact* addExact(std::string_view filter);
    void removeExact(Exact* exact);

    std::optional<FilterId> findPlain(const TopicFilter& filter) const noexcept;
    FilterId addPlain(const TopicFilter& filter);
    void removePlainIfUnused(FilterId filter);

    std::uint64_t groupHash(FilterId filter, std::string_view shareName) const noexcept;
    std::optional<std::uint32_t> findGroup(FilterId filter,
                                           std::string_view shareName) const noexcept;
    std::uint32_t addGroup(FilterId filter, std::string_view shareName);
    void removeGroup(std::uint32_t group);

    std::string textOf(FilterId filter) const;
    void show(const SubscriberList& list, MatchSet& matched) const noexcept;

    mutable std::mutex _mutex; // writers; guards all below against one another
    TrackedMemory _memory;
    const TopicHash _hash;
    FlatTable<HashOfExact> _exact;
    std::deque<std::uintptr_t> _places; // exact filters by FilterId, or the next free place
    std::uint32_t _freePlace;
    WildcardTrie _wildcard;
    Slab<SharedGroup> _groups;
    FlatTable<HashOfGroup> _groupByName;
    std::uint32_t _lastGroupSerial = 0;
    std::atomic<std::size_t> _filters{0};
    std::atomic<std::size_t> _subscriptions{0};
    std::atomic<std::size_t> _sharedSubscriptions{0};
};

} // namespace nanomq
