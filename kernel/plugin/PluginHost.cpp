#include "plugin/PluginHost.h"

#include "plugin/KeptForGood.h"
#include "plugin/PluginJobs.h"

namespace nanomq
{

std::string_view pluginStateName(PluginState state) noexcept
{
    switch (state)
    {
    case PluginState::Absent: return "absent";
    case PluginState::Checked: return "checked";
    case PluginState::Standby: return "standby";
    case PluginState::Active: return "active";
    case PluginState::Draining: return "draining";
    case PluginState::Gone: return "gone";
    case PluginState::Resident: return "resident";
    case PluginState::Stuck: return "stuck";
    case PluginState::Failed: return "failed";
    }
    return "";
}

PluginHost::PluginHost(Options options, HookBus& bus, PluginServices& services, Overrides overrides)
    : _jobs(std::make_unique<Jobs>(std::move(options), bus, services, std::move(overrides)))
{
}

PluginHost::~PluginHost()
{
    unloadAll();
    // What a stuck plugin still runs may use any of it.
    if (_jobs->anyStuck()) keepForGood(std::shared_ptr<const Jobs>(std::move(_jobs)));
}

void PluginHost::loadConfigured()
{
    _jobs->submit<void>([](Jobs& jobs) { jobs.loadConfigured(); }).wait();
}

void PluginHost::unloadAll()
{
    _jobs->stop();
}

PluginResult PluginHost::load(const std::string& name)
{
    return loadLater(name).get();
}

PluginResult PluginHost::unload(const std::string& name)
{
    return unloadLater(name).get();
}

PluginResult PluginHost::reload(const std::string& name)
{
    return reloadLater(name).get();
}

std::future<PluginResult> PluginHost::loadLater(std::string name)
{
    return _jobs->submit<PluginResult>(
        [name = std::move(name)](Jobs& jobs) { return jobs.load(name); });
}

std::future<PluginResult> PluginHost::unloadLater(std::string name)
{
    return _jobs->submit<PluginResult>(
        [name = std::move(name)](Jobs& jobs) { return jobs.unload(name); });
}

std::future<PluginResult> PluginHost::reloadLater(std::string name)
{
    return _jobs->submit<PluginResult>(
        [name = std::move(name)](Jobs& jobs) { return jobs.reload(name); });
}

void PluginHost::takeFilesAsKnown()
{
    _jobs->submit<void>([](Jobs& jobs) { jobs.takeFilesAsKnown(); }).wait();
}

Result<PluginHost::KernelHooks, PluginError>
PluginHost::addHooks(std::string name, std::vector<sdk::HookSpec> hooks,
                     std::shared_ptr<const void> owner)
{
    return _jobs
        ->submit<Result<KernelHooks, PluginError>>([&](Jobs& jobs) {
            return jobs.addHooks(std::move(name), hooks, std::move(owner));
        })
        .get();
}

void PluginHost::removeHooks(const KernelHooks& hooks)
{
    _jobs->submit<void>([&hooks](Jobs& jobs) { jobs.removeHooks(hooks); }).wait();
}

std::vector<PluginInfo> PluginHost::list() const
{
    return _jobs->list();
}

std::optional<PluginInfo> PluginHost::info(const std::string& name) const
{
    for (auto& plugin : list())
        if (plugin.name == name) return std::move(plugin);
    return std::nullopt;
}

bool PluginHost::filesChanged(const std::string& name) const
{
    return _jobs->filesChanged(name);
}

std::string PluginHost::copyTrouble() const
{
    return _jobs->copyTrouble();
}

} // namespace nanomq
