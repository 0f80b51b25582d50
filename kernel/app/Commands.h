#pragma once

#include "base/Metrics.h"
#include "broker/Broker.h"
#include "control/ControlServer.h"

#include <functional>
#include <string>

namespace nanomq
{

/// What the commands of the control socket need from the running program.
struct CommandContext
{
    Broker& broker;
    const Metrics& metrics;
    std::string version;
    std::function<void()> stop;    // asks the program to end
    std::function<void()> restart; // or to start anew
};

/// Registers `status`, `clients`, `subscriptions`, `metrics`, `stop`, `restart` (shapes: nanomqctl/README.md).
/// Thread: [main]; the commands themselves run on the control socket's threads.
void registerBrokerCommands(ControlServer& server, const CommandContext& context);

} // namespace nanomq
