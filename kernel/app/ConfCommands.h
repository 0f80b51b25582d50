#pragma once

#include "app/Startup.h"
#include "control/ControlServer.h"
#include "plugin/PluginHost.h"

#include <functional>

namespace nanomq
{

/// Registers `conf.check`, `conf.diff`, `conf.apply` and `conf.rollback` (shapes:
/// nanomqctl/README.md): configuration as a transaction over all files and all plugins.
///
/// Remembers conf.d as it stands now, which the broker starts with.
/// @param startup  what the running broker was started with.
/// @returns what to call when conf.d was brought into force by other means (`reload`). Thread: [any].
/// Thread: [main]; the commands themselves run on the control socket's threads.
std::function<void()> registerConfCommands(ControlServer& server, PluginHost& host, const Startup& startup);

} // namespace nanomq
