#pragma once

#include <atomic>
#include <cstddef>

namespace nanomq
{

/// Heap memory of this process that grows with its traffic: messages, output on its way, places in
/// queues. There is one, as there is one heap: a message may outlive whoever made it.
///
/// Each thread adds up for itself and hands on 8 KiB at a time, so counting costs an addition and a
/// branch. A thread that ends takes less than that with it. Thread: [any].
class HeldMemory
{
public:
    static void add(std::ptrdiff_t bytes) noexcept
    {
        static thread_local constinit std::ptrdiff_t pending = 0;
        pending += bytes;
        if (pending < kStep && pending > -kStep) return;
        _bytes.fetch_add(pending, std::memory_order_relaxed);
        pending = 0;
    }
    static void subtract(std::ptrdiff_t bytes) noexcept { add(-bytes); }

    /// Less than 8 KiB a thread may be missing, or be too much.
    static std::size_t bytes() noexcept
    {
        const auto bytes = _bytes.load(std::memory_order_relaxed);
        return bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
    }

private:
    static constexpr std::ptrdiff_t kStep = 8 * 1024;
    static inline constinit std::atomic<std::ptrdiff_t> _bytes{0};
};

} // namespace nanomq
