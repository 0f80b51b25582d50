#pragma once

#include "base/Bytes.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

namespace nanomq
{

/// What two processes see of a SharedRing. Positions count bytes and never go back.
struct SharedRingHeader
{
    alignas(64) std::atomic<std::uint64_t> head; // written up to here
    alignas(64) std::atomic<std::uint64_t> tail; // read up to here
    std::atomic<std::uint64_t> begun;            // the record at this position, plus one, is in work
    alignas(64) std::atomic<std::uint32_t> readerSleeps;
    std::atomic<std::uint32_t> writerSleeps;
};

/// A queue of records in memory that the broker and a sandboxed plugin's process share. The
/// broker writes, the plugin's process reads, in order.
///
/// Memory is touched as far as it is used. Whoever waits does so at an eventfd; nobody is woken who does not wait.
///
/// The writer believes nothing that the reader could have written: what it reads of the reader's
/// is checked, and a ring that makes no sense is full.
class SharedRing
{
public:
    static constexpr std::size_t kBytes = std::size_t{8} << 20;
    /// The largest record: one of this size finds room wherever the ring is empty.
    static constexpr std::size_t kMaxRecord = kBytes / 2 - 8;
    /// What one ring takes of the shared memory.
    static constexpr std::size_t kMapped = kBytes + 4096;

    /// Maps ring number `index` of a descriptor of memory, whose size is a multiple of kMapped.
    /// @param ready, room  eventfds: there is something to read, and room again.
    /// Throws Poco::SystemException.
    SharedRing(int memory, unsigned index, int ready, int room);
    ~SharedRing();
    SharedRing(const SharedRing&) = delete;
    SharedRing& operator=(const SharedRing&) = delete;

    // The writer's side. Thread: [any].

    /// False when there is no room.
    bool push(ByteView record);
    /// Waits until there may be room for a record of this size; it may return too early.
    void waitForRoom(std::size_t bytes, std::chrono::milliseconds most);
    /// Requires: nobody reads. Takes out the record that was in work, or everything.
    void skipBegun();
    void clear();
    bool empty() const noexcept;

    // The reader's side. Thread: one.

    /// The oldest record, until pop(); it counts as begun. Nothing when there is none.
    std::optional<ByteView> front();
    void pop();
    /// Waits until there is something to read.
    void wait();

private:
    struct Place
    {
        std::uint64_t head;
        std::size_t skipped; // up to the ring's beginning
    };
    /// Where a record of this size goes; nothing when there is no room.
    std::optional<Place> placeFor(std::size_t bytes) const noexcept;

    SharedRingHeader* _header;
    std::uint8_t* _data;
    const int _ready;
    const int _room;
    std::mutex _mutex; // of the writers
    std::size_t _step = 0; // of the record at front()
};

} // namespace nanomq
