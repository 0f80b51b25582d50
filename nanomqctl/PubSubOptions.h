#pragma once

#include "MqttClient.h"
#include "Options.h"

namespace nanomq::ctl
{

/// Adds the options that pub and sub share: how to connect.
void addConnectOptions(Options& options);

/// Reads them. Throws UsageError.
MqttOptions connectOptions(const Options& options);

/// --qos. Throws UsageError.
QoS qosOption(const Options& options, const char* name);

} // namespace nanomq::ctl
