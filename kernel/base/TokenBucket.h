#pragma once

#include "base/Clock.h"

#include <algorithm>
#include <cstdint>

namespace nanomq
{

/// A rate in units per second, with one second's worth at once.
///
/// What is taken may go beyond that, since a packet is taken whole: the next has to wait until it
/// is paid. Holds one point in time, so it needs no timer and starts nothing. Thread: one at a time.
class TokenBucket
{
public:
    /// @param perSecond  0: no limit.
    explicit TokenBucket(std::uint64_t perSecond) noexcept : _perSecond(perSecond) {}

    bool limits() const noexcept { return _perSecond > 0; }
    /// Milliseconds until something may be taken; 0: now.
    MonotonicMs wait(MonotonicMs now) const noexcept
    {
        const std::int64_t ahead = _paidAt - nanoseconds(now) - kBurst;
        return ahead < 0 ? 0 : static_cast<MonotonicMs>(ahead / kMillisecond + 1);
    }
    /// @param units  at most 2^32.
    void take(std::uint64_t units, MonotonicMs now) noexcept
    {
        if (_perSecond == 0) return;
        _paidAt = std::max(_paidAt, nanoseconds(now)) +
                  static_cast<std::int64_t>(units * kSecond / _perSecond);
    }

private:
    static constexpr std::int64_t kMillisecond = 1'000'000;
    static constexpr std::uint64_t kSecond = 1'000'000'000;
    static constexpr std::int64_t kBurst = 1'000'000'000;

    static std::int64_t nanoseconds(MonotonicMs now) noexcept
    {
        return static_cast<std::int64_t>(now) * kMillisecond;
    }

    std::uint64_t _perSecond;
    std::int64_t _paidAt = -kBurst; // when all that was taken is paid
};

} // namespace nanomq
