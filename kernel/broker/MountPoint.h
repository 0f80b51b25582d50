#pragma once

#include <string>
#include <string_view>

namespace nanomq
{

/// A Topic Name or Topic Filter of a client behind a mount point (ListenerSettings::mountPoint), as
/// the broker knows it: the mount point in front, in a Shared Subscription behind the ShareName.
/// What is no topic stays none: the result is checked like any other. Thread: [any].
inline std::string mounted(std::string_view mountPoint, std::string_view topic)
{
    constexpr std::string_view kShare = "$share/";
    std::size_t at = 0;
    if (topic.starts_with(kShare))
    {
        const auto end = topic.find('/', kShare.size());
        if (end == std::string_view::npos) return std::string(topic);
        at = end + 1;
    }
    if (topic.size() == at) return std::string(topic); // an empty one is an error
    std::string result(topic);
    return result.insert(at, mountPoint);
}

} // namespace nanomq
