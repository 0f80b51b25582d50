#pragma once

#include "config/KernelConfig.h"
#include "net/ListenerSettings.h"

namespace nanomq
{

/// A listener as the configuration has it, for Broker::listen(). Thread: [main].
ListenerSettings listenerSettings(const ListenerConfig& config);

} // namespace nanomq
