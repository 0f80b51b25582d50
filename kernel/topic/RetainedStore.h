#pragma once

#include "topic/FlatTable.h"
#include "topic/TopicFilter.h"
#include "topic/TopicHash.h"
#include "topic/TrackedMemory.h"
#include "wire/Message.h"

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

class RetainedScan;

/// The retained messages of this node, one per Topic Name (§3.3.1.3).
///
/// A hash table finds one by its name, and a skip list keeps all in the order of their levels, so
/// that the topics below a level stand together and a scan can leap over what a filter excludes.
/// Workers read without a lock; writers hold one mutex. What is replaced or removed is released
/// through Quiescence.
///
/// *Retained against live.* A publisher stores, then matches; a subscriber inserts, then reads.
/// Between the two steps each makes a sequentially consistent read-modify-write on the same
/// object, `_order`: store() at its end, find() and RetainedScan::next() at their beginning. The
/// later of the two therefore sees what the other did first, and a message that is stored while
/// somebody subscribes reaches the subscriber at least one way. Callers need only keep the order
/// of the calls.
class RetainedStore
{
public:
    /// `quiescence` outlives the store.
    explicit RetainedStore(Quiescence& quiescence);
    /// Requires: no reader is online.
    ~RetainedStore();
    RetainedStore(const RetainedStore&) = delete;
    RetainedStore& operator=(const RetainedStore&) = delete;

    enum class Stored
    {
        Added,
        Replaced, // [MQTT-3.3.1-5]
        Erased,   // the payload is empty [MQTT-3.3.1-6]
        Nothing,  // the payload is empty, and there was nothing to erase [MQTT-3.3.1-7]
    };

    /// Keeps the message for its topic, or erases what is there if its payload is empty. Sets no
    /// limits: the caller asks count() and bytes() before. Thread: [any].
    Stored store(MessageRef message);

    /// The topic's message; none if there is none. It may be past its expiresAt until expire()
    /// comes by. Thread: a reader that is online in the Quiescence.
    MessageRef find(std::string_view topicName) const noexcept;

    /// Removes messages that are past their expiresAt (§3.3.2.3.3), the oldest deadline first and
    /// at most `limit`; returns how many. Costs nothing for messages without a deadline.
    /// Thread: [any].
    std::size_t expire(MonotonicMs now, std::size_t limit);

    /// Messages kept. Thread: [any].
    std::size_t count() const noexcept { return _count.load(std::memory_order_relaxed); }
    /// Heap memory in use, without the messages. Thread: [any].
    std::size_t indexBytes() const noexcept { return _memory.bytes(); }
    /// Heap memory in use, messages included. Thread: [any].
    std::size_t bytes() const noexcept
    {
        return _memory.bytes() + _messageBytes.load(std::memory_order_relaxed);
    }

private:
    friend class RetainedScan;
    static constexpr unsigned kMaxHeight = 12; // 4^12 topics and the search is still logarithmic

    struct Node;
    struct HashOfNode
    {
        TopicHash hash;
        std::uint64_t operator()(std::uint64_t value) const noexcept;
    };
    struct Deadline
    {
        MonotonicMs at;
        Node* node;
    };

    Node* findNode(std::string_view topicName) const noexcept;
    void findBefore(std::string_view topicName,
                    std::array<Node*, kMaxHeight>& before) const noexcept;
    void add(MessageRef message);
    void replace(Node& node, MessageRef message);
    void remove(Node& node);
    void retireMessage(const Message& message);
    unsigned randomHeight() noexcept;

    void setDeadline(Node& node, MonotonicMs at);
    void addDeadline(Node& node, MonotonicMs at);
    void removeDeadline(Node& node);
    void place(std::size_t position, Deadline deadline) noexcept;
    std::size_t siftUp(std::size_t position) noexcept;
    void siftDown(std::size_t position) noexcept;

    mutable std::mutex _mutex; // writers; guards all below against one another
    mutable std::atomic<std::uint32_t> _order{0};
    TrackedMemory _memory;
    const TopicHash _hash;
    FlatTable<HashOfNode> _byName;
    Node* const _head;                // before all topics, kMaxHeight high
    std::vector<Deadline> _deadlines; // a heap, the earliest first
    std::uint64_t _random;
    std::atomic<std::size_t> _count{0};
    std::atomic<std::size_t> _messageBytes{0};
};

/// A walk over the retained messages that match a filter, in slices: between two of them it holds
/// a Topic Name and no pointer, so any number of turns may pass and anything may change.
///
/// A message that is stored or removed while the scan goes on may be seen or not; every other one
/// is seen exactly once. They come in the order of their levels. Thread: the owner's.
class RetainedScan
{
public:
    /// Copies the filter. (What is shared gets no retained messages at all, §4.8.2.)
    explicit RetainedScan(const TopicFilter& filter);

    /// Goes on for at most `limit` steps (a message, or a leap over what does not match), and
    /// calls `visit(const Message&)` for each match; who keeps one takes a share in it. Returns
    /// false when all have been seen. The visitor may write to the store.
    /// Thread: a reader that is online in the Quiescence.
    template <class Visitor>
    bool next(const RetainedStore& store, std::size_t limit, Visitor&& visit)
    {
        for (Pass pass(*this, store); !_done && limit > 0; --limit)
            if (const Message* message = pass.step()) visit(*message);
        return !_done;
    }

private:
    /// Where the next step looks, seen from a topic.
    enum class From
    {
        Topic,        // there or, if there is nothing, behind
        AfterTopic,   // behind it
        AfterSubtree, // behind it and everything below it
    };

    /// One slice: knows the place in the store as long as the reader is online.
    class Pass
    {
    public:
        Pass(RetainedScan& scan, const RetainedStore& store) noexcept;
        ~Pass();
        Pass(const Pass&) = delete;
        Pass& operator=(const Pass&) = delete;

        /// One step; the message there if it matches.
        const Message* step();

    private:
        bool judge(std::string_view name);
        void leap(std::string_view topicName, From from) noexcept;
        bool isPassed(const RetainedStore::Node& node) const noexcept;
        const RetainedStore::Node* seek() noexcept;

        RetainedScan& _scan;
        const RetainedStore& _store;
        std::string_view _target; // with _scan._from; views a message, or _scan._topic
        const RetainedStore::Node* _at = nullptr;
        /// At each height the last place before the target.
        std::array<const RetainedStore::Node*, RetainedStore::kMaxHeight> _finger;
    };

    std::string _filter;
    bool _exact;
    bool _done = false;
    From _from = From::Topic;
    std::string _topic; // between slices: where the next one begins
};

} // namespace nanomq
