#pragma once

#include "topic/TrackedMemory.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace nanomq
{

/// Objects of one kind, named by 32-bit numbers, in chunks that never move. A freed object is
/// used again only after a grace period, and as its last user left it: whoever takes it sets
/// every field. Thread: operator[] and find() by readers online in the Quiescence and by the
/// writer, all else by the writer.
template <class T> class Slab
{
public:
    explicit Slab(TrackedMemory& memory) noexcept : _memory(memory) {}
    /// Requires: no reader is online.
    ~Slab()
    {
        for (std::size_t chunk = 0; chunk < _chunks.size(); ++chunk) destroyChunk(chunk);
        _memory.free(_directory.load(std::memory_order_relaxed));
    }
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;

    /// Requires: `index` is taken, or was when the reader came online.
    T& operator[](std::uint32_t index) const noexcept
    {
        const auto* const directory = _directory.load(std::memory_order_acquire);
        return directory[index >> kShift].load(std::memory_order_acquire)[index & kMask];
    }
    /// The object with a number below limit(), free ones included; null where there is no memory.
    T* find(std::uint32_t index) const noexcept
    {
        T* const items = _chunks[index >> kShift].items;
        return items ? items + (index & kMask) : nullptr;
    }
    /// One more than the highest number.
    std::uint32_t limit() const noexcept
    {
        return static_cast<std::uint32_t>(_chunks.size() << kShift);
    }

    std::uint32_t take()
    {
        recycle();
        while (!_open.empty() && !hasRoom(_chunks[_open.back()]))
        {
            _chunks[_open.back()].open = false;
            _open.pop_back();
        }
        if (_open.empty()) addChunk();
        const std::uint32_t number = _open.back();
        Chunk& chunk = _chunks[number];
        std::uint32_t place;
        if (!chunk.free.empty())
        {
            place = chunk.free.back();
            chunk.free.pop_back();
        }
        else
        {
            place = chunk.fresh++;
        }
        ++chunk.taken;
        return number << kShift | place;
    }

    void giveBack(std::uint32_t index)
    {
        _pending.push_back(index);
        recycle();
    }

    /// Makes places whose grace period has passed free, a few a call.
    void recycle()
    {
        if (!_grace.passed()) return;
        for (int n = 0; n < 64 && !_waiting.empty(); ++n)
        {
            const std::uint32_t index = _waiting.back();
            _waiting.pop_back();
            release(index);
        }
        if (!_waiting.empty() || _pending.empty()) return;
        _waiting.swap(_pending);
        _pending.shrink_to_fit();
        _grace.begin(_memory.quiescence());
    }

private:
    static constexpr unsigned kShift = 9;
    static constexpr std::uint32_t kChunkSize = 1u << kShift;
    static constexpr std::uint32_t kMask = kChunkSize - 1;

    struct Chunk
    {
        T* items = nullptr;
        std::uint16_t taken = 0; // or given back and not free yet
        std::uint16_t fresh = 0; // from here on never taken
        bool open = false;       // is in _open
        std::vector<std::uint16_t> free;
    };

    static bool hasRoom(const Chunk& chunk) noexcept
    {
        return chunk.items && (chunk.fresh < kChunkSize || !chunk.free.empty());
    }

    void open(std::uint32_t number)
    {
        if (_chunks[number].open) return;
        _chunks[number].open = true;
        _open.push_back(number);
    }

    void addChunk()
    {
        if (_unused.empty())
        {
            _unused.push_back(static_cast<std::uint32_t>(_chunks.size()));
            _chunks.emplace_back();
            growDirectory();
        }
        const std::uint32_t number = _unused.back();
        T* const items = static_cast<T*>(_memory.allocate(kChunkSize * sizeof(T)));
        std::uninitialized_value_construct_n(items, kChunkSize);
        _unused.pop_back();
        Chunk& chunk = _chunks[number];
        chunk.items = items;
        chunk.fresh = 0;
        chunk.taken = 0;
        _directory.load(std::memory_order_relaxed)[number].store(items, std::memory_order_release);
        open(number);
    }

    void growDirectory()
    {
        if (_chunks.size() <= _directorySize) return;
        const std::size_t size = std::max<std::size_t>(8, _directorySize * 2);
        auto* const old = _directory.load(std::memory_order_relaxed);
        auto* const grown =
            static_cast<std::atomic<T*>*>(_memory.allocate(size * sizeof(std::atomic<T*>)));
        for (std::size_t n = 0; n < size; ++n)
            new (grown + n) std::atomic<T*>(
                n < _directorySize ? old[n].load(std::memory_order_relaxed) : nullptr);
        _directory.store(grown, std::memory_order_release);
        _directorySize = size;
        _memory.retire(old);
    }

    void release(std::uint32_t index)
    {
        const std::uint32_t number = index >> kShift;
        Chunk& chunk = _chunks[number];
        if (--chunk.taken == 0 && _open.size() > 1)
        {
            // Its place in _open is dropped when take() comes by.
            _directory.load(std::memory_order_relaxed)[number].store(nullptr,
                                                                     std::memory_order_relaxed);
            destroyChunk(number);
            _unused.push_back(number);
            return;
        }
        chunk.free.push_back(static_cast<std::uint16_t>(index & kMask));
        open(number);
    }

    void destroyChunk(std::size_t number) noexcept
    {
        Chunk& chunk = _chunks[number];
        if (!chunk.items) return;
        std::destroy_n(chunk.items, kChunkSize);
        _memory.free(chunk.items);
        chunk.items = nullptr;
        chunk.free = {};
    }

    TrackedMemory& _memory;
    std::atomic<std::atomic<T*>*> _directory{nullptr};
    std::size_t _directorySize = 0;
    std::vector<Chunk> _chunks;
    std::vector<std::uint32_t> _open;    // chunks that have room, or had
    std::vector<std::uint32_t> _unused;  // numbers of chunks without memory
    std::vector<std::uint32_t> _pending; // given back since the grace period began
    std::vector<std::uint32_t> _waiting; // given back before it
    GracePeriod _grace;
};

} // namespace nanomq
