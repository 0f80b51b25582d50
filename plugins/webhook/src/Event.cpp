#include "Event.h"

#include <array>
#include <cstdio>

namespace webhook
{

std::string EventId::text() const
{
    std::array<char, 33> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx%016llx",
                  static_cast<unsigned long long>(high), static_cast<unsigned long long>(low));
    return digits.data();
}

std::uint64_t hashOf(std::string_view clientId) noexcept
{
    // FNV-1a, then mixed: a lane is chosen by the remainder.
    std::uint64_t hash = 0xCBF29CE484222325;
    for (const char c : clientId) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    hash ^= hash >> 32;
    return hash & 0x7FFFFFFFFFFFFFFF;
}

std::string_view dropReasonName(DropReason reason) noexcept
{
    constexpr std::array<std::string_view, kDropReasons> names = {
        "queue_full", "refused",      "gave_up",   "expired",      "unloaded",
        "spool_full", "spool_failed", "dead_full", "dead_expired", "operator"};
    return names[static_cast<std::size_t>(reason)];
}

} // namespace webhook
