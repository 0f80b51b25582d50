#pragma once

#include "base/Metrics.h"
#include "broker/Broker.h"

namespace nanomq
{

/// Shows the broker's figures in the registry. The broker outlives what visits the registry.
/// Thread: [main].
void registerBrokerMetrics(Metrics& metrics, const Broker& broker);

/// Resident memory of this process in bytes; 0 when the system does not say. Thread: [any].
std::uint64_t residentBytes();

} // namespace nanomq
