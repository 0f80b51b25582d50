#include "topic/SubscriptionIndex.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

namespace nanomq
{

namespace
{

// A FilterId tells its kind by its high bits: an exact filter's place in _places, a shared
// group's or a wildcard filter's number in its slab.
constexpr FilterId kGroup = 0x4000'0000;
constexpr FilterId kWildcard = 0x8000'0000;

constexpr bool isExact(FilterId filter) noexcept
{
    return filter < kGroup;
}
constexpr bool isWildcard(FilterId filter) noexcept
{
    return filter >= kWildcard;
}

constexpr std::uint32_t kNoPlace = kGroup; // ends the list of free places
constexpr std::ptrdiff_t kPlaceBytes = sizeof(std::uintptr_t);

constexpr std::uintptr_t freePlace(std::uint32_t next) noexcept
{
    return std::uintptr_t{next} << 1 | 1; // odd, as no address is
}

} // namespace

/// A filter without wildcards: its text stands behind it, so that comparing and listing cost one
/// cache miss together.
struct SubscriptionIndex::Exact
{
    SubscriberList list;
    std::uint32_t place = 0;
    std::uint16_t length = 0;

    static constexpr std::size_t kTextAt = sizeof(SubscriberList) + 4 + 2;

    char* bytes() noexcept { return reinterpret_cast<char*>(this) + kTextAt; }
    std::string_view text() const noexcept
    {
        return {reinterpret_cast<const char*>(this) + kTextAt, length};
    }

    static Exact* of(std::uint64_t value) noexcept
    {
        return reinterpret_cast<Exact*>(static_cast<std::uintptr_t>(value));
    }
    std::uint64_t value() const noexcept { return reinterpret_cast<std::uintptr_t>(this); }
};

std::uint64_t SubscriptionIndex::HashOfExact::operator()(std::uint64_t value) const noexcept
{
    return hash(Exact::of(value)->text());
}

std::uint64_t SubscriptionIndex::HashOfGroup::operator()(std::uint64_t value) const noexcept
{
    const SharedGroup& group = index->_groups[static_cast<std::uint32_t>(value >> 4) - 1];
    return index->groupHash(group._filter, group._shareName);
}

SubscriptionIndex::SubscriptionIndex(Quiescence& quiescence)
    : _memory(quiescence),
      _exact(_memory, HashOfExact{_hash}),
      _freePlace(kNoPlace),
      _wildcard(_memory, _hash),
      _groups(_memory),
      _groupByName(_memory, HashOfGroup{this})
{
}

SubscriptionIndex::~SubscriptionIndex()
{
    for (std::uint32_t n = 0; n < _groups.limit(); ++n)
        if (SharedGroup* const group = _groups.find(n)) group->_members.destroy(_memory);
    for (std::uint32_t place = 0; place < _places.size(); ++place)
    {
        Exact* const exact = exactAt(place);
        if (!exact) continue;
        exact->list.destroy(_memory);
        _memory.free(exact);
    }
}

SubscriptionIndex::Exact* SubscriptionIndex::exactAt(std::uint32_t place) const noexcept
{
    if (place >= _places.size() || (_places[place] & 1) != 0) return nullptr;
    return reinterpret_cast<Exact*>(_places[place]);
}

SubscriptionIndex::Exact* SubscriptionIndex::findExact(std::string_view filter) const noexcept
{
    return Exact::of(_exact.find(_hash(filter), [filter](std::uint64_t value) noexcept {
        return Exact::of(value)->text() == filter;
    }));
}

SubscriptionIndex::Exact* SubscriptionIndex::addExact(std::string_view filter)
{
    if (_freePlace == kNoPlace)
    {
        assert(_places.size() < kNoPlace);
        _places.push_back(freePlace(kNoPlace));
        _memory.charge(kPlaceBytes);
        _freePlace = static_cast<std::uint32_t>(_places.size() - 1);
    }
    const std::size_t size = std::max(sizeof(Exact), Exact::kTextAt + filter.size());
    Exact* const exact = new (_memory.allocate(size)) Exact;
    exact->length = static_cast<std::uint16_t>(filter.size());
    std::memcpy(exact->bytes(), filter.data(), filter.size());
    exact->place = _freePlace;
    _freePlace = static_cast<std::uint32_t>(_places[exact->place] >> 1);
    _places[exact->place] = reinterpret_cast<std::uintptr_t>(exact);
    _exact.insert(_hash(filter), exact->value());
    return exact;
}

void SubscriptionIndex::removeExact(Exact* exact)
{
    _exact.erase(_hash(exact->text()), exact->value());
    _exact.tidy();
    _places[exact->place] = freePlace(_freePlace);
    _freePlace = exact->place;
    _memory.retire(exact);
    if (_exact.size() > 0) return;
    _memory.charge(-kPlaceBytes * static_cast<std::ptrdiff_t>(_places.size()));
    _places = {};
    _freePlace = kNoPlace;
}

std::optional<FilterId> SubscriptionIndex::findPlain(const TopicFilter& filter) const noexcept
{
    if (!filter.hasWildcard())
    {
        if (const Exact* const exact = findExact(filter.filter())) return exact->place;
        return std::nullopt;
    }
    if (const auto terminal = _wildcard.find(filter.filter())) return kWildcard | *terminal;
    return std::nullopt;
}

FilterId SubscriptionIndex::addPlain(const TopicFilter& filter)
{
    if (filter.hasWildcard()) return kWildcard | _wildcard.findOrAdd(filter.filter());
    const Exact* exact = findExact(filter.filter());
    if (!exact) exact = addExact(filter.filter());
    return exact->place;
}

void SubscriptionIndex::removePlainIfUnused(FilterId filter)
{
    const SubscriberList& list = *listOf(filter);
    if (list.size() > 0 || list.below()) return;
    if (isWildcard(filter)) _wildcard.remove(filter & ~kWildcard);
    else removeExact(exactAt(filter));
}

std::uint64_t SubscriptionIndex::groupHash(FilterId filter,
                                           std::string_view shareName) const noexcept
{
    return _hash(_hash(shareName), filter);
}

std::optional<std::uint32_t> SubscriptionIndex::findGroup(FilterId filter,
                                                          std::string_view shareName) const noexcept
{
    const auto value =
        _groupByName.find(groupHash(filter, shareName), [&](std::uint64_t candidate) noexcept {
            const SharedGroup& group = _groups[static_cast<std::uint32_t>(candidate >> 4) - 1];
            return group._filter == filter && group._shareName == shareName;
        });
    if (value == 0) return std::nullopt;
    return static_cast<std::uint32_t>(value >> 4) - 1;
}

std::uint32_t SubscriptionIndex::addGroup(FilterId filter, std::string_view shareName)
{
    const std::uint32_t number = _groups.take();
    SharedGroup& group = _groups[number];
    group._filter = filter;
    group._shareName = shareName;
    if (++_lastGroupSerial == 0) ++_lastGroupSerial;
    group._serial = _lastGroupSerial;
    group._cursor.store(0, std::memory_order_relaxed);
    _groupByName.insert(groupHash(filter, shareName), (std::uint64_t{number} + 1) << 4);

    SubscriberList& list = *listOf(filter);
    SubscriberList* below = list.below();
    if (!below)
    {
        below = new (_memory.allocate(sizeof(SubscriberList))) SubscriberList;
        list.hang(below, _memory);
    }
    below->insert({number, {}}, _memory);
    return number;
}

void SubscriptionIndex::removeGroup(std::uint32_t number)
{
    const SharedGroup& group = _groups[number];
    const FilterId filter = group._filter;
    SubscriberList& list = *listOf(filter);
    SubscriberList* const below = list.below();
    below->erase(number, _memory);
    if (below->size() == 0)
    {
        list.hang(nullptr, _memory);
        _memory.retire(below);
    }
    _groupByName.erase(groupHash(filter, group._shareName), (std::uint64_t{number} + 1) << 4);
    _groupByName.tidy();
    _groups.giveBack(number);
    removePlainIfUnused(filter);
}

SubscriberList* SubscriptionIndex::listOf(FilterId filter) const noexcept
{
    if (isExact(filter))
    {
        Exact* const exact = exactAt(filter);
        return exact ? &exact->list : nullptr;
    }
    if (isWildcard(filter))
    {
        auto* const terminal = _wildcard.lookUp(filter & ~kWildcard);
        return terminal ? &terminal->list : nullptr;
    }
    SharedGroup* const group = _groups.find(filter & ~kGroup);
    return group ? &group->_members : nullptr;
}

SubscriptionIndex::Inserted SubscriptionIndex::insert(const TopicFilter& filter,
                                                      SubscriberId subscriber,
                                                      SubscriptionOptions options)
{
    assert(subscriber != kNoSubscriber);
    std::lock_guard lock(_mutex);
    FilterId id = addPlain(filter);
    if (filter.isShared())
    {
        const auto group = findGroup(id, filter.shareName());
        id = kGroup | (group ? *group : addGroup(id, filter.shareName()));
    }
    SubscriberList& list = *listOf(id);
    const bool first = list.size() == 0;
    const bool existed = list.insert({subscriber, options}, _memory);
    if (first) _filters.fetch_add(1, std::memory_order_relaxed);
    if (!existed) _subscriptions.fetch_add(1, std::memory_order_relaxed);
    if (!existed && filter.isShared()) _sharedSubscriptions.fetch_add(1, std::memory_order_relaxed);
    return {id, existed, first};
}

bool SubscriptionIndex::remove(FilterId filter, SubscriberId subscriber)
{
    std::lock_guard lock(_mutex);
    SubscriberList* const list = listOf(filter);
    if (subscriber == kNoSubscriber || !list || !list->erase(subscriber, _memory)) return false;
    _subscriptions.fetch_sub(1, std::memory_order_relaxed);
    if (!isExact(filter) && !isWildcard(filter))
        _sharedSubscriptions.fetch_sub(1, std::memory_order_relaxed);
    if (list->size() > 0) return false;
    _filters.fetch_sub(1, std::memory_order_relaxed);
    if (isExact(filter) || isWildcard(filter)) removePlainIfUnused(filter);
    else removeGroup(filter & ~kGroup);
    return true;
}

std::optional<FilterId> SubscriptionIndex::find(const TopicFilter& filter) const
{
    std::lock_guard lock(_mutex);
    auto id = findPlain(filter);
    if (!id) return std::nullopt;
    if (filter.isShared())
    {
        const auto group = findGroup(*id, filter.shareName());
        if (!group) return std::nullopt;
        return kGroup | *group;
    }
    if (listOf(*id)->size() == 0) return std::nullopt; // only Shared Subscriptions hang on it
    return id;
}

std::string SubscriptionIndex::textOf(FilterId filter) const
{
    if (isExact(filter)) return std::string(exactAt(filter)->text());
    if (isWildcard(filter)) return _wildcard.text(filter & ~kWildcard);
    const SharedGroup& group = _groups[filter & ~kGroup];
    return "$share/" + group._shareName + '/' + textOf(group._filter);
}

std::string SubscriptionIndex::text(FilterId filter) const
{
    std::lock_guard lock(_mutex);
    const SubscriberList* const list = listOf(filter);
    return list && list->size() > 0 ? textOf(filter) : std::string();
}

std::optional<SubscriptionOptions> SubscriptionIndex::options(FilterId filter,
                                                              SubscriberId subscriber) const
{
    std::lock_guard lock(_mutex);
    const SubscriberList* const list = listOf(filter);
    if (!list || subscriber == kNoSubscriber) return std::nullopt;
    return list->find(subscriber);
}

bool SubscriptionIndex::list(FilterCursor& cursor, std::size_t limit,
                             std::vector<FilterSummary>& out) const
{
    std::lock_guard lock(_mutex);
    FilterId& next = cursor._next;
    for (; limit > 0; --limit)
    {
        if (isExact(next) && next >= _places.size()) next = kGroup;
        if (!isExact(next) && !isWildcard(next) && next - kGroup >= _groups.limit())
            next = kWildcard;
        if (isWildcard(next) && next - kWildcard >= _wildcard.limit()) return false;
        const SubscriberList* const list = listOf(next);
        if (list && list->size() > 0) out.push_back({next, textOf(next), list->size()});
        ++next;
    }
    return true;
}

void SubscriptionIndex::match(std::string_view topicName, MatchSet& matched) const noexcept
{
    if (const Exact* const exact = findExact(topicName)) show(exact->list, matched);
    _wildcard.match(topicName,
                    [this, &matched](const SubscriberList& list) noexcept { show(list, matched); });
}

void SubscriptionIndex::show(const SubscriberList& list, MatchSet& matched) const noexcept
{
    const SubscriberSpan span = list.view();
    if (span.size() > 1 || (span.size() == 1 && span[0].id != kNoSubscriber))
        matched._lists.push_back(span);
    const SubscriberList* const below = list.below();
    if (!below) return;
    for (const Subscriber group : below->view())
        if (group.id != kNoSubscriber) matched._groups.push_back(&_groups[group.id]);
}

} // namespace nanomq
