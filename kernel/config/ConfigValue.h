#pragma once

#include "base/Result.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Values of configuration keys, from their text. Each fails with what was expected, as the end of
// a sentence: "expected a whole number from 1 to 64". Thread: [any].

namespace nanomq
{

/// What was expected.
struct ConfigExpectation
{
    std::string message;
};

template <class T> using ConfigValue = Result<T, ConfigExpectation>;

/// "unlimited", where a key allows it.
inline constexpr std::chrono::milliseconds kUnlimitedDuration = std::chrono::milliseconds::max();

/// true, on, yes, 1, enable, enabled, and their opposites; in any case.
ConfigValue<bool> parseBoolean(std::string_view text);

/// A whole number, in decimal.
ConfigValue<std::int64_t> parseInteger(std::string_view text, std::int64_t minimum,
                                       std::int64_t maximum);

/// A number with or without a fraction, in decimal: "1.5".
ConfigValue<double> parseNumber(std::string_view text, double minimum, double maximum);

/// A whole number with a unit: "500ms", "10s", "5m", "1h", "7d".
/// @param unit  what a number without a unit counts: "ms", "s", "m", "h", "d"; empty when a
///              unit must be written (0 needs none).
ConfigValue<std::chrono::milliseconds> parseDuration(std::string_view text, std::string_view unit,
                                                     std::chrono::milliseconds minimum,
                                                     std::chrono::milliseconds maximum);

/// A whole number with a unit: "64KB", "4MB", in bytes. B, KB, MB and GB in any case, also K, KiB
/// and so on; all are powers of 1,024.
/// @param unit  what a number without a unit counts: "B", "KB", "MB", "GB".
ConfigValue<std::uint64_t> parseSize(std::string_view text, std::string_view unit,
                                     std::uint64_t minimum, std::uint64_t maximum);

/// One of some words, in any case; returned as it stands in `choices`.
ConfigValue<std::string_view> parseChoice(std::string_view text,
                                          std::span<const std::string> choices);

/// Items between commas, blanks around them dropped. No item may be empty; an empty text is an
/// empty list.
ConfigValue<std::vector<std::string_view>> parseList(std::string_view text);

/// "10s", "250ms": the largest unit that shows it as a whole number.
std::string durationText(std::chrono::milliseconds duration);
/// "4MB", "1000B".
std::string sizeText(std::uint64_t bytes);

/// Without blanks, tabs and carriage returns at both ends.
std::string_view trimmed(std::string_view text) noexcept;

} // namespace nanomq
