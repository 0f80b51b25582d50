// Services of plugins for plugins, as steps of loading, unloading and exchanging them.

#include "plugin/PluginJobs.h"

#include <Poco/Logger.h>

namespace nanomq
{

void PluginHost::Jobs::tellWatchers()
{
    while (const auto notice = _serviceRegistry.nextNotice())
    {
        const bool returned = _hostThread.run(
            [watch = notice->watch, available = notice->available] {
                try
                {
                    watch.changed(watch.self, watch.service, available ? 1 : 0);
                }
                catch (...)
                {
                    // Against the SDK's rules; it has been told nevertheless.
                }
            },
            _options.callDeadlines.quiesce);
        if (returned) continue;
        _serviceRegistry.unwatch(notice->watch.owner);
        _logger.error("a plugin that was told of the service " + notice->watch.service +
                      " has not returned");
    }
}

std::string PluginHost::Jobs::letServicesGo(const LoadedPlugin& version)
{
    const auto owner = version.side()->registry().owner();
    _serviceRegistry.withdraw(owner);
    tellWatchers();
    return _serviceRegistry.waitUntilUnused(owner, _options.deferralDeadline);
}

void PluginHost::Jobs::offerServicesAgain(const LoadedPlugin& version)
{
    _serviceRegistry.restore(version.side()->registry().owner());
    tellWatchers();
}

PluginHost::Jobs::Trouble PluginHost::Jobs::refuseInUse(const LoadedPlugin& version,
                                                        const std::string& users)
{
    offerServicesAgain(version);
    return PluginError{"in_use", version.facts().name + " goes on: it is in use by " + users};
}

/// The next version's services were found by others already; the old one goes on.
void PluginHost::Jobs::discardPublished(std::unique_ptr<LoadedPlugin> next, const LoadedPlugin& old)
{
    _serviceRegistry.restore(old.side()->registry().owner());
    const std::string users = letServicesGo(*next);
    if (users.empty()) discard(std::move(next), true);
    else keepCode(std::move(next));
}

} // namespace nanomq
