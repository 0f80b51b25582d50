#pragma once

#include "hook/Executor.h"
#include "nanomq/services.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>

namespace nanomq
{

/// The work that the broker runs for one plugin: nanomq.tasks/1. Threads of its own, and its
/// executor for the rest. Thread: as in the interface; stop() [host].
class PluginTasks final : public sdk::Tasks
{
public:
    /// At a time; those that have ended do not count.
    static constexpr std::size_t kMaxThreads = 320;

    /// Told when a thread's function throws.
    class Failures
    {
    public:
        virtual void threadFailed(std::string_view what) noexcept = 0;

    protected:
        ~Failures() = default;
    };

    PluginTasks(Executor& executor, Failures& failures);
    /// Requires: stop() has returned true, or nothing was started.
    ~PluginTasks();
    PluginTasks(const PluginTasks&) = delete;
    PluginTasks& operator=(const PluginTasks&) = delete;

    sdk::Status thread(sdk::Str name, void (*run)(void*, Stop*), void* self) override;
    sdk::Status post(void (*run)(void*), void* self) override;
    sdk::Status timer(std::uint32_t firstMs, std::uint32_t periodMs, void (*run)(void*), void* self,
                      std::uint64_t* id) override;
    void cancel(std::uint64_t id) override;

    /// Tells all threads to stop and waits for them, then for the executor. False when one still
    /// runs at the deadline; then the plugin's code must stay.
    [[nodiscard]] bool stop(std::chrono::milliseconds deadline);
    /// Nobody will wait for its threads any more. Requires: this object lives for good.
    void abandon();

private:
    class Worker;

    Executor& _executor;
    Failures& _failures;
    std::mutex _mutex; // guards _workers and _stopped
    std::list<std::unique_ptr<Worker>> _workers;
    bool _stopped = false;
};

} // namespace nanomq
