#pragma once

#include "plugin/PluginFiles.h"
#include "plugin/PluginFolderWatch.h"
#include "plugin/PluginHost.h"
#include "plugin/PluginMetrics.h"
#include "plugin/PluginProbe.h"
#include "plugin/Watchdog.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace nanomq
{

/// The work of the PluginHost: a queue of jobs, the plugins, and the steps of loading, unloading
/// and exchanging them. Thread: the host's own, but for submit(), list() and stop().
class PluginHost::Jobs
{
public:
    static constexpr std::size_t kMaxJobs = 1'024;

    Jobs(Options options, HookBus& bus, PluginServices& services, Overrides overrides);
    ~Jobs();
    Jobs(const Jobs&) = delete;
    Jobs& operator=(const Jobs&) = delete;

    /// Queues a job; a full or stopped queue answers at once. Thread: [any].
    template <class T> std::future<T> submit(std::function<T(Jobs&)> job);
    /// Unloads all plugins behind the jobs that are queued, and ends the thread. Thread: [any].
    void stop();
    /// Requires: stop() has returned.
    bool anyStuck() const;

    PluginResult load(const std::string& name);
    PluginResult unload(const std::string& name);
    PluginResult reload(const std::string& name);
    void loadConfigured();
    /// Looks at the plugin's files, and does what they ask for if they are not those it was last
    /// loaded, unloaded or refused with.
    void bringIntoLine(const std::string& name);
    void takeFilesAsKnown();
    Result<KernelHooks, PluginError> addHooks(std::string name,
                                              const std::vector<sdk::HookSpec>& hooks,
                                              std::shared_ptr<const void> owner);
    void removeHooks(const KernelHooks& hooks);

    std::vector<PluginInfo> list() const;       ///< [any]
    std::vector<HeldWorker> heldWorkers() const ///< [any]
    {
        return _watchdog.held();
    }
    bool filesChanged(const std::string& name) const; ///< [any]
    std::string copyTrouble() const;                  ///< [any]

private:
    struct Plugin
    {
        PluginInfo info;                   // without the figures; guarded by _listMutex
        std::shared_ptr<PluginSide> shown; // where the figures are; guarded by _listMutex
        std::uint32_t number = 0;          // in the order of loading
        PluginFiles::Marks marks; // of the files that it was last dealt with; as `info`
        bool againstSwitch = false;        // loaded by hand, while its configuration says off
        std::unique_ptr<LoadedPlugin> running;
    };
    /// A failure to report, unless empty.
    using Trouble = std::optional<PluginError>;
    static constexpr const char* kBadFilter =
        "the subscription index refuses a topic filter of it";

    void run();
    void unloadEverything();
    Plugin& plugin(const std::string& name);
    void show(Plugin& plugin, PluginState state, std::string reason = {});
    void showFacts(Plugin& plugin, const LoadedPlugin& version);
    void showGuard(Plugin& plugin, const LoadedPlugin& version);
    void remember(Plugin& plugin);
    Watchdog::Sides activeSides() const; // [any]
    PluginInfo snapshot(const Plugin& plugin) const;
    PluginResult answer(Plugin& plugin, const Trouble& trouble) const;

    // The steps. A stuck version is moved to _stuck, where it stays.
    Result<std::unique_ptr<LoadedPlugin>, std::string> check(const std::string& name);
    std::shared_ptr<PluginSide> makeSide(const std::string& name, std::uint32_t number,
                                         Configuration configuration);
    PluginStep bringUp(Plugin& plugin, LoadedPlugin& version);
    Trouble activate(Plugin& plugin, std::unique_ptr<LoadedPlugin> version);
    /// From active to quiesced, its hooks having left the table. Stuck: kept, and said so.
    Trouble retire(Plugin& plugin, std::unique_ptr<LoadedPlugin>& version);
    /// From quiesced to gone; returns why the code stays.
    std::string bury(Plugin& plugin, std::unique_ptr<LoadedPlugin> version);
    /// Closes a version that never had an event. `initialised`: its init() has succeeded.
    void discard(std::unique_ptr<LoadedPlugin> version, bool initialised);
    void keepCode(std::unique_ptr<LoadedPlugin> version);
    Trouble keepStuck(Plugin& plugin, std::unique_ptr<LoadedPlugin>& version, std::string reason);
    Trouble fail(Plugin& plugin, std::string reason);
    std::string drainHooks(LoadedPlugin& version);

    // Of services for other plugins; see PluginServiceSteps.cpp.
    void tellWatchers();
    /// Gives no more references to a version's services and waits until all are back; who does not
    /// give his back, if any.
    std::string letServicesGo(const LoadedPlugin& version);
    void offerServicesAgain(const LoadedPlugin& version);
    void discardPublished(std::unique_ptr<LoadedPlugin> next, const LoadedPlugin& old);
    Trouble refuseInUse(const LoadedPlugin& version, const std::string& users);
    std::string unfinished(const HookSet& set) const;

    // Of a reload; see PluginReload.cpp.
    Trouble exchangeSideBySide(Plugin& plugin, std::unique_ptr<LoadedPlugin> next);
    Trouble exchangeParked(Plugin& plugin, std::unique_ptr<LoadedPlugin> next);
    bool leaveParking(HookSet& standIn, HookSet* next);
    Trouble revive(Plugin& plugin, std::unique_ptr<LoadedPlugin> old, HookSet& standIn,
                   const std::optional<std::string>& state, std::string note);
    void enterService(Plugin& plugin, std::unique_ptr<LoadedPlugin> version);
    Trouble startNext(Plugin& plugin, const std::optional<std::string>& state, std::string note);

    const Options _options;
    const PluginFiles _files;
    HookBus& _bus;
    PluginServices& _services;
    Poco::Logger& _logger;
    HookRegistry _registry;
    PluginMetrics _metrics;
    ServiceRegistry _serviceRegistry;
    const HostAbi _abi;
    PluginProbe _probe;
    HostThread _hostThread;
    std::uint32_t _lastNumber = 0;
    std::uint64_t _lastVersion = 0;

    mutable std::mutex _listMutex; // guards `info`, `shown`, `marks` of all, _copies.trouble(), the map
    PluginCopies _copies;
    std::map<std::string, Plugin> _plugins;
    std::vector<std::unique_ptr<LoadedPlugin>> _stuck;
    Watchdog _watchdog;

    std::mutex _queueMutex; // guards all below
    std::condition_variable _queued;
    std::deque<std::function<void()>> _queue;
    bool _stopping = false;
    std::thread _thread;
    std::optional<PluginFolderWatch> _folders; // goes first
};

template <class T> std::future<T> PluginHost::Jobs::submit(std::function<T(Jobs&)> job)
{
    auto task = std::make_shared<std::packaged_task<T()>>(
        [this, job = std::move(job)] { return job(*this); });
    auto result = task->get_future();
    std::lock_guard lock(_queueMutex);
    if (_stopping || _queue.size() >= kMaxJobs)
    {
        std::promise<T> refused;
        if constexpr (std::is_void_v<T>) refused.set_value();
        else
            refused.set_value(PluginError{"busy", _stopping ? "the broker is stopping"
                                                            : "too many plugin jobs are waiting"});
        return refused.get_future();
    }
    _queue.push_back([task] { (*task)(); });
    _queued.notify_one();
    return result;
}

} // namespace nanomq
