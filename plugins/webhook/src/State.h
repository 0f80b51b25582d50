#pragma once

#include "Outbox.h"
#include "nanomq/plugin.h"

#include <optional>

namespace webhook
{

/// What one version of the plugin leaves to the next in the same process (nanomq.handover/1):
/// "NMQWHK" and a version, the counts, then each request. Times are of the process's steady clock.
void writeState(const Outbox::Contents& contents, nanomq::sdk::Handover::Sink& sink);

/// Empty when the bytes are of another version, or not whole.
std::optional<Outbox::Contents> readState(nanomq::sdk::Bytes state);

} // namespace webhook
