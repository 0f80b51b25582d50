#pragma once

#include <string_view>

namespace nanomq
{

/// Whether a Topic Name, or a Topic Filter, "$share/{ShareName}/" included, is about what the broker
/// itself says: the topics below `$SYS/`. Clients may read them as far as they have the right, and
/// never publish there. No filter that begins with a wildcard shows them [MQTT-4.7.2-1].
/// Thread: [any].
constexpr bool isSystemTopic(std::string_view topic) noexcept
{
    constexpr std::string_view kShare = "$share/";
    if (topic.starts_with(kShare))
    {
        topic.remove_prefix(kShare.size());
        const auto end = topic.find('/');
        if (end == std::string_view::npos) return false;
        topic.remove_prefix(end + 1);
    }
    return topic.starts_with("$SYS/") || topic == "$SYS";
}

} // namespace nanomq
