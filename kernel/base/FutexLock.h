#pragma once

#include <atomic>
#include <cstdint>

namespace nanomq
{

/// A mutex of four bytes, for locks that exist once per session and are held for a few lines.
/// Free: one atomic exchange to take, one to give back. Satisfies Lockable for std::lock_guard.
/// Thread: [any].
class FutexLock
{
public:
    void lock() noexcept
    {
        std::uint32_t expected = kFree;
        if (_state.compare_exchange_strong(expected, kTaken, std::memory_order_acquire)) return;
        lockContended();
    }
    bool try_lock() noexcept
    {
        std::uint32_t expected = kFree;
        return _state.compare_exchange_strong(expected, kTaken, std::memory_order_acquire);
    }
    void unlock() noexcept
    {
        if (_state.exchange(kFree, std::memory_order_release) == kWaited) _state.notify_one();
    }

private:
    static constexpr std::uint32_t kFree = 0, kTaken = 1, kWaited = 2;

    void lockContended() noexcept
    {
        // The holder is a few lines from unlocking, unless it was preempted: look again for a
        // moment before sleeping.
        for (int spin = 0; spin < 64; ++spin)
        {
            std::uint32_t expected = kFree;
            if (_state.compare_exchange_weak(expected, kTaken, std::memory_order_acquire)) return;
        }
        while (_state.exchange(kWaited, std::memory_order_acquire) != kFree)
            _state.wait(kWaited, std::memory_order_relaxed);
    }

    std::atomic<std::uint32_t> _state{kFree};
};

} // namespace nanomq
