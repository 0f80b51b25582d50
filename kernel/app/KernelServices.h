#pragma once

#include "base/Metrics.h"
#include "broker/Broker.h"
#include "plugin/ControlVerbs.h"
#include "plugin/PluginServices.h"

#include <Poco/Logger.h>

#include <string>

namespace nanomq
{

/// What the kernel has for plugins. Thread: [any].
class KernelServices final : public PluginServices
{
public:
    KernelServices(Broker& broker, Metrics& metrics, ControlVerbs& verbs) noexcept
        : _broker(broker), _metrics(metrics), _verbs(verbs)
    {
    }

    sdk::Broker* broker(const std::string&) override { return &_broker.plugins(); }
    Metrics& metrics() override { return _metrics; }
    ControlVerbs& verbs() override { return _verbs; }
    Poco::Logger& logger(const std::string& plugin) override { return Poco::Logger::get(plugin); }

private:
    Broker& _broker;
    Metrics& _metrics;
    ControlVerbs& _verbs;
};

} // namespace nanomq
