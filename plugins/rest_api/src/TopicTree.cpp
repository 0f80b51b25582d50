#include "TopicTree.h"

#include <Poco/JSONString.h>

#include <algorithm>

namespace rest_api
{

namespace
{

/// The first `depth` levels; empty when there are fewer.
std::string_view prefix(std::string_view filter, std::size_t depth) noexcept
{
    std::size_t end = 0;
    for (std::size_t level = 1;; ++level)
    {
        end = filter.find('/', end);
        if (level == depth) return filter.substr(0, end);
        if (end == std::string_view::npos) return {};
        ++end;
    }
}

bool hasDepth(std::string_view filter, std::size_t depth) noexcept
{
    return static_cast<std::size_t>(std::count(filter.begin(), filter.end(), '/')) + 1 >= depth;
}

/// In the order of levels: what stands below a level follows it at once, since the end of a level
/// sorts before any character.
bool before(std::string_view a, std::string_view b) noexcept
{
    const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (x == a.end() || y == b.end()) return x == a.end() && y != b.end();
    if (*x == '/' || *y == '/') return *x == '/';
    return static_cast<unsigned char>(*x) < static_cast<unsigned char>(*y);
}

std::string_view lastLevel(std::string_view levels) noexcept
{
    const auto slash = levels.rfind('/');
    return slash == std::string_view::npos ? levels : levels.substr(slash + 1);
}

std::string quoted(std::string_view text)
{
    return Poco::toJSON(std::string(text));
}

} // namespace

bool TopicTree::add(std::string_view topicFilter, std::string_view clientId)
{
    const std::size_t needed = topicFilter.size() + clientId.size();
    if (_texts.size() + _entries.size() * sizeof(Entry) + needed > kMaximumBytes ||
        topicFilter.size() > UINT16_MAX || clientId.size() > UINT16_MAX)
    {
        _truncated = true;
        return false;
    }
    _entries.push_back({static_cast<std::uint32_t>(_texts.size()),
                        static_cast<std::uint16_t>(topicFilter.size()),
                        static_cast<std::uint16_t>(clientId.size())});
    _texts.append(topicFilter).append(clientId);
    return true;
}

void TopicTree::write(Reply& reply, std::string_view clientKey)
{
    std::sort(_entries.begin(), _entries.end(), [this](const Entry& a, const Entry& b) {
        const auto filterOfA = filterOf(a), filterOfB = filterOf(b);
        if (filterOfA != filterOfB) return before(filterOfA, filterOfB);
        return idOf(a) < idOf(b);
    });
    reply.append("[[{\"topic\":\"\",\"cld_cnt\":" +
                 std::to_string(countNodes(_entries.begin(), _entries.end(), 1)) + "}]");
    for (std::size_t depth = 1; writeLevel(reply, depth, clientKey); ++depth) {}
    reply.append("]");
}

TopicTree::Iterator TopicTree::endOfNode(Iterator first, std::size_t depth) const
{
    const auto levels = prefix(filterOf(*first), depth);
    auto last = first + 1;
    for (; last != _entries.end(); ++last)
    {
        const auto filter = filterOf(*last);
        if (!hasDepth(filter, depth) || prefix(filter, depth) != levels) break;
    }
    return last;
}

std::size_t TopicTree::countNodes(Iterator first, Iterator last, std::size_t depth) const
{
    std::size_t count = 0;
    while (first != last)
    {
        if (!hasDepth(filterOf(*first), depth))
        {
            ++first;
            continue;
        }
        ++count;
        first = endOfNode(first, depth);
    }
    return count;
}

bool TopicTree::writeLevel(Reply& reply, std::size_t depth, std::string_view clientKey) const
{
    bool any = false;
    for (auto at = _entries.begin(); at != _entries.end();)
    {
        if (!hasDepth(filterOf(*at), depth))
        {
            ++at;
            continue;
        }
        const auto end = endOfNode(at, depth);
        reply.append(any ? "," : ",[");
        any = true;
        writeNode(reply, at, end, depth, clientKey);
        at = end;
    }
    if (any) reply.append("]");
    return any;
}

void TopicTree::writeNode(Reply& reply, Iterator first, Iterator last, std::size_t depth,
                          std::string_view clientKey) const
{
    const auto levels = prefix(filterOf(*first), depth);
    reply.append("{\"topic\":" + quoted(lastLevel(levels)) +
                 ",\"cld_cnt\":" + std::to_string(countNodes(first, last, depth + 1)));
    // Those who subscribe exactly here stand in front of what is below.
    bool any = false;
    for (; first != last && filterOf(*first) == levels; ++first)
    {
        reply.append(any ? "," : ",\"" + std::string(clientKey) + "\":[");
        any = true;
        reply.append(quoted(idOf(*first)));
    }
    reply.append(any ? "]}" : "}");
}

} // namespace rest_api
