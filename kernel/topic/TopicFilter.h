#pragma once

#include "topic/TopicName.h"
#include "wire/ReasonCode.h"

#include <string_view>

namespace nanomq
{

/// A Topic Filter that is well formed (§4.7, §4.8.2), as views into the text it was parsed from.
/// Thread: [any].
class TopicFilter
{
public:
    /// Checks `text`: 1 to 65,535 bytes, at most 128 levels, no U+0000, '#' alone in the last
    /// level [MQTT-4.7.1-1], '+' alone in its level [MQTT-4.7.1-2]. What starts with "$share/"
    /// is a Shared Subscription: a ShareName of at least one character and without wildcards
    /// [MQTT-4.8.2-1], then '/' and a Topic Filter [MQTT-4.8.2-2]. Anything else is
    /// TopicFilterInvalid (0x8F). UTF-8 has been checked where it was decoded.
    static Decoded<TopicFilter> parse(std::string_view text) noexcept;

    /// All of it, as the client wrote it.
    std::string_view text() const noexcept { return _text; }
    /// The ShareName; empty if the subscription is not shared.
    std::string_view shareName() const noexcept { return _shareName; }
    /// What Topic Names are matched with: text() without "$share/{ShareName}/".
    std::string_view filter() const noexcept { return _filter; }
    bool isShared() const noexcept { return !_shareName.empty(); }
    /// Whether filter() holds '+' or '#'.
    bool hasWildcard() const noexcept { return _hasWildcard; }

private:
    TopicFilter() noexcept = default;

    std::string_view _text;
    std::string_view _shareName;
    std::string_view _filter;
    bool _hasWildcard = false;
};

/// Whether `filter` (well formed, without a "$share" prefix) matches `topicName` (§4.7): the
/// plain definition, level by level, that the SubscriptionIndex is tested against. Takes time in
/// proportion to the texts, allocates nothing. Thread: [any].
bool matches(std::string_view filter, std::string_view topicName) noexcept;

inline bool matches(const TopicFilter& filter, std::string_view topicName) noexcept
{
    return matches(filter.filter(), topicName);
}

} // namespace nanomq
