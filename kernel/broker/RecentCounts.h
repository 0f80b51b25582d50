#pragma once

#include "base/Clock.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace nanomq
{

/// So often within so long: then somebody is banned for a time.
struct AutoBan
{
    unsigned count = 0; // 0: never
    std::chrono::milliseconds window{60'000};
    std::chrono::milliseconds duration{300'000};
};

/// Counts how often something happens to each of many within a window, such as failed logins by
/// address. Bounded: when too many are watched, those whose window is over are forgotten, and if
/// that does not help, all. Thread: [any].
class RecentCounts
{
public:
    static constexpr std::size_t kMaximum = 50'000;

    explicit RecentCounts(const AutoBan& rule) noexcept : _rule(rule) {}

    bool counts() const noexcept { return _rule.count > 0; }
    const AutoBan& rule() const noexcept { return _rule; }
    /// Counts one more. True when that is one too many within the window; counting begins anew.
    bool add(std::string_view who, MonotonicMs now);

private:
    struct Hash
    {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept
        {
            return std::hash<std::string_view>()(text);
        }
    };
    struct Count
    {
        MonotonicMs since = 0;
        unsigned number = 0;
    };
    void makeRoom(MonotonicMs now);

    const AutoBan _rule;
    std::mutex _mutex; // guards all below
    std::unordered_map<std::string, Count, Hash, std::equal_to<>> _counts;
    MonotonicMs _sweptAt = 0;
};

} // namespace nanomq
