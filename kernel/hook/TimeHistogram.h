#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace nanomq
{

/// Durations by size, up to two minutes; a bucket is a quarter of its value wide. One thread
/// writes, others read and add up.
class TimeHistogram
{
public:
    static constexpr unsigned kSteps = 4; // per power of two
    static constexpr unsigned kPowers = 36;
    static constexpr std::size_t kBuckets = kSteps * kPowers;
    using Counts = std::array<std::uint64_t, kBuckets>;

    /// Thread: its owner's.
    void add(std::uint64_t ns) noexcept
    {
        auto& bucket = _buckets[bucketOf(ns)];
        bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    /// Adds what is in it to `counts`. Thread: [any].
    void addTo(Counts& counts) const noexcept
    {
        for (std::size_t i = 0; i < kBuckets; ++i)
            counts[i] += _buckets[i].load(std::memory_order_relaxed);
    }

    /// The time that `share` (0 to 1) of the durations do not exceed, in ns, up to a bucket's
    /// width; 0 when there are none.
    static std::uint64_t quantile(const Counts& counts, double share) noexcept
    {
        std::uint64_t all = 0;
        for (const auto count : counts) all += count;
        if (all == 0) return 0;
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(all - 1)) + 1;
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < kBuckets; ++i)
            if ((seen += counts[i]) >= wanted) return upperEdge(i);
        return upperEdge(kBuckets - 1);
    }

    static std::size_t bucketOf(std::uint64_t ns) noexcept
    {
        if (ns < kSteps) return ns;
        const auto power = static_cast<unsigned>(std::bit_width(ns)) - 1; // at least 2
        const auto step = (ns >> (power - 2)) & (kSteps - 1);
        const std::size_t bucket = (power - 1) * kSteps + step;
        return bucket < kBuckets ? bucket : kBuckets - 1;
    }
    /// The largest duration of a bucket.
    static std::uint64_t upperEdge(std::size_t bucket) noexcept
    {
        if (bucket < kSteps) return bucket;
        const auto power = static_cast<unsigned>(bucket / kSteps) + 1;
        const std::uint64_t step = bucket % kSteps;
        return (std::uint64_t{1} << power) + ((step + 1) << (power - 2)) - 1;
    }

private:
    std::array<std::atomic<std::uint32_t>, kBuckets> _buckets{};
};

} // namespace nanomq
