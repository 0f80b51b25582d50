#pragma once

#include "hook/HookRegistry.h"
#include "plugin/Gate.h"
#include "plugin/HostThread.h"
#include "plugin/PluginCopies.h"
#include "plugin/PluginLibrary.h"
#include "plugin/PluginSide.h"
#include "sandbox/SandboxedPlugin.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nanomq
{

/// How far a step of a plugin's life came.
struct PluginStep
{
    enum class End
    {
        Done,
        Failed, // undone: the plugin may be closed as usual
        Stuck,  // something of it still runs: its code must stay mapped
    };
    End end = End::Done;
    std::string reason;

    bool done() const noexcept { return end == End::Done; }
    static PluginStep failed(std::string why) { return {End::Failed, std::move(why)}; }
    static PluginStep stuck(std::string why) { return {End::Stuck, std::move(why)}; }
};

/// One version of a plugin in this process: its copy, its code, its instance and what belongs to
/// it; or, sandboxed, a process of its own that has. Calls into the plugin run on the HostThread, with a deadline; one that misses it makes the
/// plugin stuck, and then this object must live for good.
///
/// The steps in order: open(), init(), …exchange by the PluginHost…, start(), then quiesce(),
/// save(), destroy(), unmap(). After destroy() the same code may be given a new instance by init().
/// Thread: the PluginHost's.
class LoadedPlugin
{
public:
    struct Deadlines
    {
        std::chrono::milliseconds call{30'000}; // constructor, init(), start(), save(), adopt()
        std::chrono::milliseconds quiesce{5'000};
    };

    /// @param sandbox  how to run it in a process of its own; nothing: in this one.
    LoadedPlugin(PluginFacts facts, PluginCopy copy, HostThread& thread, Deadlines deadlines,
                 std::optional<sandbox::SandboxedPlugin::Settings> sandbox);
    LoadedPlugin(const LoadedPlugin&) = delete;
    LoadedPlugin& operator=(const LoadedPlugin&) = delete;

    const PluginFacts& facts() const noexcept { return _facts; }
    /// The private copy.
    const std::string& file() const noexcept { return _copy.path(); }
    bool overlaps() const noexcept { return (_facts.flags & NANOMQ_PLUGIN_RELOAD_OVERLAP) != 0; }
    bool hasState() const noexcept { return (_facts.flags & NANOMQ_PLUGIN_HAS_STATE) != 0; }
    const std::shared_ptr<PluginSide>& side() const noexcept { return _side; }
    HookSet& set() const noexcept { return _side->set(); }

    bool sandboxed() const noexcept { return _sandbox.has_value(); }

    /// Maps the code, unless it is to run elsewhere.
    PluginStep open();
    /// Memory that its code and static data are mapped to, in bytes.
    std::size_t mappedBytes() const { return _library ? _library->mappedBytes() : 0; }
    /// Makes an instance and its hooks, in standby, and asks how it is (sdk::Health). Failed: the
    /// instance is gone again.
    PluginStep init(std::shared_ptr<PluginSide> side);
    PluginStep start();

    /// Requires: no hook of it runs any more. Verbs, quiesce(), threads and executor.
    PluginStep quiesce();
    /// What it hands to its next version; nothing when it has nothing, or fails (then `reason`).
    std::optional<std::string> save(PluginStep& step);
    PluginStep adopt(const std::string& state);
    /// Destroys the instance. Requires: quiesce() was done, or init() failed.
    PluginStep destroy();
    /// Unmaps the code; returns why it stays, empty when it is gone. Requires: destroy() was done.
    std::string unmap();

private:
    /// Runs a call into the plugin; its exceptions become a text. `what`: "init()".
    PluginStep call(const char* what, std::chrono::milliseconds deadline,
                    std::function<void()> function);
    std::unique_ptr<sdk::Plugin> makeInstance();
    PluginStep checkHealth();
    PluginStep stopTasks();

    const PluginFacts _facts;
    HostThread& _thread;
    const Deadlines _deadlines;
    const std::optional<sandbox::SandboxedPlugin::Settings> _sandbox;
    PluginCopy _copy; // goes last: the code below is mapped from it
    std::unique_ptr<PluginLibrary> _library;
    std::shared_ptr<PluginSide> _side;
    std::unique_ptr<sdk::Plugin> _instance; // goes first
};

} // namespace nanomq
