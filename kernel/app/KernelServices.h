#pragma once

#include "app/PluginBans.h"
#include "base/Metrics.h"
#include "broker/Broker.h"
#include "plugin/ControlVerbs.h"
#include "plugin/PluginServices.h"

#include <Poco/Logger.h>

#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace nanomq
{

/// What the kernel has for plugins. Thread: [any].
class KernelServices final : public PluginServices
{
public:
    KernelServices(Broker& broker, Metrics& metrics, ControlVerbs& verbs, HttpRouteTable& routes)
        : _broker(broker), _metrics(metrics), _verbs(verbs), _routes(routes)
    {
    }

    /// Another interface, the same for all plugins; before the first plugin is loaded. [main]
    template <class Interface> void offer(Interface& service)
    {
        _others[Interface::kInterface] = &service;
    }

    sdk::Broker* broker(const std::string&) override { return &_broker.plugins(); }
    sdk::Bans* bans(const std::string& plugin) override
    {
        std::lock_guard guard(_mutex);
        return &_bans.try_emplace(plugin, _broker.bans(), plugin).first->second;
    }
    AlarmList* alarms() override { return &_broker.alarms(); }
    Metrics& metrics() override { return _metrics; }
    ControlVerbs& verbs() override { return _verbs; }
    HttpRouteTable& routes() override { return _routes; }
    void* find(std::string_view interfaceId) override
    {
        const auto found = _others.find(interfaceId);
        return found == _others.end() ? nullptr : found->second;
    }
    Poco::Logger& logger(const std::string& plugin) override { return Poco::Logger::get(plugin); }

private:
    Broker& _broker;
    Metrics& _metrics;
    ControlVerbs& _verbs;
    HttpRouteTable& _routes;
    std::map<std::string, void*, std::less<>> _others; // by interface
    std::mutex _mutex; // guards _bans
    std::map<std::string, PluginBans> _bans; // by plugin; they stay
};

} // namespace nanomq
