#pragma once

#include "config/KernelConfig.h"
#include "net/ListenerSettings.h"

namespace nanomq
{

/// A listener as the configuration has it, for Broker::listen(). Thread: [main].
ListenerSettings listenerSettings(const ListenerConfig& config);

/// Reads every certificate, key and revocation list of the listeners; what is wrong with them goes
/// to `report`. Nothing is bound.
void checkCertificates(const std::vector<ListenerConfig>& listeners, ConfigReport& report);

} // namespace nanomq
