#pragma once

#include <chrono>

namespace nanomq::test
{

/// How much slower than Release this build may be: 1, or more under a sanitizer.
#ifdef NANOMQ_TEST_SLOWNESS
inline constexpr int kSlowness = NANOMQ_TEST_SLOWNESS;
#else
inline constexpr int kSlowness = 1;
#endif

/// How long a test waits for something that must come. Long, since only a failing test ever
/// waits so long.
inline constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(15) * kSlowness;

/// A point in time until which something must have come.
class Deadline
{
public:
    explicit Deadline(std::chrono::milliseconds patience)
        : _end(std::chrono::steady_clock::now() + patience)
    {
    }

    std::chrono::steady_clock::time_point end() const noexcept { return _end; }

    /// For poll(2): milliseconds that are left, rounded up, never negative.
    int remainingMs() const
    {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(_end - std::chrono::steady_clock::now());
        return left.count() > 0 ? static_cast<int>(left.count()) : 0;
    }

private:
    std::chrono::steady_clock::time_point _end;
};

} // namespace nanomq::test
