#include "topic/RetainedStore.h"

#include "topic/Levels.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>

namespace nanomq
{

namespace
{

/// The order of topics: '/' before all other characters, so that a topic is followed by what is
/// below it, and then by its next sibling.
int compareTopics(std::string_view a, std::string_view b) noexcept
{
    const std::size_t common = std::min(a.size(), b.size());
    const auto [at, bt] = std::mismatch(a.begin(), a.begin() + common, b.begin());
    if (at == a.begin() + common) return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
    const auto rank = [](char c) { return c == '/' ? -1 : static_cast<unsigned char>(c); };
    return rank(*at) < rank(*bt) ? -1 : 1;
}

bool isBelow(std::string_view topic, std::string_view ancestor) noexcept
{
    return topic.size() > ancestor.size() && topic[ancestor.size()] == '/' &&
           topic.starts_with(ancestor);
}

/// The levels before the first wildcard.
std::string_view literalPrefix(std::string_view filter) noexcept
{
    std::string_view prefix;
    for (Levels levels(filter); !levels.atEnd(); levels.next())
    {
        if (levels.level() == "+" || levels.level() == "#") break;
        prefix = filter.substr(0, levels.end());
    }
    return prefix;
}

} // namespace

/// A topic: as many links follow it as it is high. The name is the message's own.
struct RetainedStore::Node
{
    Node(unsigned height, const Message* first) noexcept
        : message(first),
          height(static_cast<std::uint8_t>(height))
    {
        for (unsigned level = 0; level < height; ++level)
            new (links() + level) std::atomic<Node*>(nullptr);
    }
    static std::size_t bytes(unsigned height) noexcept
    {
        return sizeof(Node) + height * sizeof(std::atomic<Node*>);
    }

    std::atomic<Node*>* links() noexcept { return reinterpret_cast<std::atomic<Node*>*>(this + 1); }
    const std::atomic<Node*>* links() const noexcept
    {
        return reinterpret_cast<const std::atomic<Node*>*>(this + 1);
    }
    Node* next(unsigned level) const noexcept
    {
        return links()[level].load(std::memory_order_acquire);
    }
    const Message& current() const noexcept { return *message.load(std::memory_order_acquire); }
    std::string_view topicName() const noexcept { return current().topicName(); }

    static Node* of(std::uint64_t value) noexcept
    {
        return reinterpret_cast<Node*>(static_cast<std::uintptr_t>(value));
    }
    std::uint64_t value() const noexcept { return reinterpret_cast<std::uintptr_t>(this); }

    std::atomic<const Message*> message; // a share; null in the head
    std::uint32_t deadline = 0;          // its place in _deadlines, from 1; 0: none
    const std::uint8_t height;
};

std::uint64_t RetainedStore::HashOfNode::operator()(std::uint64_t value) const noexcept
{
    return hash(Node::of(value)->topicName());
}

RetainedStore::RetainedStore(Quiescence& quiescence)
    : _memory(quiescence),
      _byName(_memory, HashOfNode{_hash}),
      _head(new (_memory.allocate(Node::bytes(kMaxHeight))) Node(kMaxHeight, nullptr)),
      _random(_hash("heights") | 1)
{
}

RetainedStore::~RetainedStore()
{
    for (Node* node = _head->next(0); node;)
    {
        Node* const next = node->next(0);
        node->current().release();
        _memory.free(node);
        node = next;
    }
    _memory.free(_head);
}

RetainedStore::Node* RetainedStore::findNode(std::string_view topicName) const noexcept
{
    return Node::of(_byName.find(_hash(topicName), [topicName](std::uint64_t value) noexcept {
        return Node::of(value)->topicName() == topicName;
    }));
}

RetainedStore::Stored RetainedStore::store(MessageRef message)
{
    Stored stored;
    {
        std::lock_guard lock(_mutex);
        Node* const node = findNode(message->topicName());
        if (message->payload().empty())
        {
            stored = node ? Stored::Erased : Stored::Nothing;
            if (node) remove(*node);
        }
        else
        {
            stored = node ? Stored::Replaced : Stored::Added;
            if (node) replace(*node, std::move(message));
            else add(std::move(message));
        }
    }
    _order.fetch_add(1, std::memory_order_seq_cst);
    return stored;
}

MessageRef RetainedStore::find(std::string_view topicName) const noexcept
{
    _order.fetch_add(1, std::memory_order_seq_cst);
    const Node* const node = findNode(topicName);
    return node ? MessageRef::share(&node->current()) : MessageRef();
}

std::size_t RetainedStore::expire(MonotonicMs now, std::size_t limit)
{
    std::lock_guard lock(_mutex);
    std::size_t removed = 0;
    for (; removed < limit && !_deadlines.empty() && _deadlines.front().at <= now; ++removed)
        remove(*_deadlines.front().node);
    return removed;
}

void RetainedStore::add(MessageRef message)
{
    const std::string_view name = message->topicName();
    std::array<Node*, kMaxHeight> before;
    findBefore(name, before);

    const unsigned height = randomHeight();
    Node* const node = new (_memory.allocate(Node::bytes(height))) Node(height, message.get());
    _byName.insert(_hash(name), node->value());
    setDeadline(*node, message->expiresAt());
    for (unsigned level = 0; level < height; ++level)
        node->links()[level].store(before[level]->next(level), std::memory_order_relaxed);
    for (unsigned level = 0; level < height; ++level)
        before[level]->links()[level].store(node, std::memory_order_release);

    _count.fetch_add(1, std::memory_order_relaxed);
    _messageBytes.fetch_add(message->footprint(), std::memory_order_relaxed);
    message.detach(); // the node's share
}

void RetainedStore::retireMessage(const Message& message)
{
    _messageBytes.fetch_sub(message.footprint(), std::memory_order_relaxed);
    _memory.quiescence().retire(
        const_cast<Message*>(&message),
        [](void* retired) { static_cast<const Message*>(retired)->release(); },
        message.footprint());
}

void RetainedStore::replace(Node& node, MessageRef message)
{
    setDeadline(node, message->expiresAt());
    const Message& old = node.current();
    _messageBytes.fetch_add(message->footprint(), std::memory_order_relaxed);
    node.message.store(message.detach(), std::memory_order_release);
    retireMessage(old);
}

void RetainedStore::remove(Node& node)
{
    setDeadline(node, kNever);
    _byName.erase(_hash(node.topicName()), node.value());
    _byName.tidy();
    std::array<Node*, kMaxHeight> before;
    findBefore(node.topicName(), before);
    for (unsigned level = node.height; level-- > 0;)
        before[level]->links()[level].store(node.next(level), std::memory_order_release);
    _count.fetch_sub(1, std::memory_order_relaxed);
    retireMessage(node.current());
    _memory.retire(&node);
}

void RetainedStore::findBefore(std::string_view topicName,
                               std::array<Node*, kMaxHeight>& before) const noexcept
{
    Node* node = _head;
    for (unsigned level = kMaxHeight; level-- > 0;)
    {
        for (Node* next = node->next(level);
             next && compareTopics(next->topicName(), topicName) < 0; next = node->next(level))
            node = next;
        before[level] = node;
    }
}

unsigned RetainedStore::randomHeight() noexcept
{
    _random ^= _random << 13; // xorshift64
    _random ^= _random >> 7;
    _random ^= _random << 17;
    const unsigned zeros = static_cast<unsigned>(std::countr_zero(_random >> 8 | 1ull << 40));
    return std::min(1 + zeros / 2, kMaxHeight); // each level has a quarter of the one below
}

void RetainedStore::setDeadline(Node& node, MonotonicMs at)
{
    if (at == kNever)
    {
        if (node.deadline != 0) removeDeadline(node);
    }
    else if (node.deadline == 0)
    {
        addDeadline(node, at);
    }
    else
    {
        _deadlines[node.deadline - 1].at = at;
        siftDown(siftUp(node.deadline - 1));
    }
}

void RetainedStore::addDeadline(Node& node, MonotonicMs at)
{
    const std::size_t before = _deadlines.capacity();
    _deadlines.push_back({at, &node});
    _memory.charge(
        static_cast<std::ptrdiff_t>((_deadlines.capacity() - before) * sizeof(Deadline)));
    siftUp(_deadlines.size() - 1);
}

void RetainedStore::removeDeadline(Node& node)
{
    const std::size_t position = node.deadline - 1;
    const Deadline last = _deadlines.back();
    _deadlines.pop_back();
    node.deadline = 0;
    if (last.node != &node)
    {
        place(position, last);
        siftDown(siftUp(position));
    }
    const std::size_t before = _deadlines.capacity();
    if (before <= 64 || _deadlines.size() * 4 > before) return;
    _deadlines.shrink_to_fit();
    _memory.charge(
        -static_cast<std::ptrdiff_t>((before - _deadlines.capacity()) * sizeof(Deadline)));
}

void RetainedStore::place(std::size_t position, Deadline deadline) noexcept
{
    _deadlines[position] = deadline;
    deadline.node->deadline = static_cast<std::uint32_t>(position + 1);
}

std::size_t RetainedStore::siftUp(std::size_t position) noexcept
{
    const Deadline moving = _deadlines[position];
    for (; position > 0 && moving.at < _deadlines[(position - 1) / 2].at;
         position = (position - 1) / 2)
        place(position, _deadlines[(position - 1) / 2]);
    place(position, moving);
    return position;
}

void RetainedStore::siftDown(std::size_t position) noexcept
{
    const Deadline moving = _deadlines[position];
    for (;;)
    {
        std::size_t child = position * 2 + 1;
        if (child >= _deadlines.size()) break;
        if (child + 1 < _deadlines.size() && _deadlines[child + 1].at < _deadlines[child].at)
            ++child;
        if (_deadlines[child].at >= moving.at) break;
        place(position, _deadlines[child]);
        position = child;
    }
    place(position, moving);
}

RetainedScan::RetainedScan(const TopicFilter& filter)
    : _filter(filter.filter()),
      _exact(!filter.hasWildcard()),
      _topic(literalPrefix(_filter))
{
}

RetainedScan::Pass::Pass(RetainedScan& scan, const RetainedStore& store) noexcept
    : _scan(scan),
      _store(store),
      _target(scan._topic)
{
    store._order.fetch_add(1, std::memory_order_seq_cst);
    _finger.fill(store._head);
}

RetainedScan::Pass::~Pass()
{
    // A message that the target views can be gone when the next slice begins.
    if (!_scan._done && _target.data() != _scan._topic.data()) _scan._topic.assign(_target);
}

const Message* RetainedScan::Pass::step()
{
    if (_scan._exact)
    {
        _scan._done = true;
        const auto* const node = _store.findNode(_scan._filter);
        return node ? &node->current() : nullptr;
    }
    _at = seek();
    if (!_at)
    {
        _scan._done = true;
        return nullptr;
    }
    const Message& message = _at->current();
    return judge(message.topicName()) ? &message : nullptr;
}

/// Whether the filter matches a topic; and where the next one can be that it matches.
bool RetainedScan::Pass::judge(std::string_view name)
{
    std::size_t lastPlus = std::string_view::npos; // end of the last level that '+' stands for
    const auto leaveSubtree = [&] {
        if (lastPlus == std::string_view::npos) _scan._done = true;
        else leap(name.substr(0, lastPlus), From::AfterSubtree);
        return false;
    };

    leap(name, From::AfterTopic); // if nothing better comes up
    Levels found(name);
    for (Levels wanted(_scan._filter); !wanted.atEnd(); wanted.next(), found.next())
    {
        const bool plus = wanted.level() == "+";
        const bool hash = wanted.level() == "#";
        if ((plus || hash) && wanted.begin() == 0 && name.starts_with('$'))
        {
            leap("%", From::Topic); // behind all that starts with '$' [MQTT-4.7.2-1]
            return false;
        }
        if (hash) return true;
        if (found.atEnd()) return false; // what matches may be below
        if (plus)
        {
            lastPlus = found.end();
            continue;
        }
        const int order = compareTopics(found.level(), wanted.level());
        if (order > 0) return leaveSubtree();
        if (order == 0) continue;
        _scan._topic.assign(name, 0, found.begin()).append(wanted.level());
        leap(_scan._topic, From::Topic);
        return false;
    }
    return found.atEnd() || leaveSubtree();
}

void RetainedScan::Pass::leap(std::string_view topicName, From from) noexcept
{
    _target = topicName;
    _scan._from = from;
}

bool RetainedScan::Pass::isPassed(const RetainedStore::Node& node) const noexcept
{
    const std::string_view name = node.topicName();
    const int order = compareTopics(name, _target);
    switch (_scan._from)
    {
    case From::Topic: return order < 0;
    case From::AfterTopic: return order <= 0;
    case From::AfterSubtree: return order <= 0 || isBelow(name, _target);
    }
    return false;
}

const RetainedStore::Node* RetainedScan::Pass::seek() noexcept
{
    if (_at && _scan._from == From::AfterTopic)
    {
        for (unsigned level = 0; level < _at->height; ++level) _finger[level] = _at;
        return _at->next(0);
    }
    // What is wanted is mostly near: climb from the last place as far as needed, then descend.
    unsigned level = 0;
    for (; level + 1 < RetainedStore::kMaxHeight; ++level)
    {
        const auto* const next = _finger[level]->next(level);
        if (!next || !isPassed(*next)) break;
    }
    const RetainedStore::Node* node = nullptr; // once it has moved, it is ahead of the fingers
    for (++level; level-- > 0;)
    {
        const auto* last = node ? node : _finger[level];
        for (auto* next = last->next(level); next && isPassed(*next); next = last->next(level))
            node = last = next;
        _finger[level] = last;
    }
    return _finger[0]->next(0);
}

} // namespace nanomq
