#pragma once

#include <cassert>
#include <thread>

namespace nanomq
{

/// Holds an object to one thread: in debug builds check() aborts when another comes in.
class WorkerAffinity
{
public:
    /// Binds to the calling thread.
    void bind() noexcept
    {
#ifndef NDEBUG
        _owner = std::this_thread::get_id();
#endif
    }
    void check() const noexcept
    {
#ifndef NDEBUG
        assert(_owner == std::thread::id() || _owner == std::this_thread::get_id());
#endif
    }

private:
#ifndef NDEBUG
    std::thread::id _owner;
#endif
};

} // namespace nanomq
