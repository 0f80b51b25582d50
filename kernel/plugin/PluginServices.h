#pragma once

#include "base/AlarmList.h"
#include "base/Metrics.h"
#include "nanomq/services.h"
#include "plugin/ControlVerbs.h"
#include "plugin/HttpRouteTable.h"

#include <string>
#include <string_view>

namespace Poco
{
class Logger;
}

namespace nanomq
{

/// What the kernel has for plugins, wired in main.cpp. Outlives the PluginHost. Thread: [any].
class PluginServices
{
public:
    /// nanomq.broker/1 for this plugin; null when there is no broker behind, as in tests.
    virtual sdk::Broker* broker(const std::string& plugin) = 0;
    /// nanomq.bans/1 for this plugin; null as above.
    virtual sdk::Bans* bans(const std::string&) { return nullptr; }
    /// Where its alarms stand, and those of the host; null as above.
    virtual AlarmList* alarms() { return nullptr; }
    virtual Metrics& metrics() = 0;
    virtual ControlVerbs& verbs() = 0;
    virtual HttpRouteTable& routes() = 0;
    /// Any other interface that is the same for all plugins; null when there is none.
    virtual void* find(std::string_view interfaceId) = 0;
    /// Where a plugin's lines go.
    virtual Poco::Logger& logger(const std::string& plugin) = 0;

protected:
    ~PluginServices() = default;
};

} // namespace nanomq
