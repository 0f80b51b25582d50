#pragma once

#include "Reply.h"
#include "Services.h"

namespace rest_api
{

/// Writes the registry as Prometheus' text format 0.0.4: every series of kernel and plugins,
/// NanoMQ's names beside ours, and figures of each plugin and its hooks.
void writeExposition(const Services& services, Reply& reply);

} // namespace rest_api
