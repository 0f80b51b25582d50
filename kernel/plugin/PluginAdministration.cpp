#include "plugin/PluginAdministration.h"

#include <cerrno>
#include <string>
#include <utility>

namespace nanomq
{

namespace
{

constexpr std::chrono::seconds kNotWaiting{0};

bool isDone(const std::shared_future<PluginResult>& job)
{
    return job.wait_for(kNotWaiting) == std::future_status::ready;
}

void show(const PluginInfo& info, sdk::PluginAdmin::Visitor& visitor)
{
    sdk::PluginAdmin::Plugin plugin{};
    plugin.size = sizeof plugin;
    plugin.hooks = static_cast<std::uint32_t>(info.hooks.hooks.size());
    plugin.loadedAtMs = static_cast<std::uint64_t>(info.loadedAt);
    plugin.generation = info.generation;
    plugin.events = info.hooks.accepted;
    plugin.dropped = info.hooks.dropped;
    plugin.queued = info.hooks.queued;
    plugin.errors = info.errors;
    plugin.openDeferrals = info.hooks.openDeferrals;
    plugin.name = info.name;
    plugin.version = info.version;
    plugin.state = pluginStateName(info.state);
    plugin.reason = info.reason;
    plugin.lastError = info.lastError;
    plugin.file = info.file;
    visitor.plugin(plugin);
    for (const auto& statistics : info.hooks.hooks)
    {
        sdk::PluginAdmin::Hook hook{};
        hook.size = sizeof hook;
        hook.priority = statistics.priority;
        hook.calls = statistics.calls;
        hook.errors = statistics.errors;
        hook.deferrals = statistics.deferrals;
        hook.timeouts = statistics.timeouts;
        hook.samples = statistics.samples;
        hook.sampledNs = statistics.sampledNs;
        hook.plugin = info.name;
        hook.point = sdk::hookPointName(statistics.point);
        visitor.hook(hook);
    }
}

} // namespace

sdk::Status PluginAdministration::list(sdk::Str name, Visitor* visitor)
{
    if (name.size > 0)
    {
        const auto info = _host.info(std::string(name.view()));
        if (!info) return -ENOENT;
        show(*info, *visitor);
        return 0;
    }
    for (const auto& info : _host.list()) show(info, *visitor);
    return 0;
}

sdk::Status PluginAdministration::begin(Action action, sdk::Str name, std::uint64_t* job)
{
    std::lock_guard lock(_mutex);
    if (_jobs.size() >= kMaximumJobs)
        for (auto at = _jobs.begin(); at != _jobs.end();)
            at = isDone(at->second) ? _jobs.erase(at) : std::next(at);
    if (_jobs.size() >= kMaximumJobs) return -ENOBUFS;
    std::string plugin(name.view());
    std::future<PluginResult> result;
    switch (action)
    {
    case Action::Load: result = _host.loadLater(std::move(plugin)); break;
    case Action::Unload: result = _host.unloadLater(std::move(plugin)); break;
    case Action::Reload: result = _host.reloadLater(std::move(plugin)); break;
    default: return -EINVAL;
    }
    *job = ++_lastJob;
    _jobs.emplace(*job, result.share());
    return 0;
}

sdk::Status PluginAdministration::outcome(std::uint64_t job, std::uint32_t waitMs, Outcome* outcome)
{
    std::shared_future<PluginResult> result;
    {
        std::lock_guard lock(_mutex);
        const auto found = _jobs.find(job);
        if (found == _jobs.end()) return -ENOENT;
        result = found->second;
    }
    if (result.wait_for(std::chrono::milliseconds(waitMs)) != std::future_status::ready)
        return -EAGAIN;
    {
        std::lock_guard lock(_mutex);
        if (_jobs.erase(job) == 0) return -ENOENT; // somebody else was told
    }
    const PluginResult& came = result.get();
    if (came) outcome->outcome({}, came->reason);
    else outcome->outcome(came.error().code, came.error().message);
    return 0;
}

} // namespace nanomq
