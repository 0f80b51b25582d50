#include "hook/Executor.h"

#include <algorithm>
#include <exception>
#include <pthread.h>

namespace nanomq
{

namespace
{

constexpr int kPostedAtOnce = 64;

} // namespace

Executor::Executor(std::string name, ExecutorSource& source)
    : _name(std::move(name)),
      _source(source)
{
}

Executor::~Executor()
{
    if (_thread.joinable()) _thread.join();
}

void Executor::start()
{
    std::lock_guard lock(_mutex);
    startLocked();
}

void Executor::startLocked()
{
    if (_thread.joinable() || _stopping) return;
    _thread = std::thread([this] { run(); });
    ::pthread_setname_np(_thread.native_handle(), _name.substr(0, 15).c_str());
}

void Executor::wake() noexcept
{
    // The thread sets _sleeping and then looks for work; the caller has made work and then takes
    // the flag. Both are read-modify-writes of one variable, so one of them sees the other.
    if (!_sleeping.exchange(false, std::memory_order_seq_cst)) return;
    // It may be between its last look and its wait; both happen under the mutex.
    {
        std::lock_guard lock(_mutex);
    }
    _wakeUp.notify_one();
}

bool Executor::post(Function function, void* self)
{
    {
        std::lock_guard lock(_mutex);
        if (_stopping || _posted.size() >= kMaxPosted) return false;
        _posted.push_back({function, self});
        startLocked();
    }
    wake();
    return true;
}

std::uint64_t Executor::schedule(std::uint32_t firstMs, std::uint32_t periodMs, Function function,
                                 void* self)
{
    std::uint64_t id = 0;
    {
        std::lock_guard lock(_mutex);
        if (_stopping || _timers.size() >= kMaxTimers) return 0;
        id = ++_lastTimer;
        _timers.emplace(Due(monotonicNow() + firstMs, id), Scheduled{periodMs, {function, self}});
        startLocked();
    }
    wake();
    return id;
}

void Executor::cancel(std::uint64_t id)
{
    std::unique_lock lock(_mutex);
    std::erase_if(_timers, [id](const auto& timer) { return timer.first.second == id; });
    if (_runningTimer != id) return;
    _runningCancelled = true;
    if (std::this_thread::get_id() == _thread.get_id()) return;
    _changed.wait(lock, [this, id] { return _runningTimer != id; });
}

bool Executor::stop(std::chrono::milliseconds deadline)
{
    {
        std::unique_lock lock(_mutex);
        _stopping = true;
        _timers.clear();
        _runningCancelled = true;
        if (!_thread.joinable()) return true;
    }
    wake();
    {
        std::unique_lock lock(_mutex);
        if (!_changed.wait_for(lock, deadline, [this] { return _ended; })) return false;
    }
    _thread.join();
    return true;
}

void Executor::run()
{
    do {
        bool worked = true;
        while (worked)
        {
            worked = _source.drainSome();
            worked = runPosted() || worked;
            worked = runDueTimers() || worked;
        }
    } while (sleep());

    std::lock_guard lock(_mutex);
    _ended = true;
    _changed.notify_all();
}

bool Executor::sleep()
{
    std::unique_lock lock(_mutex);
    // An exchange and not a store: see wake().
    _sleeping.exchange(true, std::memory_order_seq_cst);
    const bool idle = _source.drained() && _posted.empty();
    bool goOn = true;
    if (idle)
    {
        if (_stopping)
        {
            goOn = false;
        }
        else if (_timers.empty())
        {
            _wakeUp.wait(lock, [this] { return !_sleeping.load(std::memory_order_relaxed); });
        }
        else
        {
            const auto ms = std::max<MonotonicMs>(0, _timers.begin()->first.first - monotonicNow());
            _wakeUp.wait_for(lock, std::chrono::milliseconds(ms),
                             [this] { return !_sleeping.load(std::memory_order_relaxed); });
        }
    }
    _sleeping.store(false, std::memory_order_seq_cst);
    return goOn;
}

bool Executor::runPosted()
{
    bool any = false;
    for (int i = 0; i < kPostedAtOnce; ++i)
    {
        Posted next{};
        {
            std::lock_guard lock(_mutex);
            if (_posted.empty()) break;
            next = _posted.front();
            _posted.pop_front();
        }
        runOne(next);
        any = true;
    }
    return any;
}

bool Executor::runDueTimers()
{
    const MonotonicMs now = monotonicNow();
    bool any = false;
    for (;;)
    {
        Scheduled timer{};
        std::uint64_t id = 0;
        {
            std::lock_guard lock(_mutex);
            if (_timers.empty() || _timers.begin()->first.first > now) return any;
            id = _timers.begin()->first.second;
            timer = _timers.begin()->second;
            _timers.erase(_timers.begin());
            _runningTimer = id;
            _runningCancelled = false;
        }
        runOne(timer.call);
        any = true;
        std::lock_guard lock(_mutex);
        _runningTimer = 0;
        // From now on and not from when it was due: a late executor does not make up for lost
        // calls.
        if (timer.periodMs > 0 && !_runningCancelled && !_stopping)
            _timers.emplace(Due(monotonicNow() + timer.periodMs, id), timer);
        _changed.notify_all();
    }
}

void Executor::runOne(const Posted& call)
{
    try
    {
        call.function(call.self);
    }
    catch (const std::exception& error)
    {
        _source.taskFailed(error.what());
    }
    catch (...)
    {
        _source.taskFailed("an exception of unknown type");
    }
}

} // namespace nanomq
