#pragma once

#include "base/Task.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace nanomq
{

/// The one thread on which plugins' life-cycle calls run: [host], as plugins see it.
///
/// A call that does not return by its deadline keeps its thread: it belongs to that plugin from
/// then on, and the next call gets a new one, so that one plugin cannot keep the others from
/// being loaded or unloaded.
class HostThread
{
public:
    HostThread() = default;
    /// Ends the thread; one that a plugin holds is left alone.
    ~HostThread();
    HostThread(const HostThread&) = delete;
    HostThread& operator=(const HostThread&) = delete;

    /// Runs `call` and waits for it. False at the deadline: the call goes on, so whatever it
    /// refers to must live for good. Requires: `call` does not throw. Thread: one at a time.
    [[nodiscard]] bool run(Task call, std::chrono::milliseconds deadline);

private:
    /// Shared with the thread, which may outlive this object.
    struct State
    {
        std::mutex mutex; // guards all below
        std::condition_variable changed;
        std::optional<Task> call;
        bool done = false;
        bool end = false;
    };
    static void loop(const std::shared_ptr<State>& state);

    std::shared_ptr<State> _state; // null: no thread
    std::thread _thread;
};

} // namespace nanomq
