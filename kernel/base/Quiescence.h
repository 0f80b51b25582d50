#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

namespace nanomq
{

/// Lets workers read shared structures without a lock, and tells when the old version of what
/// was replaced can go (quiescent-state-based reclamation).
///
/// A reader is *online* while it may hold pointers into shared structures and *offline* while it
/// sleeps; once per turn of its event loop it passes a quiescent point, where it holds none. What
/// a writer has unlinked may be freed after a *grace period*: when every reader that was online
/// has been quiescent since. The subscription index, the hook table, the plugin list and the
/// session slots all rely on this one object.
class Quiescence
{
public:
    static constexpr unsigned kMaxReaders = 64;
    using ReaderId = unsigned;

    /// Frees everything still retired. Requires: no reader is online any more.
    ~Quiescence();

    /// Takes a reader slot, offline at first; throws Poco::RangeException when all are
    /// taken. Thread: [any].
    ReaderId join();
    /// Gives the slot back. A reader that exits without it would hold up every grace period.
    void leave(ReaderId reader) noexcept;

    /// Starts reading. One sequentially consistent exchange: nothing that the reader loads
    /// afterwards can be older than the epoch it announces. Thread: the reader's.
    void online(ReaderId reader) noexcept
    {
        auto& epoch = _readers[reader].epoch;
        epoch.exchange(_epoch.load(std::memory_order_seq_cst), std::memory_order_seq_cst);
        epoch.store(_epoch.load(std::memory_order_seq_cst), std::memory_order_seq_cst);
    }
    /// Holds no pointer at this moment, and goes on reading. Thread: the reader's.
    void quiescent(ReaderId reader) noexcept
    {
        _readers[reader].epoch.store(_epoch.load(std::memory_order_acquire),
                                     std::memory_order_release);
    }
    /// Holds no pointer until the next online(). Thread: the reader's.
    void offline(ReaderId reader) noexcept
    {
        _readers[reader].epoch.store(kOffline, std::memory_order_release);
    }

    /// Waits for a grace period. Returns nothing when it has passed, else the reader that was
    /// still in its turn at the deadline; then nothing may be freed.
    /// Must not be called by a reader that is online: it would wait for itself.
    /// Thread: [main], [host], [executor]. A worker retires instead.
    [[nodiscard]] std::optional<ReaderId> synchronize(std::chrono::milliseconds deadline);

    /// Frees `object` with `free` after a grace period. The call itself never waits.
    /// `bytes` counts it in retiredBytes() until then. Thread: [any].
    void retire(void* object, void (*free)(void*), std::size_t bytes = 0);
    template <class T> void retire(T* object)
    {
        retire(const_cast<std::remove_const_t<T>*>(object),
               [](void* p) { delete static_cast<T*>(p); }, sizeof(T));
    }

    /// Frees what is due. Workers call it once per turn, between turns (offline or quiescent);
    /// costs one load when nothing is retired. Thread: [any].
    void reclaim();

    std::size_t retiredBytes() const noexcept
    {
        return _retiredBytes.load(std::memory_order_relaxed);
    }

private:
    static constexpr std::uint64_t kOffline = 0;

    struct alignas(64) ReaderSlot
    {
        std::atomic<std::uint64_t> epoch{kOffline};
        std::atomic<bool> taken{false};
    };
    struct Retired
    {
        std::uint64_t epoch;
        void* object;
        void (*free)(void*);
        std::size_t bytes;
    };

    std::uint64_t oldestReader() const noexcept;

    std::atomic<std::uint64_t> _epoch{1};
    std::array<ReaderSlot, kMaxReaders> _readers;
    std::atomic<std::size_t> _retiredCount{0};
    std::atomic<std::size_t> _retiredBytes{0};
    std::mutex _mutex; // guards _retired
    std::deque<Retired> _retired;
};

} // namespace nanomq
