#pragma once

#include "base/Clock.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace nanomq
{

/// What an Executor works off besides the functions posted to it.
class ExecutorSource
{
public:
    /// Does a bounded piece of work; returns whether it did any. [executor]
    virtual bool drainSome() = 0;
    virtual bool drained() const noexcept = 0; ///< [any]
    /// A function that was posted ended with an exception. [executor]
    virtual void taskFailed(std::string_view what) noexcept = 0;

protected:
    ~ExecutorSource() = default;
};

/// The one thread of a plugin on which the broker calls it back: offloaded observers, posted
/// functions and timers, one at a time. The thread is made when there is something for it.
class Executor
{
public:
    using Function = void (*)(void* self);

    /// Functions that may wait; post() refuses more.
    static constexpr std::size_t kMaxPosted = 65'536;
    static constexpr std::size_t kMaxTimers = 4'096;

    /// @param name  of the thread, as `top -H` shows it; the system keeps 15 bytes.
    Executor(std::string name, ExecutorSource& source);
    /// Requires: stop() has returned true, or nothing was ever started.
    ~Executor();
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;

    /// Makes the thread unless it is there. Thread: [host], [any] through post().
    void start();

    /// Says that the source has work. One exchange when the thread is awake. Thread: [any].
    void wake() noexcept;

    /// Runs `function(self)` once, behind what was posted before. False when too many wait, or
    /// after stop(). Thread: [any].
    bool post(Function function, void* self);

    /// Calls `function(self)` after `firstMs`, then every `periodMs` (0: once). Returns its id,
    /// or 0 when there are too many, or after stop(). Thread: [any].
    std::uint64_t schedule(std::uint32_t firstMs, std::uint32_t periodMs, Function function,
                           void* self);
    /// When it returns, the function does not run and will not, unless it cancels itself.
    /// Thread: [any].
    void cancel(std::uint64_t id);

    /// Drops the timers, works off what is posted and in the source, and ends the thread.
    /// False when it still runs at the deadline; may be called again. Thread: [host].
    bool stop(std::chrono::milliseconds deadline);

private:
    struct Posted
    {
        Function function;
        void* self;
    };
    struct Scheduled
    {
        std::uint32_t periodMs;
        Posted call;
    };
    using Due = std::pair<MonotonicMs, std::uint64_t>; // when, and the timer's id

    void startLocked();
    void run();
    bool runPosted();
    bool runDueTimers();
    void runOne(const Posted& call);
    /// Returns whether to go on.
    bool sleep();

    const std::string _name;
    ExecutorSource& _source;
    std::atomic<bool> _sleeping{false};
    std::mutex _mutex; // guards all below
    std::condition_variable _wakeUp;
    std::condition_variable _changed; // a timer's call is over, or the thread is
    std::deque<Posted> _posted;
    std::map<Due, Scheduled> _timers;
    std::uint64_t _lastTimer = 0;
    std::uint64_t _runningTimer = 0;
    bool _runningCancelled = false;
    bool _stopping = false;
    bool _ended = false;
    std::thread _thread;
};

} // namespace nanomq
