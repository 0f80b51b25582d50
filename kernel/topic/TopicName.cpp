#include "topic/TopicName.h"

namespace nanomq
{

bool isValidTopicName(std::string_view name) noexcept
{
    if (name.empty() || name.size() > kMaxTopicBytes) return false;
    std::size_t levels = 1;
    for (const char c : name)
    {
        if (c == '+' || c == '#' || c == '\0') return false;
        levels += c == '/';
    }
    return levels <= kMaxTopicLevels;
}

} // namespace nanomq
