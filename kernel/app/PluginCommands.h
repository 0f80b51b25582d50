#pragma once

#include "app/Startup.h"
#include "broker/Broker.h"
#include "control/ControlServer.h"
#include "plugin/ControlVerbs.h"
#include "plugin/PluginHost.h"

namespace nanomq
{

/// Registers `plugin.list`, `plugin.load`, `plugin.unload`, `plugin.reload`, `plugin.info`,
/// `plugin.verbs`, `plugin.verb` and `reload` (shapes: nanomqctl/README.md).
/// Thread: [main]; the commands themselves run on the control socket's threads.
/// @param startup  what the running broker was started with.
void registerPluginCommands(ControlServer& server, Broker& broker, PluginHost& host,
                            ControlVerbs& verbs, const Startup& startup);

} // namespace nanomq
