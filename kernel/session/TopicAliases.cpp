#include "session/TopicAliases.h"

#include <algorithm>

namespace nanomq
{

TopicAliases::TopicAliases(std::uint16_t maximum) noexcept : _maximum(std::min(maximum, kMost)) {}

TopicAliasUse TopicAliases::use(std::string_view topicName, bool maySet)
{
    if (topicName.size() < kShortestName || topicName.size() > kLongestName) return {};
    if (const auto found = _aliases.find(topicName); found != _aliases.end())
        return {found->second, true};
    if (!maySet || _aliases.size() >= _maximum) return {};
    const auto alias = static_cast<std::uint16_t>(_aliases.size() + 1);
    _aliases.emplace(topicName, alias);
    return {alias, false};
}

} // namespace nanomq
