#pragma once

#include "topic/Subscriber.h"
#include "topic/TrackedMemory.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

namespace nanomq
{

/// Where each of many subscribers stands in a list: 32-bit number to 32-bit place.
/// Thread: the writer.
class PositionMap
{
public:
    /// Room for `count` without growing.
    explicit PositionMap(std::size_t count);

    /// Requires: `id` is not in it.
    void insert(std::uint32_t id, std::uint32_t position);
    std::optional<std::uint32_t> find(std::uint32_t id) const noexcept;
    void erase(std::uint32_t id) noexcept;
    std::size_t bytes() const noexcept { return _slots.capacity() * sizeof(Slot); }

private:
    struct Slot
    {
        std::uint32_t id;
        std::uint32_t position; // kFree: nothing here
    };
    static constexpr std::uint32_t kFree = 0xFFFF'FFFF;

    std::size_t home(std::uint32_t id) const noexcept;
    void put(Slot slot) noexcept;

    std::vector<Slot> _slots; // a power of two, at most three quarters used
    unsigned _shift;
    std::size_t _size = 0;
};

/// The subscribers of one filter, in 16 bytes.
///
/// A single one stands in the list itself. More stand in an array that is appended to in place; a
/// removed one leaves a hole (kNoSubscriber), and when the array is full or a quarter of it is
/// holes a new one is published. Lists of more than 32 know where each subscriber stands, so that
/// insert() and erase() do not depend on their length, but for the copying, which comes to a few
/// words a call. Thread: view() and below() by readers online in the Quiescence and by the writer,
/// all else by the writer.
class SubscriberList
{
public:
    SubscriberList() noexcept = default;
    SubscriberList(const SubscriberList&) = delete;
    SubscriberList& operator=(const SubscriberList&) = delete;

    SubscriberSpan view() const noexcept;
    /// The list that hangs below this one (a filter's Shared Subscriptions); null if there is none.
    SubscriberList* below() const noexcept;

    /// Adds the subscriber, or replaces its options; returns whether it was there.
    bool insert(Subscriber subscriber, TrackedMemory& memory);
    /// Returns whether it was there.
    bool erase(SubscriberId id, TrackedMemory& memory);
    std::optional<SubscriptionOptions> find(SubscriberId id) const noexcept;
    std::size_t size() const noexcept;

    void hang(SubscriberList* below, TrackedMemory& memory);

    /// Gives all memory back at once. Requires: no reader is online.
    void destroy(TrackedMemory& memory) noexcept;

private:
    struct Body;
    static constexpr std::uint32_t kFirstCapacity = 5; // fills the allocator's piece
    static constexpr std::uint32_t kSearched = 32;     // longer ones have a PositionMap

    std::optional<std::uint32_t> positionOf(const Body& body, SubscriberId id) const noexcept;
    void append(Body& body, Subscriber subscriber, TrackedMemory& memory);
    Body* rebuild(std::uint32_t capacity, TrackedMemory& memory);
    void shrink(Body& body, TrackedMemory& memory);
    static void dropPositions(Body& body, TrackedMemory& memory) noexcept;

    std::atomic<std::uint64_t> _single{Subscriber{}.word()}; // when there is no body
    std::atomic<Body*> _body{nullptr};
};

} // namespace nanomq
