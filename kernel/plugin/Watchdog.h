#pragma once

#include "hook/HookBreaker.h"
#include "hook/HookRegistry.h"
#include "plugin/PluginFigures.h"
#include "plugin/PluginSide.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace nanomq
{

/// A worker that a plugin's hook does not give back.
struct HeldWorker
{
    unsigned worker = 0;
    std::string plugin;
    sdk::HookPoint point{};
    std::chrono::milliseconds duration{};

    /// "worker 0 has been inside message.publish of guard for 1.2 s".
    std::string text() const;
};

/// Looks at what plugins do several times a second, so that workers need not: names the hook that
/// holds a worker, judges the breakers, and keeps the figures in the registry.
///
/// Thread: one of its own; the calls [any].
class Watchdog
{
public:
    struct Options
    {
        std::chrono::milliseconds interval{100};
        std::chrono::milliseconds reportAfter{1'000};
        /// Ends the process when a worker was held so long, for a supervisor to start it anew;
        /// 0: never.
        std::chrono::milliseconds abortAfter{0};
        HookBreaker::Settings breaker{};
    };
    using Sides = std::vector<std::shared_ptr<PluginSide>>;

    /// @param running  tells the plugins whose hooks are active; called on the watchdog's thread.
    Watchdog(const Options& options, const HookRegistry& registry, Metrics& metrics,
             Poco::Logger& logger, std::function<Sides()> running);
    /// stop()
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// Ends the thread. Thread: one at a time.
    void stop();

    /// Workers that are inside a hook now, and were when it looked before.
    std::vector<HeldWorker> held() const;
    /// What a worker that did not come back in time is doing, as a sentence's beginning.
    std::string whatHolds(unsigned worker, std::chrono::milliseconds atLeast) const;
    /// The last figures of a version that goes; see PluginFigures::publish().
    void publishLast(PluginSide& side) { _figures.publish(side); }

private:
    using Clock = std::chrono::steady_clock;
    struct Seen
    {
        std::uint64_t look = 0; // see HookMark; 0: in no hook
        Clock::time_point since;
        bool reported = false;
    };

    void run();
    void lookAtWorkers();
    void judgeBreakers(const Sides& sides);
    void tell(const PluginSide& side, const HookRecord& record, HookBreaker::Change change);
    HeldWorker describe(unsigned worker, const Seen& seen) const;
    [[noreturn]] void abort(const HeldWorker& held);

    const Options _options;
    const HookRegistry& _registry;
    Poco::Logger& _logger;
    const std::function<Sides()> _running;
    Counter& _reports;
    Gauge& _heldNow;
    PluginFigures _figures;

    mutable std::mutex _mutex; // guards all below
    std::condition_variable _ends;
    bool _ending = false;
    std::vector<Seen> _seen; // by worker
    std::thread _thread;     // goes first
};

} // namespace nanomq
