#include "topic/SubscriberList.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <new>

namespace nanomq
{

PositionMap::PositionMap(std::size_t count)
{
    const std::size_t capacity = std::bit_ceil(std::max<std::size_t>(16, count * 4 / 3 + 1));
    _slots.assign(capacity, Slot{0, kFree});
    _shift = 64 - static_cast<unsigned>(std::countr_zero(capacity));
}

std::size_t PositionMap::home(std::uint32_t id) const noexcept
{
    return (id * std::uint64_t{0x9E37'79B9'7F4A'7C15}) >> _shift;
}

void PositionMap::put(Slot slot) noexcept
{
    std::size_t at = home(slot.id);
    while (_slots[at].position != kFree) at = (at + 1) & (_slots.size() - 1);
    _slots[at] = slot;
    ++_size;
}

void PositionMap::insert(std::uint32_t id, std::uint32_t position)
{
    if ((_size + 1) * 4 > _slots.size() * 3)
    {
        PositionMap larger(_slots.size());
        for (const Slot& slot : _slots)
            if (slot.position != kFree) larger.put(slot);
        *this = std::move(larger);
    }
    put({id, position});
}

std::optional<std::uint32_t> PositionMap::find(std::uint32_t id) const noexcept
{
    for (std::size_t at = home(id); _slots[at].position != kFree;
         at = (at + 1) & (_slots.size() - 1))
        if (_slots[at].id == id) return _slots[at].position;
    return std::nullopt;
}

void PositionMap::erase(std::uint32_t id) noexcept
{
    const std::size_t mask = _slots.size() - 1;
    std::size_t hole = home(id);
    while (_slots[hole].id != id || _slots[hole].position == kFree)
    {
        if (_slots[hole].position == kFree) return;
        hole = (hole + 1) & mask;
    }
    // Close the gap: what stands behind and may stand earlier moves up.
    for (std::size_t at = (hole + 1) & mask; _slots[at].position != kFree; at = (at + 1) & mask)
    {
        if (((at - home(_slots[at].id)) & mask) < ((at - hole) & mask)) continue;
        _slots[hole] = _slots[at];
        hole = at;
    }
    _slots[hole].position = kFree;
    --_size;
}

struct SubscriberList::Body
{
    explicit Body(std::uint32_t room) noexcept : capacity(room) {}

    std::atomic<std::uint64_t>* items() noexcept
    {
        return reinterpret_cast<std::atomic<std::uint64_t>*>(this + 1);
    }
    const std::atomic<std::uint64_t>* items() const noexcept
    {
        return reinterpret_cast<const std::atomic<std::uint64_t>*>(this + 1);
    }
    Subscriber at(std::uint32_t position) const noexcept
    {
        return Subscriber::fromWord(items()[position].load(std::memory_order_relaxed));
    }
    std::uint32_t holes() const noexcept { return length.load(std::memory_order_relaxed) - live; }

    std::atomic<std::uint32_t> length{0};
    const std::uint32_t capacity;
    std::uint32_t live = 0;
    std::atomic<SubscriberList*> below{nullptr};
    PositionMap* positions = nullptr; // owned; goes from body to body
};

SubscriberSpan SubscriberList::view() const noexcept
{
    const Body* const body = _body.load(std::memory_order_acquire);
    if (body) return {body->items(), body->length.load(std::memory_order_acquire)};
    return {&_single, 1};
}

SubscriberList* SubscriberList::below() const noexcept
{
    const Body* const body = _body.load(std::memory_order_acquire);
    return body ? body->below.load(std::memory_order_acquire) : nullptr;
}

std::size_t SubscriberList::size() const noexcept
{
    if (const Body* const body = _body.load(std::memory_order_relaxed)) return body->live;
    return Subscriber::fromWord(_single.load(std::memory_order_relaxed)).id == kNoSubscriber ? 0
                                                                                             : 1;
}

std::optional<std::uint32_t> SubscriberList::positionOf(const Body& body,
                                                        SubscriberId id) const noexcept
{
    if (body.positions) return body.positions->find(id);
    const std::uint32_t length = body.length.load(std::memory_order_relaxed);
    for (std::uint32_t position = 0; position < length; ++position)
        if (body.at(position).id == id) return position;
    return std::nullopt;
}

std::optional<SubscriptionOptions> SubscriberList::find(SubscriberId id) const noexcept
{
    if (const Body* const body = _body.load(std::memory_order_relaxed))
    {
        const auto position = positionOf(*body, id);
        if (!position) return std::nullopt;
        return body->at(*position).options;
    }
    const auto single = Subscriber::fromWord(_single.load(std::memory_order_relaxed));
    if (single.id != id) return std::nullopt;
    return single.options;
}

bool SubscriberList::insert(Subscriber subscriber, TrackedMemory& memory)
{
    Body* body = _body.load(std::memory_order_relaxed);
    if (!body)
    {
        const auto single = Subscriber::fromWord(_single.load(std::memory_order_relaxed));
        if (single.id == kNoSubscriber || single.id == subscriber.id)
        {
            _single.store(subscriber.word(), std::memory_order_release);
            return single.id == subscriber.id;
        }
        body = rebuild(kFirstCapacity, memory);
    }
    else if (const auto position = positionOf(*body, subscriber.id))
    {
        body->items()[*position].store(subscriber.word(), std::memory_order_release);
        return true;
    }
    const std::uint32_t length = body->length.load(std::memory_order_relaxed);
    if (length == body->capacity)
        body = rebuild(body->holes() * 4 >= length ? length : length * 2, memory);
    append(*body, subscriber, memory);
    return false;
}

void SubscriberList::append(Body& body, Subscriber subscriber, TrackedMemory& memory)
{
    const std::uint32_t length = body.length.load(std::memory_order_relaxed);
    if (length >= kSearched && !body.positions)
    {
        auto positions = std::make_unique<PositionMap>(std::max(body.capacity, length + 1));
        for (std::uint32_t position = 0; position < length; ++position)
            if (const auto id = body.at(position).id; id != kNoSubscriber)
                positions->insert(id, position);
        memory.charge(static_cast<std::ptrdiff_t>(positions->bytes()));
        body.positions = positions.release();
    }
    if (body.positions)
    {
        const auto before = static_cast<std::ptrdiff_t>(body.positions->bytes());
        body.positions->insert(subscriber.id, length);
        memory.charge(static_cast<std::ptrdiff_t>(body.positions->bytes()) - before);
    }
    new (body.items() + length) std::atomic<std::uint64_t>(subscriber.word());
    ++body.live;
    body.length.store(length + 1, std::memory_order_release);
}

bool SubscriberList::erase(SubscriberId id, TrackedMemory& memory)
{
    Body* const body = _body.load(std::memory_order_relaxed);
    if (!body)
    {
        if (Subscriber::fromWord(_single.load(std::memory_order_relaxed)).id != id) return false;
        _single.store(Subscriber{}.word(), std::memory_order_release);
        return true;
    }
    const auto position = positionOf(*body, id);
    if (!position) return false;
    body->items()[*position].store(Subscriber{}.word(), std::memory_order_release);
    if (body->positions) body->positions->erase(id);
    --body->live;
    shrink(*body, memory);
    return true;
}

void SubscriberList::shrink(Body& body, TrackedMemory& memory)
{
    const std::uint32_t length = body.length.load(std::memory_order_relaxed);
    if (body.live <= 1 && !body.below.load(std::memory_order_relaxed))
    {
        Subscriber last;
        for (std::uint32_t position = 0; body.live == 1 && position < length; ++position)
            if (body.at(position).id != kNoSubscriber) last = body.at(position);
        _single.store(last.word(), std::memory_order_release);
        _body.store(nullptr, std::memory_order_release);
        dropPositions(body, memory);
        memory.retire(&body);
    }
    else if (length > 8 && body.holes() * 4 >= length)
    {
        rebuild(std::max(kFirstCapacity, body.live + body.live / 3), memory);
    }
}

SubscriberList::Body* SubscriberList::rebuild(std::uint32_t capacity, TrackedMemory& memory)
{
    Body* const old = _body.load(std::memory_order_relaxed);
    Body* const body =
        new (memory.allocate(sizeof(Body) + capacity * sizeof(std::uint64_t))) Body(capacity);
    if (old)
    {
        const std::uint32_t length = old->length.load(std::memory_order_relaxed);
        // Without holes nobody moves, and the old map still holds.
        const bool samePlaces = old->holes() == 0;
        if (samePlaces) body->positions = std::exchange(old->positions, nullptr);
        for (std::uint32_t position = 0; position < length; ++position)
        {
            const Subscriber subscriber = old->at(position);
            if (subscriber.id == kNoSubscriber) continue;
            if (samePlaces)
                new (body->items() + position) std::atomic<std::uint64_t>(subscriber.word());
            else append(*body, subscriber, memory);
        }
        body->live = old->live;
        body->length.store(old->live, std::memory_order_relaxed);
        body->below.store(old->below.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    else if (const auto single = Subscriber::fromWord(_single.load(std::memory_order_relaxed));
             single.id != kNoSubscriber)
    {
        append(*body, single, memory);
    }
    _body.store(body, std::memory_order_release);
    if (old)
    {
        dropPositions(*old, memory);
        memory.retire(old);
    }
    return body;
}

void SubscriberList::hang(SubscriberList* below, TrackedMemory& memory)
{
    Body* body = _body.load(std::memory_order_relaxed);
    if (!body) body = rebuild(kFirstCapacity, memory);
    body->below.store(below, std::memory_order_release);
    if (!below) shrink(*body, memory);
}

void SubscriberList::dropPositions(Body& body, TrackedMemory& memory) noexcept
{
    const std::unique_ptr<PositionMap> positions(std::exchange(body.positions, nullptr));
    if (positions) memory.charge(-static_cast<std::ptrdiff_t>(positions->bytes()));
}

void SubscriberList::destroy(TrackedMemory& memory) noexcept
{
    Body* const body = _body.exchange(nullptr, std::memory_order_relaxed);
    if (!body) return;
    if (SubscriberList* const below = body->below.load(std::memory_order_relaxed))
    {
        below->destroy(memory);
        memory.free(below);
    }
    dropPositions(*body, memory);
    memory.free(body);
}

} // namespace nanomq
