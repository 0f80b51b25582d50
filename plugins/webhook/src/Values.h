#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What a value of the configuration may be; kernel/config/README.md tells the forms.

namespace webhook
{

/// What is wrong with a value, in the words that follow "file:line: key: ".
struct BadValue
{
    std::string text;
};

[[noreturn]] void bad(std::string_view value, std::string_view expected);

// Each throws BadValue.

std::uint64_t count(std::string_view value, std::uint64_t low, std::uint64_t high);
/// From 1KB to 4GB.
std::size_t bytes(std::string_view value);
/// From 1ms to `most`, which is a whole number of hours.
std::chrono::milliseconds duration(std::string_view value,
                                   std::chrono::hours most = std::chrono::hours(24));
bool boolean(std::string_view value);

/// "; did you mean X?" when something known is near, else nothing.
std::string suggestion(std::string_view found, const std::vector<std::string_view>& known);

} // namespace webhook
