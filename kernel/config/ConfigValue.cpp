#include "config/ConfigValue.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace nanomq
{

namespace
{

using std::chrono::milliseconds;

struct Unit
{
    std::string_view name;
    std::int64_t factor;
};

// Largest first.
constexpr std::array kDurationUnits = {
    Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000}, Unit{"ms", 1},
};
constexpr std::array kSizeUnits = {
    Unit{"GB", 1 << 30},  Unit{"MB", 1 << 20},  Unit{"KB", 1 << 10}, Unit{"B", 1},
    Unit{"G", 1 << 30},   Unit{"M", 1 << 20},   Unit{"K", 1 << 10},  Unit{"GiB", 1 << 30},
    Unit{"MiB", 1 << 20}, Unit{"KiB", 1 << 10},
};
constexpr std::size_t kMainSizeUnits = 4;

char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool equalInAnyCase(std::string_view a, std::string_view b) noexcept
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

template <class N> std::optional<N> wholeText(std::string_view text) noexcept
{
    N number{};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end) return {};
    return number;
}

ConfigExpectation expected(std::string what)
{
    return {"expected " + std::move(what)};
}

std::string range(const std::string& minimum, const std::string& maximum, bool isBounded)
{
    return isBounded ? " from " + minimum + " to " + maximum : " of at least " + minimum;
}

/// "10s" as number and unit, multiplied; nothing when it is no such thing or too large.
template <std::size_t Count>
std::optional<std::int64_t> withUnit(std::string_view text, std::string_view unitOfBare,
                                     const std::array<Unit, Count>& units) noexcept
{
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
    const auto number = wholeText<std::int64_t>(text.substr(0, digits));
    if (!number) return {};
    std::string_view unit = trimmed(text.substr(digits));
    if (unit.empty()) unit = unitOfBare;
    if (unit.empty()) return *number == 0 ? std::optional<std::int64_t>(0) : std::nullopt;

    for (const Unit& candidate : units)
    {
        if (!equalInAnyCase(unit, candidate.name)) continue;
        if (*number > std::numeric_limits<std::int64_t>::max() / candidate.factor) return {};
        return *number * candidate.factor;
    }
    return {};
}

template <std::size_t Count>
std::string largestUnit(std::int64_t number, const std::array<Unit, Count>& units,
                        std::size_t count, std::string_view ofZero)
{
    if (number == 0) return '0' + std::string(ofZero);
    for (std::size_t i = 0; i < count; ++i)
        if (number % units[i].factor == 0)
            return std::to_string(number / units[i].factor) + std::string(units[i].name);
    return std::to_string(number);
}

} // namespace

std::string_view trimmed(std::string_view text) noexcept
{
    constexpr std::string_view blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

ConfigValue<bool> parseBoolean(std::string_view text)
{
    for (const std::string_view word : {"true", "on", "yes", "1", "enable", "enabled"})
        if (equalInAnyCase(text, word)) return true;
    for (const std::string_view word : {"false", "off", "no", "0", "disable", "disabled"})
        if (equalInAnyCase(text, word)) return false;
    return expected("true or false");
}

ConfigValue<std::int64_t> parseInteger(std::string_view text, std::int64_t minimum,
                                       std::int64_t maximum)
{
    const auto number = wholeText<std::int64_t>(text);
    if (number && *number >= minimum && *number <= maximum) return *number;
    return expected("a whole number" + range(std::to_string(minimum), std::to_string(maximum),
                                             maximum != std::numeric_limits<std::int64_t>::max()));
}

ConfigValue<double> parseNumber(std::string_view text, double minimum, double maximum)
{
    const auto number = wholeText<double>(text);
    if (number && *number >= minimum && *number <= maximum) return *number;
    const auto shown = [](double bound) {
        std::array<char, 32> buffer{};
        const auto [end, error] =
            std::to_chars(buffer.data(), buffer.data() + buffer.size(), bound);
        return std::string(buffer.data(), error == std::errc() ? end : buffer.data());
    };
    return expected("a number" + range(shown(minimum), shown(maximum), maximum < 9.2e18));
}

ConfigValue<milliseconds> parseDuration(std::string_view text, std::string_view unit,
                                        milliseconds minimum, milliseconds maximum)
{
    const auto number = withUnit(text, unit, kDurationUnits);
    if (number && milliseconds(*number) >= minimum && milliseconds(*number) <= maximum)
        return milliseconds(*number);
    std::string what = "a duration such as 10s, 5m or 500ms";
    if (!unit.empty()) what += " (a number without a unit counts " + std::string(unit) + ')';
    return expected(
        what + ',' +
        range(durationText(minimum), durationText(maximum), maximum != milliseconds::max()));
}

ConfigValue<std::uint64_t> parseSize(std::string_view text, std::string_view unit,
                                     std::uint64_t minimum, std::uint64_t maximum)
{
    const auto number = withUnit(text, unit, kSizeUnits);
    if (number && static_cast<std::uint64_t>(*number) >= minimum &&
        static_cast<std::uint64_t>(*number) <= maximum)
        return static_cast<std::uint64_t>(*number);
    std::string what = "a size such as 64KB or 4MB";
    if (!unit.empty()) what += " (a number without a unit counts " + std::string(unit) + ')';
    return expected(
        what + ',' +
        range(sizeText(minimum), sizeText(maximum),
              maximum < static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
}

ConfigValue<std::string_view> parseChoice(std::string_view text,
                                          std::span<const std::string> choices)
{
    for (const std::string& choice : choices)
        if (equalInAnyCase(text, choice)) return std::string_view(choice);
    std::string all;
    for (const std::string& choice : choices)
    {
        if (!all.empty()) all += &choice == &choices.back() ? " or " : ", ";
        all += choice;
    }
    return expected(all);
}

ConfigValue<std::vector<std::string_view>> parseList(std::string_view text)
{
    std::vector<std::string_view> items;
    for (bool more = !trimmed(text).empty(); more;)
    {
        const std::size_t comma = text.find(',');
        more = comma != std::string_view::npos;
        const std::string_view item = trimmed(text.substr(0, comma));
        if (item.empty()) return expected("a list with one comma between items");
        items.push_back(item);
        if (more) text.remove_prefix(comma + 1);
    }
    return items;
}

std::string durationText(milliseconds duration)
{
    if (duration == kUnlimitedDuration) return "unlimited";
    return largestUnit(duration.count(), kDurationUnits, kDurationUnits.size(), "s");
}

std::string sizeText(std::uint64_t bytes)
{
    return largestUnit(static_cast<std::int64_t>(bytes), kSizeUnits, kMainSizeUnits, "B");
}

} // namespace nanomq
