#include "plugin/PluginTasks.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <pthread.h>
#include <string>
#include <system_error>

namespace nanomq
{

namespace
{

/// A plugin may have hundreds of threads. Less than 2 MiB also keeps huge pages away from them.
constexpr std::size_t kStackBytes = 1 << 20;

} // namespace

/// One thread of a plugin, and the sign by which it is told to stop.
class PluginTasks::Worker final : public sdk::Tasks::Stop
{
public:
    Worker(std::string_view name, void (*run)(void*, Stop*), void* self, Failures& failures)
        : _run(run),
          _self(self),
          _failures(failures)
    {
        pthread_attr_t attributes;
        ::pthread_attr_init(&attributes);
        ::pthread_attr_setstacksize(&attributes, kStackBytes);
        const int error = ::pthread_create(&_thread, &attributes, &Worker::enter, this);
        ::pthread_attr_destroy(&attributes);
        if (error != 0) throw std::system_error(error, std::generic_category());
        ::pthread_setname_np(_thread, std::string(name.substr(0, 15)).c_str());
    }
    ~Worker() { ::pthread_join(_thread, nullptr); } // at once: it has ended

    bool requested() const override { return _requested.load(std::memory_order_acquire); }
    void wait(std::uint32_t milliseconds) override
    {
        std::unique_lock lock(_mutex);
        _changed.wait_for(lock, std::chrono::milliseconds(milliseconds),
                          [this] { return _notified || requested(); });
        _notified = false;
    }
    void notify() override
    {
        std::lock_guard lock(_mutex);
        _notified = true;
        _changed.notify_all();
    }

    void abandon() { ::pthread_detach(_thread); }
    void request()
    {
        std::lock_guard lock(_mutex);
        _requested.store(true, std::memory_order_release);
        _changed.notify_all();
    }
    bool ended(std::chrono::steady_clock::time_point deadline)
    {
        std::unique_lock lock(_mutex);
        return _changed.wait_until(lock, deadline, [this] { return _ended; });
    }

private:
    static void* enter(void* worker)
    {
        static_cast<Worker*>(worker)->call();
        return nullptr;
    }
    void call()
    {
        try
        {
            _run(_self, this);
        }
        catch (const std::exception& error)
        {
            _failures.threadFailed(error.what());
        }
        catch (...)
        {
            _failures.threadFailed("an exception of unknown type");
        }
        std::lock_guard lock(_mutex);
        _ended = true;
        _changed.notify_all();
    }

    void (*const _run)(void*, Stop*);
    void* const _self;
    Failures& _failures;
    std::atomic<bool> _requested{false};
    std::mutex _mutex; // guards _notified and _ended
    std::condition_variable _changed;
    bool _notified = false;
    bool _ended = false;
    pthread_t _thread{}; // starts last
};

PluginTasks::PluginTasks(Executor& executor, Failures& failures)
    : _executor(executor),
      _failures(failures)
{
}

PluginTasks::~PluginTasks() = default;

sdk::Status PluginTasks::thread(sdk::Str name, void (*run)(void*, Stop*), void* self)
{
    if (!run) return -EINVAL;
    std::lock_guard lock(_mutex);
    if (_stopped) return -ESHUTDOWN;
    std::erase_if(_workers, [](const auto& worker) { return worker->ended({}); });
    if (_workers.size() >= kMaxThreads) return -EAGAIN;
    try
    {
        _workers.push_back(std::make_unique<Worker>(name.view(), run, self, _failures));
        return 0;
    }
    catch (const std::system_error&) // no exception crosses the border
    {
        return -EAGAIN;
    }
}

sdk::Status PluginTasks::post(void (*run)(void*), void* self)
{
    if (!run) return -EINVAL;
    return _executor.post(run, self) ? 0 : -ENOBUFS;
}

sdk::Status PluginTasks::timer(std::uint32_t firstMs, std::uint32_t periodMs, void (*run)(void*),
                               void* self, std::uint64_t* id)
{
    if (!run) return -EINVAL;
    const auto timer = _executor.schedule(firstMs, periodMs, run, self);
    if (timer == 0) return -ENOBUFS;
    if (id) *id = timer;
    return 0;
}

void PluginTasks::cancel(std::uint64_t id)
{
    _executor.cancel(id);
}

bool PluginTasks::stop(std::chrono::milliseconds deadline)
{
    const auto end = std::chrono::steady_clock::now() + deadline;
    {
        std::lock_guard lock(_mutex);
        _stopped = true;
        for (const auto& worker : _workers) worker->request();
    }
    // Nobody adds or removes any more, so the list may be read without the lock.
    for (const auto& worker : _workers)
        if (!worker->ended(end)) return false;
    _workers.clear();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    return _executor.stop(std::max(left, std::chrono::milliseconds(100)));
}

void PluginTasks::abandon()
{
    std::lock_guard lock(_mutex);
    _stopped = true;
    for (const auto& worker : _workers) worker->abandon();
}

} // namespace nanomq
