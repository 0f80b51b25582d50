#pragma once

#include "broker/Broker.h"
#include "control/ControlServer.h"

namespace nanomq
{

/// Registers `ban.list`, `ban.add`, `ban.remove` and `alarms` (shapes: README.md).
/// Thread: [main]; the commands themselves run on the control socket's threads.
void registerGuardCommands(ControlServer& server, Broker& broker);

/// Writes every alarm that is raised or cleared to the log. Thread: [main].
void logAlarms(AlarmList& alarms);

} // namespace nanomq
