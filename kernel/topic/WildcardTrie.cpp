#include "topic/WildcardTrie.h"

#include "topic/Levels.h"

#include <cstring>

namespace nanomq
{

void WildcardTrie::Node::setText(std::string_view level, TrackedMemory& memory)
{
    length = static_cast<std::uint16_t>(level.size());
    if (level.size() <= kInline)
    {
        if (!level.empty()) std::memcpy(bytes, level.data(), level.size());
        return;
    }
    char* const far = static_cast<char*>(memory.allocate(level.size()));
    std::memcpy(far, level.data(), level.size());
    std::memcpy(bytes, &far, sizeof far);
}

std::uint64_t WildcardTrie::HashOfNode::operator()(std::uint64_t value) const noexcept
{
    const Node& node = trie->_nodes[static_cast<std::uint32_t>(value >> 4)];
    return trie->_hash(trie->_hash(node.text()), node.parent);
}

WildcardTrie::WildcardTrie(TrackedMemory& memory, const TopicHash& hash)
    : _memory(memory),
      _hash(hash),
      _nodes(memory),
      _terminals(memory),
      _edges(memory, HashOfNode{this})
{
}

WildcardTrie::~WildcardTrie()
{
    for (std::uint32_t n = 0; n < _terminals.limit(); ++n)
        if (Terminal* const terminal = _terminals.find(n)) terminal->list.destroy(_memory);
    for (std::uint32_t n = 0; n < _nodes.limit(); ++n)
    {
        const Node* const node = _nodes.find(n);
        if (node && node->children != Node::kGone && node->length > Node::kInline)
            _memory.free(const_cast<char*>(node->text().data()));
    }
}

std::uint32_t WildcardTrie::literalChild(std::uint32_t parent, std::string_view level,
                                         std::uint64_t levelHash) const noexcept
{
    const auto value = _edges.find(_hash(levelHash, parent), [&](std::uint64_t candidate) noexcept {
        const Node& node = _nodes[static_cast<std::uint32_t>(candidate >> 4)];
        return node.parent == parent && node.text() == level;
    });
    return static_cast<std::uint32_t>(value >> 4);
}

std::uint32_t WildcardTrie::child(std::uint32_t parent, std::string_view level) const noexcept
{
    if (level == "+") return _nodes[parent].plus.load(std::memory_order_relaxed);
    return literalChild(parent, level, _hash(level));
}

std::optional<std::uint32_t> WildcardTrie::find(std::string_view filter) const noexcept
{
    if (_count.load(std::memory_order_relaxed) == 0) return std::nullopt;
    std::uint32_t node = 0;
    Levels levels(filter);
    for (; !levels.atEnd() && levels.level() != "#"; levels.next())
        if ((node = child(node, levels.level())) == 0) return std::nullopt;
    const auto& end = levels.atEnd() ? _nodes[node].terminal : _nodes[node].hash;
    const auto terminal = end.load(std::memory_order_relaxed);
    if (terminal == 0) return std::nullopt;
    return terminal - 1;
}

std::uint32_t WildcardTrie::addChild(std::uint32_t parent, std::string_view level)
{
    const std::uint32_t number = _nodes.take();
    Node& node = _nodes[number];
    node.plus.store(0, std::memory_order_relaxed);
    node.hash.store(0, std::memory_order_relaxed);
    node.terminal.store(0, std::memory_order_relaxed);
    node.parent = parent;
    node.children = 0;
    node.setText(level, _memory);
    if (level == "+")
    {
        _nodes[parent].plus.store(number, std::memory_order_release);
        return number;
    }
    _edges.insert(_hash(_hash(level), parent), std::uint64_t{number} << 4);
    ++_nodes[parent].children;
    return number;
}

std::uint32_t WildcardTrie::findOrAdd(std::string_view filter)
{
    if (_nodes.limit() == 0) _nodes.take(); // the root
    std::uint32_t node = 0;
    Levels levels(filter);
    for (; !levels.atEnd() && levels.level() != "#"; levels.next())
    {
        const std::uint32_t next = child(node, levels.level());
        node = next != 0 ? next : addChild(node, levels.level());
    }
    const bool multiLevel = !levels.atEnd();
    auto& end = multiLevel ? _nodes[node].hash : _nodes[node].terminal;
    if (const auto terminal = end.load(std::memory_order_relaxed)) return terminal - 1;

    const std::uint32_t number = _terminals.take();
    Terminal& terminal = _terminals[number];
    terminal.node = node;
    terminal.multiLevel = multiLevel;
    end.store(number + 1, std::memory_order_release);
    _count.store(_count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    return number;
}

void WildcardTrie::remove(std::uint32_t number)
{
    const Terminal& terminal = _terminals[number];
    Node& node = _nodes[terminal.node];
    (terminal.multiLevel ? node.hash : node.terminal).store(0, std::memory_order_release);
    const std::uint32_t last = terminal.node;
    _terminals.giveBack(number);
    removeUnused(last);
    _edges.tidy();
    _count.store(_count.load(std::memory_order_relaxed) - 1, std::memory_order_release);
}

void WildcardTrie::removeUnused(std::uint32_t number)
{
    while (number != 0 && _nodes[number].unused())
    {
        Node& node = _nodes[number];
        Node& parent = _nodes[node.parent];
        if (parent.plus.load(std::memory_order_relaxed) == number)
        {
            parent.plus.store(0, std::memory_order_release);
        }
        else
        {
            _edges.erase(HashOfNode{this}(std::uint64_t{number} << 4), std::uint64_t{number} << 4);
            --parent.children;
        }
        const std::uint32_t above = node.parent;
        // Only the memory goes back, after a grace period; readers may still look at the node.
        if (node.length > Node::kInline) _memory.retire(const_cast<char*>(node.text().data()));
        node.children = Node::kGone;
        _nodes.giveBack(number);
        number = above;
    }
}

std::string WildcardTrie::text(std::uint32_t number) const
{
    const Terminal& terminal = _terminals[number];
    std::array<std::string_view, kMaxTopicLevels> levels;
    std::size_t count = 0;
    for (std::uint32_t node = terminal.node; node != 0; node = _nodes[node].parent)
        levels[count++] = _nodes[node].text();
    std::string text;
    while (count > 0)
    {
        text += levels[--count];
        if (count > 0 || terminal.multiLevel) text += '/';
    }
    if (terminal.multiLevel) text += '#';
    return text;
}

} // namespace nanomq
