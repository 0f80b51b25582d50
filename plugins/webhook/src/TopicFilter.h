#pragma once

#include <string_view>

namespace webhook
{

/// Whether text is a Topic Filter as §4.7 wants it: at least one character, at most 65,535 bytes,
/// no U+0000, `#` only as the last level, `+` only as a whole level.
bool isTopicFilter(std::string_view text) noexcept;

/// Whether a Topic Name, or a Topic Filter taken as one, matches a filter (§4.7). Linear.
bool matches(std::string_view filter, std::string_view topic) noexcept;

} // namespace webhook
