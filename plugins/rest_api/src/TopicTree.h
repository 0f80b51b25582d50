#pragma once

#include "Reply.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rest_api
{

/// Subscriptions as NanoMQ's topic tree: level by level, the nodes of each with their number of
/// children and the clients that subscribe exactly there.
///
///     [[{"topic":"","cld_cnt":1}],[{"topic":"a","cld_cnt":0,"clientid":["c1","c2"]}]]
///
/// Kept flat, texts behind one another and eight bytes a subscription, and sorted once: a million
/// subscriptions of 50 bytes take 60 MB while the answer is made.
class TopicTree
{
public:
    /// Texts that one tree may hold; beyond, it is cut off and says so.
    static constexpr std::size_t kMaximumBytes = std::size_t{64} << 20;

    /// False when there is no more room; the tree is then `truncated()`.
    bool add(std::string_view topicFilter, std::string_view clientId);
    bool truncated() const noexcept { return _truncated; }

    /// Writes all levels. @param clientKey  "clientid", or "client_id" as version 1 has it.
    void write(Reply& reply, std::string_view clientKey);

private:
    struct Entry
    {
        std::uint32_t at; // in _texts: the filter, and then the Client Identifier
        std::uint16_t filterSize;
        std::uint16_t idSize;
    };
    using Iterator = std::vector<Entry>::const_iterator;

    std::string_view filterOf(const Entry& entry) const noexcept
    {
        return std::string_view(_texts).substr(entry.at, entry.filterSize);
    }
    std::string_view idOf(const Entry& entry) const noexcept
    {
        return std::string_view(_texts).substr(entry.at + entry.filterSize, entry.idSize);
    }
    /// Behind the last entry that has the same first `depth` levels as `first`.
    Iterator endOfNode(Iterator first, std::size_t depth) const;
    /// Distinct nodes of that depth in a range whose entries agree on those above.
    std::size_t countNodes(Iterator first, Iterator last, std::size_t depth) const;
    bool writeLevel(Reply& reply, std::size_t depth, std::string_view clientKey) const;
    void writeNode(Reply& reply, Iterator first, Iterator last, std::size_t depth,
                   std::string_view clientKey) const;

    std::string _texts;
    std::vector<Entry> _entries;
    bool _truncated = false;
};

} // namespace rest_api
