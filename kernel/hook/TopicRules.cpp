#include "hook/TopicRules.h"

#include <cstdint>

namespace nanomq
{

namespace
{

/// Bytes of the character that begins at `text[0]`; 0 when it is not well formed.
std::size_t characterSize(std::string_view text) noexcept
{
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80) return first == 0 ? 0 : 1;
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    // Overlong forms, surrogates, and what lies above U+10FFFF.
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return size;
}

} // namespace

bool isMqttText(std::string_view text) noexcept
{
    if (text.size() > 65535) return false;
    while (!text.empty())
    {
        const std::size_t size = characterSize(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

bool isTopicName(std::string_view text) noexcept
{
    return !text.empty() && text.find_first_of("+#") == std::string_view::npos && isMqttText(text);
}

bool isTopicFilter(std::string_view text) noexcept
{
    if (text.empty() || !isMqttText(text)) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        if (text[i] != '+' && text[i] != '#') continue;
        const bool begins = i == 0 || text[i - 1] == '/';
        const bool ends = i + 1 == text.size();
        if (!begins) return false;
        if (text[i] == '#' && !ends) return false;
        if (text[i] == '+' && !ends && text[i + 1] != '/') return false;
    }
    return true;
}

} // namespace nanomq
