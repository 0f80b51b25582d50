#pragma once

#include "topic/TrackedMemory.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace nanomq
{

/// A hash table of 48-bit values, open addressing in one flat array, that readers use while one
/// writer changes it.
///
/// A slot is one word: 16 bits of the hash as a tag, and the value; so a look-up costs one cache
/// miss here and one to compare what the value stands for. The value is a pointer or a number
/// shifted left by 4: the low four bits are zero, and it is not zero.
///
/// Growing does not stop anybody: a larger array is put in front of the old one, each change
/// moves a few slots, and meanwhile readers look into both. `HashOf` gives the hash of a value
/// that is in the table. Thread: find() by readers online in the Quiescence and by the writer,
/// all else by the writer.
template <class HashOf> class FlatTable
{
public:
    FlatTable(TrackedMemory& memory, HashOf hashOf) : _memory(memory), _hashOf(std::move(hashOf)) {}
    /// Requires: no reader is online.
    ~FlatTable()
    {
        if (Table* const table = _table.load(std::memory_order_relaxed))
        {
            _memory.free(table->previous.load(std::memory_order_relaxed));
            _memory.free(table);
        }
    }
    FlatTable(const FlatTable&) = delete;
    FlatTable& operator=(const FlatTable&) = delete;

    /// The value with this hash for which `equal(value)` holds; 0 if there is none.
    template <class Equal> std::uint64_t find(std::uint64_t hash, Equal&& equal) const noexcept
    {
        const Table* const table = _table.load(std::memory_order_acquire);
        if (!table) return 0;
        // First: as long as it is seen here, what has not moved yet is found in it.
        const Table* const previous = table->previous.load(std::memory_order_acquire);
        if (const auto value = table->find(hash, equal)) return value;
        return previous ? previous->find(hash, equal) : 0;
    }

    /// Requires: find() does not find it.
    void insert(std::uint64_t hash, std::uint64_t value)
    {
        assert(value != 0 && (value & 15) == 0 && value >> kValueBits == 0);
        Table* table = _table.load(std::memory_order_relaxed);
        if (!table || (table->used + 1) * 4 > table->capacity() * 3)
        {
            if (table) move(*table, SIZE_MAX);
            replace(table);
            table = _table.load(std::memory_order_relaxed);
        }
        move(*table, kSlotsPerStep);
        table->insert(hash, value);
        ++_size;
    }

    /// Requires: it is in the table.
    void erase(std::uint64_t hash, std::uint64_t value) noexcept
    {
        Table& table = *_table.load(std::memory_order_relaxed);
        table.erase(hash, value);
        if (Table* const previous = table.previous.load(std::memory_order_relaxed))
            previous->erase(hash, value);
        --_size;
    }

    /// Gives memory back after many erase() calls; a few slots a call.
    void tidy()
    {
        Table* const table = _table.load(std::memory_order_relaxed);
        if (!table) return;
        move(*table, kSlotsPerStep);
        if (table->previous.load(std::memory_order_relaxed)) return;
        if (table->capacity() > kMinimum && _size * 8 < table->capacity()) replace(table);
    }

    std::size_t size() const noexcept { return _size; }

private:
    static constexpr unsigned kValueBits = 48;
    static constexpr std::uint64_t kValueMask = (std::uint64_t{1} << kValueBits) - 1;
    static constexpr std::uint64_t kEmpty = 0;
    static constexpr std::uint64_t kErased = 1;
    static constexpr std::size_t kMinimum = 16;
    static constexpr std::size_t kSlotsPerStep = 32;

    static std::uint64_t word(std::uint64_t hash, std::uint64_t value) noexcept
    {
        return hash << kValueBits | value;
    }

    struct Table
    {
        explicit Table(std::size_t capacity) noexcept
            : shift(64 - static_cast<unsigned>(std::countr_zero(capacity))),
              mask(capacity - 1)
        {
        }

        std::size_t capacity() const noexcept { return mask + 1; }
        std::size_t home(std::uint64_t hash) const noexcept { return hash >> shift; }
        std::atomic_ref<std::uint64_t> slot(std::size_t at) const noexcept
        {
            return std::atomic_ref(
                reinterpret_cast<std::uint64_t*>(const_cast<Table*>(this) + 1)[at]);
        }

        template <class Equal> std::uint64_t find(std::uint64_t hash, Equal& equal) const noexcept
        {
            for (std::size_t at = home(hash);; at = (at + 1) & mask)
            {
                const std::uint64_t found = slot(at).load(std::memory_order_acquire);
                if (found == kEmpty) return 0;
                if (found == kErased || (found ^ hash << kValueBits) >> kValueBits != 0) continue;
                if (equal(found & kValueMask)) return found & kValueMask;
            }
        }

        void insert(std::uint64_t hash, std::uint64_t value) noexcept
        {
            std::size_t at = home(hash);
            std::uint64_t found;
            while ((found = slot(at).load(std::memory_order_relaxed)) > kErased)
                at = (at + 1) & mask;
            if (found == kEmpty) ++used;
            slot(at).store(word(hash, value), std::memory_order_release);
        }

        void erase(std::uint64_t hash, std::uint64_t value) noexcept
        {
            for (std::size_t at = home(hash);; at = (at + 1) & mask)
            {
                const std::uint64_t found = slot(at).load(std::memory_order_relaxed);
                if (found == kEmpty) return; // not moved here yet, or never was in this one
                if (found != word(hash, value)) continue;
                slot(at).store(kErased, std::memory_order_release);
                emptyBackFrom(at);
                return;
            }
        }

        /// No search needs to go over erased slots that stand before an empty one.
        void emptyBackFrom(std::size_t at) noexcept
        {
            if (slot((at + 1) & mask).load(std::memory_order_relaxed) != kEmpty) return;
            for (; slot(at).load(std::memory_order_relaxed) == kErased; at = (at - 1) & mask)
            {
                slot(at).store(kEmpty, std::memory_order_release);
                --used;
            }
        }

        const unsigned shift;
        const std::size_t mask;
        std::size_t used = 0;  // slots that are not empty
        std::size_t moved = 0; // slots of the previous table that are here now
        std::atomic<Table*> previous{nullptr};
    };

    /// Puts a table of fitting size in front of `old`. Requires: `old` has no previous one.
    void replace(Table* old)
    {
        const std::size_t capacity = std::bit_ceil(std::max(kMinimum, _size * 2 + 2));
        void* const memory =
            _memory.allocateZeroed(sizeof(Table) + capacity * sizeof(std::uint64_t));
        Table* const table = new (memory) Table(capacity);
        table->previous.store(old, std::memory_order_relaxed);
        _table.store(table, std::memory_order_release);
    }

    /// Takes over up to `limit` slots of the previous table, if there is one.
    void move(Table& table, std::size_t limit)
    {
        Table* const previous = table.previous.load(std::memory_order_relaxed);
        if (!previous) return;
        const std::size_t left = previous->capacity() - table.moved;
        for (const std::size_t end = table.moved + std::min(limit, left); table.moved < end;
             ++table.moved)
        {
            const auto found = previous->slot(table.moved).load(std::memory_order_relaxed);
            if (found > kErased) table.insert(_hashOf(found & kValueMask), found & kValueMask);
        }
        if (table.moved < previous->capacity()) return;
        table.previous.store(nullptr, std::memory_order_release);
        _memory.retire(previous);
    }

    TrackedMemory& _memory;
    const HashOf _hashOf;
    std::atomic<Table*> _table{nullptr};
    std::size_t _size = 0;
};

} // namespace nanomq
