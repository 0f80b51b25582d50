#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace http
{

/// The pause after a number of failures in a row: doubled each time from `low` up to `high`, and
/// of that a random part between half and all, so that senders do not come back in step.
///
/// @param failures  1 and up.
/// @param random    0 to 1.
inline std::chrono::milliseconds backoff(std::chrono::milliseconds low,
                                         std::chrono::milliseconds high, std::uint32_t failures,
                                         double random) noexcept
{
    auto whole = std::min(low, high);
    for (std::uint32_t i = 1; i < failures && whole < high; ++i) whole = std::min(whole * 2, high);
    return whole / 2 + std::chrono::milliseconds(static_cast<std::int64_t>(
                           static_cast<double>((whole - whole / 2).count()) * random));
}

} // namespace http
