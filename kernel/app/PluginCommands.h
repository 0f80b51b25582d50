#pragma once

#include "app/Startup.h"
#include "broker/Broker.h"
#include "control/ControlServer.h"
#include "plugin/ControlVerbs.h"
#include "plugin/PluginHost.h"

#include <functional>

namespace nanomq
{

/// Registers `plugin.list`, `plugin.load`, `plugin.unload`, `plugin.reload`, `plugin.info`,
/// `plugin.verbs`, `plugin.verb` and `reload` (shapes: nanomqctl/README.md).
/// Thread: [main]; the commands themselves run on the control socket's threads.
/// @param startup   what the running broker was started with.
/// @param reloaded  called when `reload` has brought conf.d into force.
void registerPluginCommands(ControlServer& server, Broker& broker, PluginHost& host,
                            ControlVerbs& verbs, const Startup& startup,
                            std::function<void()> reloaded);

/// What `reload` does, also without the control socket: reads certificates again, and brings the
/// plugins into line with conf.d. Waits for the plugins. Thread: [any], not from inside a plugin.
ControlResult reloadConfiguration(Broker& broker, PluginHost& host, const Startup& startup);

} // namespace nanomq
