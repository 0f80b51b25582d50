#pragma once

#include "app/Decisions.h"
#include "control/ControlServer.h"
#include "plugin/PluginHost.h"

namespace nanomq
{

/// Registers the stream `trace` (shape: nanomqctl/README.md): what happens to a client, or on a
/// topic, as it happens.
///
/// Its hooks stand in the hook table only while somebody listens, so it costs nothing when off. What
/// is told goes through a queue of 1,024 lines; what does not fit is left out and counted.
/// Thread: [main]; the command itself runs on the control socket's threads.
void registerTrace(ControlServer& server, PluginHost& host, Decisions& decisions);

} // namespace nanomq
