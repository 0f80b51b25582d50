#include "base/Quiescence.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace nanomq
{

Quiescence::~Quiescence()
{
    // A destructor that runs here may retire more: go on until nothing is left.
    while (!_retired.empty())
    {
        const Retired next = _retired.front();
        _retired.pop_front();
        next.free(next.object);
    }
}

Quiescence::ReaderId Quiescence::join()
{
    for (ReaderId reader = 0; reader < kMaxReaders; ++reader)
    {
        bool expected = false;
        if (_readers[reader].taken.compare_exchange_strong(expected, true)) return reader;
    }
    throw Poco::RangeException("more than 64 threads read the shared tables");
}

void Quiescence::leave(ReaderId reader) noexcept
{
    offline(reader);
    _readers[reader].taken.store(false, std::memory_order_release);
}

std::uint64_t Quiescence::oldestReader() const noexcept
{
    std::uint64_t oldest = UINT64_MAX;
    for (const auto& reader : _readers)
    {
        const auto epoch = reader.epoch.load(std::memory_order_seq_cst);
        if (epoch != kOffline) oldest = std::min(oldest, epoch);
    }
    return oldest;
}

std::optional<Quiescence::ReaderId> Quiescence::synchronize(std::chrono::milliseconds deadline)
{
    const auto target = _epoch.fetch_add(1, std::memory_order_seq_cst) + 1;
    const auto end = std::chrono::steady_clock::now() + deadline;
    for (ReaderId reader = 0; reader < kMaxReaders; ++reader)
    {
        for (unsigned attempt = 0;; ++attempt)
        {
            const auto epoch = _readers[reader].epoch.load(std::memory_order_seq_cst);
            if (epoch == kOffline || epoch >= target) break;
            if (std::chrono::steady_clock::now() >= end) return reader;
            // A turn lasts microseconds when its worker has a core; else let others run.
            if (attempt < 64) std::this_thread::yield();
            else std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
    }
    return std::nullopt;
}

void Quiescence::retire(void* object, void (*free)(void*), std::size_t bytes)
{
    std::lock_guard lock(_mutex);
    // The epoch is advanced under the lock, so the list stays sorted by it.
    const auto epoch = _epoch.fetch_add(1, std::memory_order_seq_cst) + 1;
    _retired.push_back({epoch, object, free, bytes});
    _retiredCount.fetch_add(1, std::memory_order_release);
    _retiredBytes.fetch_add(bytes, std::memory_order_relaxed);
}

void Quiescence::reclaim()
{
    if (_retiredCount.load(std::memory_order_acquire) == 0) return;
    std::vector<Retired> due;
    {
        std::unique_lock lock(_mutex, std::try_to_lock);
        if (!lock) return; // somebody else is at it
        const auto oldest = oldestReader();
        while (!_retired.empty() && _retired.front().epoch <= oldest)
        {
            due.push_back(_retired.front());
            _retiredBytes.fetch_sub(_retired.front().bytes, std::memory_order_relaxed);
            _retired.pop_front();
        }
        _retiredCount.store(_retired.size(), std::memory_order_relaxed);
    }
    for (const auto& retired : due) retired.free(retired.object); // may retire more
}

} // namespace nanomq
