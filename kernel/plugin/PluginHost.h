#pragma once

#include "base/Clock.h"
#include "base/Result.h"
#include "config/Overrides.h"
#include "hook/HookRegistry.h"
#include "plugin/LoadedPlugin.h"
#include "plugin/PluginServices.h"
#include "plugin/Watchdog.h"

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

/// Where a plugin stands.
enum class PluginState : std::uint8_t
{
    Absent,  ///< there is a library, or was one; nothing of it is loaded
    Checked, ///< it has passed gate and probe
    Standby, ///< loaded and initialised, its hooks not active yet
    Active,
    Draining, ///< its hooks are out of the table, what it has begun is being finished
    Gone,     ///< unloaded, nothing of it is in memory
    Resident, ///< unloaded, but its code stays mapped, for good
    Stuck,    ///< something of it did not return: it keeps its code, until the broker restarts
    Failed,   ///< could not be loaded, or had to be unloaded; the reason says why
};
std::string_view pluginStateName(PluginState state) noexcept;

/// A plugin, for people and programs.
struct PluginInfo
{
    std::string name;
    PluginState state = PluginState::Absent;
    UnixMs stateSince = 0;
    std::string reason; ///< of Failed, Stuck, Resident, or of a reload that failed
    std::string file;
    std::string version; // of the plugin; empty when it never passed the gate
    std::string className;
    bool sandboxed = false;       ///< its code runs in a process of its own
    bool guard = false;           ///< NANOMQ_PLUGIN_GUARD, of the file last checked
    std::uint64_t generation = 0; ///< loads so far, reloads included
    UnixMs loadedAt = 0;
    std::uint64_t errors = 0; ///< that it has told or its hooks had, in this generation
    std::string lastError;
    HookSetStatistics hooks;       ///< of this generation
    std::size_t mappedBytes = 0;   ///< its code and static data; what it allocates is not known
    std::vector<HeldWorker> holds; ///< workers that are inside one of its hooks for long
};

/// Why a plugin was not loaded, unloaded or reloaded.
struct PluginError
{
    std::string code; ///< "not_found", "already_loaded", "not_loaded", "refused", "stuck", "busy"
    std::string message;
};
using PluginResult = Result<PluginInfo, PluginError>;

/// Loads, unloads and exchanges plugins while the broker runs.
///
/// Jobs run one after another on a thread of the host. Whatever is wrong with a plugin, the broker
/// goes on, and the version that was running before keeps running. No proof that nothing of a
/// plugin runs any more: then its code stays mapped, and its state says so.
///
/// With Options::watchFolders it acts by itself, too: a library and its conf file that are put
/// into the folders become active, a file that changes is taken up by a reload, and a conf file
/// that is removed unloads the plugin. What was loaded or unloaded by hand stays so until one of
/// its files changes. A watchdog looks after hooks that hold a worker, and takes out those that
/// fail all the time.
///
/// A plugin that may not live beside its next version (no NANOMQ_PLUGIN_RELOAD_OVERLAP) is parked
/// during a reload: who meets one of its intercept or decide hooks waits until the next version
/// answers; events its observers would have seen are counted as dropped. Should the next version
/// fail, the old code gets a new instance with the old state.
class PluginHost
{
public:
    struct Options
    {
        std::string pluginDir;
        std::string confDir;
        std::string stateDir;
        std::string probeProgram; ///< for the probe and for sandboxes; empty: this program
        std::chrono::milliseconds probeDeadline{2'000};
        std::chrono::milliseconds graceDeadline{5'000};    ///< for workers to leave its hooks
        std::chrono::milliseconds deferralDeadline{5'000}; ///< for answers it has promised, references to it
        std::chrono::milliseconds parkLimit{30'000};       ///< for a reload that parks clients
        /// Loads, exchanges and unloads plugins when their files come, change and go.
        bool watchFolders = false;
        std::chrono::milliseconds settle{100}; ///< after the last change of a file
        Watchdog::Options watchdog{};
        LoadedPlugin::Deadlines callDeadlines{};
    };

    /// Starts the host's thread; no plugin is loaded yet. Requires: bus.attach() has been called.
    /// Everything given outlives the host. Thread: [main].
    PluginHost(Options options, HookBus& bus, PluginServices& services, Overrides overrides);
    /// unloadAll(). A plugin that is stuck then is left behind with all it uses of the host.
    ~PluginHost();
    PluginHost(const PluginHost&) = delete;
    PluginHost& operator=(const PluginHost&) = delete;

    /// Loads every plugin whose file in the configuration folder switches it on, in the order of
    /// their names. What fails is logged, and seen in list(); the others go on. Returns when all
    /// are done. Thread: [any], not from inside a plugin.
    void loadConfigured();
    /// Unloads all, the last one loaded first, and takes no more jobs. Thread: as above.
    void unloadAll();

    // Each waits until its job is done. The switch in the configuration file does not matter
    // here. Thread: [any], not from inside a plugin.
    PluginResult load(const std::string& name);
    PluginResult unload(const std::string& name);
    /// Exchanges the running version for the one in the plugin folder, or loads it.
    PluginResult reload(const std::string& name);
    // The same without waiting.
    std::future<PluginResult> loadLater(std::string name);
    std::future<PluginResult> unloadLater(std::string name);
    std::future<PluginResult> reloadLater(std::string name);

    /// The plugins' files as they lie there now are no news: whoever has changed them does what is to
    /// be done, and the watch over the folders leaves them alone until they change again. As above.
    void takeFilesAsKnown();

    /// Hooks of the kernel's own that are there for a while, such as those of a trace.
    struct KernelHooks
    {
        Ref<HookSet> set;
        std::shared_ptr<const void> owner;
    };
    /// They are active when it returns, all or none. `owner` is what they use: it lives until
    /// removeHooks() is done, or for good should a worker be stuck in one of them. Waits for the jobs
    /// before it. Thread: as above.
    Result<KernelHooks, PluginError> addHooks(std::string name, std::vector<sdk::HookSpec> hooks,
                                              std::shared_ptr<const void> owner);
    /// None of them runs when it returns (unless that worker is stuck). Thread: as above.
    void removeHooks(const KernelHooks& hooks);

    /// What is loaded, what was, and what lies in the plugin folder, by name. Never waits for a
    /// job. Thread: [any].
    std::vector<PluginInfo> list() const;
    /// One of them; nothing when there is no plugin and no file of that name.
    std::optional<PluginInfo> info(const std::string& name) const;

    /// Whether its library or conf file is another than the one it was last loaded, unloaded or
    /// refused with. False when nothing was done with it yet. Thread: [any].
    bool filesChanged(const std::string& name) const;

    /// Why private copies are not kept on disk; empty when they are. Thread: [any].
    std::string copyTrouble() const;

private:
    class Jobs;
    std::unique_ptr<Jobs> _jobs;
};

} // namespace nanomq
