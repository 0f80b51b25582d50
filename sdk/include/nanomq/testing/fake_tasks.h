#pragma once

#include "nanomq/services.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <thread>

namespace nanomq::sdk::testing
{

using namespace std::chrono_literals;

/// Real threads, and one executor thread that runs posted functions and timers in real time.
class FakeTasks final : public Tasks
{
public:
    FakeTasks() : _executor([this] { execute(); }) {}
    ~FakeTasks() { stop(); }
    FakeTasks(const FakeTasks&) = delete;
    FakeTasks& operator=(const FakeTasks&) = delete;

    /// As the broker does after quiesce(): nothing posted runs any more, threads are asked to stop
    /// and joined. Nothing can be started afterwards.
    void stop()
    {
        {
            const std::lock_guard lock(_mutex);
            _stopped = true;
            _jobs.clear();
            _changed.notify_all();
        }
        if (_executor.joinable()) _executor.join();
        for (Thread& thread : _threads) thread.stop.request();
        for (Thread& thread : _threads) thread.thread.join();
        _threads.clear();
    }

    /// How many threads were started so far.
    std::size_t threadsStarted() const
    {
        const std::lock_guard lock(_mutex);
        return _started;
    }
    /// From now on thread() fails with this error (0: no longer), as a system without resources.
    void failThreadsWith(Status error)
    {
        const std::lock_guard lock(_mutex);
        _threadError = error;
    }

    Status thread(Str, void (*run)(void*, Stop*), void* self) override
    {
        const std::lock_guard lock(_mutex);
        if (_stopped) return -ECANCELED;
        if (_threadError != 0) return _threadError;
        ++_started;
        Thread& thread = _threads.emplace_back();
        thread.thread = std::thread([&thread, run, self] { run(self, &thread.stop); });
        return 0;
    }
    Status post(void (*run)(void*), void* self) override
    {
        std::uint64_t id = 0;
        return schedule(0ms, 0ms, run, self, id);
    }
    Status timer(std::uint32_t firstMs, std::uint32_t periodMs, void (*run)(void*), void* self,
                 std::uint64_t* id) override
    {
        std::uint64_t given = 0;
        const Status status = schedule(std::chrono::milliseconds(firstMs),
                                       std::chrono::milliseconds(periodMs), run, self, given);
        if (id) *id = given;
        return status;
    }
    void cancel(std::uint64_t id) override
    {
        std::unique_lock lock(_mutex);
        std::erase_if(_jobs, [id](const auto& job) { return job.second.id == id; });
        if (_running != id) return;
        _cancelled = true;
        if (std::this_thread::get_id() != _executor.get_id())
            _changed.wait(lock, [this, id] { return _running != id; });
    }

private:
    using Time = std::chrono::steady_clock::time_point;

    /// notify() is remembered until the next wait().
    class LatchedStop final : public Stop
    {
    public:
        bool requested() const override { return _requested.load(); }
        void wait(std::uint32_t milliseconds) override
        {
            std::unique_lock lock(_mutex);
            _wakeUp.wait_for(lock, std::chrono::milliseconds(milliseconds),
                             [this] { return _notified || _requested; });
            _notified = false;
        }
        void notify() override
        {
            const std::lock_guard lock(_mutex);
            _notified = true;
            _wakeUp.notify_all();
        }
        void request()
        {
            _requested = true;
            notify();
        }

    private:
        std::mutex _mutex;
        std::condition_variable _wakeUp;
        bool _notified = false;
        std::atomic<bool> _requested{false};
    };

    struct Thread
    {
        LatchedStop stop;
        std::thread thread;
    };
    struct Job
    {
        std::uint64_t id;
        std::chrono::milliseconds period;
        void (*run)(void*);
        void* self;
    };

    Status schedule(std::chrono::milliseconds first, std::chrono::milliseconds period,
                    void (*run)(void*), void* self, std::uint64_t& id)
    {
        const std::lock_guard lock(_mutex);
        if (_stopped) return -ECANCELED;
        id = ++_lastId;
        _jobs.emplace(std::chrono::steady_clock::now() + first, Job{id, period, run, self});
        _changed.notify_all();
        return 0;
    }
    void execute()
    {
        std::unique_lock lock(_mutex);
        while (!_stopped)
        {
            if (_jobs.empty()) _changed.wait(lock);
            else if (const Time due = _jobs.begin()->first; due > std::chrono::steady_clock::now())
                _changed.wait_until(lock, due);
            else runFirst(lock);
        }
    }
    void runFirst(std::unique_lock<std::mutex>& lock)
    {
        const auto [due, job] = *_jobs.begin();
        _jobs.erase(_jobs.begin());
        _running = job.id;
        _cancelled = false;
        lock.unlock();
        job.run(job.self);
        lock.lock();
        if (job.period > 0ms && !_cancelled && !_stopped) _jobs.emplace(due + job.period, job);
        _running = 0;
        _changed.notify_all();
    }

    mutable std::mutex _mutex; // guards all below but the executor
    std::condition_variable _changed;
    std::multimap<Time, Job> _jobs;
    std::list<Thread> _threads; // addresses stay
    std::size_t _started = 0;
    std::uint64_t _lastId = 0;
    std::uint64_t _running = 0;
    Status _threadError = 0;
    bool _cancelled = false;
    bool _stopped = false;
    std::thread _executor; // last: uses all above
};

} // namespace nanomq::sdk::testing
