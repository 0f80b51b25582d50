#pragma once

#include "broker/Broker.h"
#include "control/ControlServer.h"

namespace nanomq
{

/// Registers `explain` (shape: nanomqctl/README.md): what would happen if a client published or
/// subscribed. Thread: [main]; the command itself runs on the control socket's threads.
void registerExplain(ControlServer& server, Broker& broker);

} // namespace nanomq
