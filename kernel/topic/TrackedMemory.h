#pragma once

#include "base/Quiescence.h"

#include <atomic>
#include <cstddef>
#include <memory>

namespace nanomq
{

/// The heap memory of one structure that workers read without a lock: it counts what is in use,
/// what the allocator adds included, and gives back through Quiescence what readers may still see.
///
/// Thread: changed under the structure's mutex; bytes() [any].
class TrackedMemory
{
public:
    explicit TrackedMemory(Quiescence& quiescence) noexcept : _quiescence(quiescence) {}
    TrackedMemory(const TrackedMemory&) = delete;
    TrackedMemory& operator=(const TrackedMemory&) = delete;

    /// At least `size` bytes; throws std::bad_alloc.
    void* allocate(std::size_t size);
    /// The same, all zero; large pieces come from the system untouched.
    void* allocateZeroed(std::size_t size);

    /// Frees at once what no reader can have seen, or has seen before a grace period that passed.
    void free(void* piece) noexcept;
    /// Frees after a grace period. Counted as retired, not in bytes(), from now on.
    void retire(void* piece);

    /// Counts memory that was not allocated here, such as a container's.
    void charge(std::ptrdiff_t bytes) noexcept
    {
        _bytes.store(_bytes.load(std::memory_order_relaxed) + static_cast<std::size_t>(bytes),
                     std::memory_order_relaxed);
    }
    std::size_t bytes() const noexcept { return _bytes.load(std::memory_order_relaxed); }

    Quiescence& quiescence() noexcept { return _quiescence; }

private:
    Quiescence& _quiescence;
    std::atomic<std::size_t> _bytes{0};
};

/// Tells when a grace period has passed, without waiting and without a callback into a structure
/// that may be gone by then. Thread: the structure's writers.
class GracePeriod
{
public:
    /// Starts one, now.
    void begin(Quiescence& quiescence);
    /// Whether the one that was begun last has passed; true if none was begun.
    bool passed() const noexcept { return !_passed || _passed->load(std::memory_order_acquire); }

private:
    std::shared_ptr<std::atomic<bool>> _passed;
};

} // namespace nanomq
