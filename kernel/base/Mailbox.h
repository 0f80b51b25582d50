#pragma once

#include "base/Task.h"

#include <atomic>
#include <mutex>
#include <vector>

namespace nanomq
{

/// Tasks that other threads hand to one worker.
///
/// Not for messages: those are written by the worker that routes them. This is for the rare
/// things only the owner may do, such as adopting a connection, kicking a client, or resuming
/// after a deferred hook. Posting wakes the owner only when it sleeps, and only once.
class Mailbox
{
public:
    /// Throws Poco::SystemException when the system has no descriptor left.
    Mailbox();
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// Hands a task over; tasks of one thread run in the order posted. Thread: [any].
    void post(Task task);

    /// Runs what was posted before the call. When a task throws, the exception comes out here and
    /// the tasks behind it run with the next call. Thread: [worker].
    void drain();

    /// Says that the owner is about to wait for descriptor(). Returns false when it must not,
    /// because something was posted. Thread: [worker].
    bool prepareToSleep() noexcept;
    /// Says that the owner is awake again. Thread: [worker].
    void wokeUp() noexcept { _sleeping.store(false, std::memory_order_relaxed); }

    /// Readable when something was posted to a sleeping owner.
    int descriptor() const noexcept { return _descriptor; }
    /// Makes descriptor() unreadable again. Thread: [worker].
    void acknowledge() noexcept;

private:
    const int _descriptor;
    std::atomic<bool> _sleeping{false};
    std::atomic<bool> _any{false};
    std::mutex _mutex; // guards _tasks
    std::vector<Task> _tasks;
    std::vector<Task> _running; // keeps its capacity between drains
    std::size_t _nextToRun = 0; // of _running
};

} // namespace nanomq
