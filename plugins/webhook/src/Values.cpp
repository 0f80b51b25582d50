#include "Values.h"

#include <Poco/String.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

namespace webhook
{

namespace
{

/// A whole number and the unit behind it: "16MB" is 16 and "MB".
std::pair<std::uint64_t, std::string_view> numberAndUnit(std::string_view value,
                                                         std::string_view expected)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc()) bad(value, expected);
    std::string_view unit(end, static_cast<std::size_t>(value.data() + value.size() - end));
    while (unit.starts_with(' ')) unit.remove_prefix(1);
    return {number, unit};
}

struct Unit
{
    std::string_view name;
    std::uint64_t factor;
};

std::uint64_t quantity(std::string_view value, std::span<const Unit> units, std::uint64_t low,
                       std::uint64_t high, std::string_view expected)
{
    const auto [number, name] = numberAndUnit(value, expected);
    const auto unit = std::find_if(units.begin(), units.end(), [name = name](const Unit& u) {
        return Poco::icompare(std::string(u.name), std::string(name)) == 0;
    });
    if (unit == units.end() || number > high / unit->factor) bad(value, expected);
    const std::uint64_t result = number * unit->factor;
    if (result < low) bad(value, expected);
    return result;
}

/// Edits that make one text of the other; both are short.
std::size_t distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i)
    {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j)
        {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
        }
    }
    return row.back();
}

} // namespace

void bad(std::string_view value, std::string_view expected)
{
    throw BadValue{"found \"" + std::string(value) + "\", expected " + std::string(expected)};
}

std::uint64_t count(std::string_view value, std::uint64_t low, std::uint64_t high)
{
    static constexpr Unit units[] = {{"", 1}};
    return quantity(value, units, low, high,
                    "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
}

std::size_t bytes(std::string_view value)
{
    static constexpr Unit units[] = {
        {"B", 1},        {"K", 1 << 10},   {"KB", 1 << 10}, {"KiB", 1 << 10}, {"M", 1 << 20},
        {"MB", 1 << 20}, {"MiB", 1 << 20}, {"G", 1 << 30},  {"GB", 1 << 30},  {"GiB", 1 << 30}};
    return quantity(value, units, 1 << 10, std::uint64_t{4} << 30,
                    "a size from 1KB to 4GB, such as 16MB");
}

std::chrono::milliseconds duration(std::string_view value, std::chrono::hours most)
{
    static constexpr Unit units[] = {
        {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 24 * 3'600'000}};
    const auto hours = static_cast<std::uint64_t>(most.count());
    const std::string limit =
        hours > 24 ? std::to_string(hours / 24) + "d" : std::to_string(hours) + "h";
    return std::chrono::milliseconds(
        quantity(value, units, 1, hours * 3'600'000,
                 "a time from 1ms to " + limit + ", such as 500ms or 5s"));
}

bool boolean(std::string_view value)
{
    for (const char* word : {"true", "on", "yes", "1", "enable", "enabled"})
        if (Poco::icompare(std::string(value), word) == 0) return true;
    for (const char* word : {"false", "off", "no", "0", "disable", "disabled"})
        if (Poco::icompare(std::string(value), word) == 0) return false;
    bad(value, "true or false");
}

std::string suggestion(std::string_view found, const std::vector<std::string_view>& known)
{
    if (found.size() > 100) return {};
    std::string_view best;
    std::size_t least = std::max<std::size_t>(2, found.size() / 4) + 1;
    for (const std::string_view name : known)
        if (const std::size_t d = distance(found, name); d < least)
        {
            least = d;
            best = name;
        }
    return best.empty() ? std::string() : "; did you mean \"" + std::string(best) + "\"?";
}

} // namespace webhook
