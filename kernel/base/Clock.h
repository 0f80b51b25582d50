#pragma once

#include <chrono>
#include <cstdint>

namespace nanomq
{

/// Milliseconds on the monotonic clock. Deadlines and intervals are counted with it: it does
/// not jump when somebody sets the time of day.
using MonotonicMs = std::int64_t;

/// Milliseconds of Unix time, for people and for JSON.
using UnixMs = std::int64_t;

/// "Never", for deadlines.
inline constexpr MonotonicMs kNever = INT64_MAX;

/// Reads the monotonic clock. Thread: [any].
inline MonotonicMs monotonicNow() noexcept
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

/// Reads the time of day. Thread: [any].
inline UnixMs unixNow() noexcept
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

} // namespace nanomq
