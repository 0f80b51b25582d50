#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nanomq
{

/// How short of memory the broker is, and what it does about it; each level does what those before
/// it do, too. What has been acknowledged is never shed.
enum class MemoryLevel : std::uint8_t
{
    Fine,
    NoNewcomers, // 80 %: accepting pauses
    NoExtras,    // 85 %: no QoS 0 for clients that read slowly, nothing new is retained
    Wait,        // 90 %: who publishes with QoS 1 or 2 has to wait
    Refuse,      // 95 %: such messages and subscriptions are refused, slow readers disconnected
};
std::string_view memoryLevelName(MemoryLevel level) noexcept;

/// The broker's memory against its limit. A level begins at its mark, and ends 5 % below it.
/// Thread: [any].
class MemoryBudget
{
public:
    /// @param limit  bytes; 0: none, and the level is always Fine.
    explicit MemoryBudget(std::size_t limit) noexcept : _limit(limit) {}

    std::size_t limit() const noexcept { return _limit; }
    std::size_t used() const noexcept { return _used.load(std::memory_order_relaxed); }
    MemoryLevel level() const noexcept { return _level.load(std::memory_order_relaxed); }

    /// Says what is used now; returns the level before.
    MemoryLevel update(std::size_t used) noexcept;

private:
    MemoryLevel levelOf(std::size_t used) const noexcept;

    const std::size_t _limit;
    std::atomic<std::size_t> _used{0};
    std::atomic<MemoryLevel> _level{MemoryLevel::Fine};
};

} // namespace nanomq
