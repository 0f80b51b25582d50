#pragma once

#include "topic/FlatTable.h"
#include "topic/Slab.h"
#include "topic/SubscriberList.h"
#include "topic/TopicHash.h"
#include "topic/TopicName.h"
#include "topic/TrackedMemory.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace nanomq
{

/// The Topic Filters with wildcards, as a tree of levels.
///
/// A node is 32 bytes and holds the text of its level; the children with literal levels are found
/// through one hash table for the whole tree, keyed by parent and level; '+' and '#' have fields
/// of their own. Neither depth nor width of the tree costs stack: a Topic Name has at most 128
/// levels, and matching keeps one place per level. Thread: match() by readers online in the
/// Quiescence, all else by the writer.
class WildcardTrie
{
public:
    /// What hangs at the end of a filter.
    struct Terminal
    {
        SubscriberList list;
        std::uint32_t node = 0;  // the filter's last level or, for '#', the one before it
        bool multiLevel = false; // ends with '#'
    };

    WildcardTrie(TrackedMemory& memory, const TopicHash& hash);
    /// Requires: no reader is online.
    ~WildcardTrie();

    /// The terminal of a filter. Requires: `filter` is well formed and has a wildcard.
    std::optional<std::uint32_t> find(std::string_view filter) const noexcept;
    std::uint32_t findOrAdd(std::string_view filter);
    /// Takes the filter out, and what only it needed. Requires: its list is empty.
    void remove(std::uint32_t terminal);

    /// Requires: `terminal` is one, or was when the reader came online.
    Terminal& operator[](std::uint32_t terminal) const noexcept { return _terminals[terminal]; }
    /// The terminal with a number below limit(), unused ones included; null where none ever was.
    Terminal* lookUp(std::uint32_t terminal) const noexcept { return _terminals.find(terminal); }
    std::uint32_t limit() const noexcept { return _terminals.limit(); }
    std::string text(std::uint32_t terminal) const;

    /// Calls `found(const SubscriberList&)` for every filter that matches. Visits only nodes whose
    /// levels match so far.
    template <class Found> void match(std::string_view topicName, Found&& found) const noexcept;

private:
    /// Zero says "none" in all fields: node 0 is the root, terminals are counted from 1.
    struct Node
    {
        static constexpr std::size_t kInline = 10;
        static constexpr std::uint32_t kGone = 0xFFFF'FFFF;

        void setText(std::string_view level, TrackedMemory& memory);
        std::string_view text() const noexcept
        {
            if (length <= kInline) return {bytes, length};
            const char* far;
            std::memcpy(&far, bytes, sizeof far);
            return {far, length};
        }
        bool unused() const noexcept
        {
            return children == 0 && plus.load(std::memory_order_relaxed) == 0 &&
                   hash.load(std::memory_order_relaxed) == 0 &&
                   terminal.load(std::memory_order_relaxed) == 0;
        }

        std::atomic<std::uint32_t> plus;     // the child for '+'
        std::atomic<std::uint32_t> hash;     // the terminal of "…/#"
        std::atomic<std::uint32_t> terminal; // of the filter that ends here
        std::uint32_t parent;
        std::uint32_t children; // literal ones; kGone in a node that was removed
        std::uint16_t length;
        char bytes[kInline]; // the level's text or, if it is longer, where it is
    };
    static_assert(sizeof(Node) == 32);

    struct HashOfNode
    {
        const WildcardTrie* trie;
        std::uint64_t operator()(std::uint64_t value) const noexcept;
    };

    /// The levels of a Topic Name, taken apart and hashed as far as the search gets.
    class TopicLevels
    {
    public:
        TopicLevels(std::string_view name, const TopicHash& hash) noexcept
            : _name(name),
              _hash(hash)
        {
        }
        /// Whether the name has exactly `depth` levels. Requires: level(depth - 1) was asked for.
        bool endsAt(std::size_t depth) const noexcept { return depth == _known && _ended; }
        std::string_view text(std::size_t depth) const noexcept
        {
            return _name.substr(_levels[depth].begin, _levels[depth].size);
        }
        /// The hash of a level. Requires: the ones before it were asked for; the name has it.
        std::uint64_t hash(std::size_t depth) noexcept
        {
            if (depth == _known) takeNext();
            return _levels[depth].hash;
        }

    private:
        void takeNext() noexcept
        {
            const std::size_t slash = _name.find('/', _next);
            _ended = slash == std::string_view::npos;
            const std::size_t end = _ended ? _name.size() : slash;
            const auto text = _name.substr(_next, end - _next);
            _levels[_known++] = {_next, text.size(), _hash(text)};
            _next = end + 1;
        }

        struct Level
        {
            std::size_t begin;
            std::size_t size;
            std::uint64_t hash;
        };
        const std::string_view _name;
        const TopicHash& _hash;
        std::size_t _next = 0;
        std::size_t _known = 0;
        bool _ended = false;
        std::array<Level, kMaxTopicLevels> _levels; // the first _known are set
    };

    std::uint32_t literalChild(std::uint32_t parent, std::string_view level,
                               std::uint64_t levelHash) const noexcept;
    std::uint32_t child(std::uint32_t parent, std::string_view level) const noexcept;
    std::uint32_t addChild(std::uint32_t parent, std::string_view level);
    void removeUnused(std::uint32_t node);

    TrackedMemory& _memory;
    const TopicHash _hash;
    Slab<Node> _nodes;
    Slab<Terminal> _terminals;
    FlatTable<HashOfNode> _edges;
    std::atomic<std::size_t> _count{0};
};

template <class Found>
void WildcardTrie::match(std::string_view topicName, Found&& found) const noexcept
{
    if (_count.load(std::memory_order_acquire) == 0) return;

    struct Place
    {
        std::uint32_t node;
        std::uint32_t depth; // levels of the name that led here
    };
    std::array<Place, kMaxTopicLevels> waiting; // '+' branches; at most one for each level
    std::size_t waitingCount = 0;
    TopicLevels levels(topicName, _hash);
    const bool fromDollar = topicName.starts_with('$');

    for (Place at{0, 0};;)
    {
        const Node& node = _nodes[at.node];
        // Wildcards at the root do not see "$SYS" and its like [MQTT-4.7.2-1].
        const bool wildcards = at.depth > 0 || !fromDollar;
        if (const auto hash = node.hash.load(std::memory_order_acquire); hash != 0 && wildcards)
            found(_terminals[hash - 1].list);

        std::uint32_t next = 0;
        if (levels.endsAt(at.depth))
        {
            if (const auto terminal = node.terminal.load(std::memory_order_acquire); terminal != 0)
                found(_terminals[terminal - 1].list);
        }
        else if (at.depth < kMaxTopicLevels)
        {
            const std::uint64_t levelHash = levels.hash(at.depth);
            next = literalChild(at.node, levels.text(at.depth), levelHash);
            const auto plus = wildcards ? node.plus.load(std::memory_order_acquire) : 0;
            if (next == 0) next = plus;
            else if (plus != 0) waiting[waitingCount++] = {plus, at.depth + 1};
        }
        if (next != 0) at = {next, at.depth + 1};
        else if (waitingCount > 0) at = waiting[--waitingCount];
        else return;
    }
}

} // namespace nanomq
