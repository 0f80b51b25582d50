#pragma once

#include "Outbox.h"
#include "nanomq/plugin.h"

#include <optional>
#include <string>
#include <vector>

namespace webhook
{

/// What one endpoint leaves to the next version of the plugin.
struct Legacy
{
    std::string endpoint; ///< its name
    Outbox::Contents contents;
};

/// What one version of the plugin leaves to the next in the same process (nanomq.handover/1):
/// "NMQWHK" and a version, then for each endpoint its name, the counts, and each event that is in
/// memory only. Times are of the process's steady clock.
void writeState(const std::vector<Legacy>& legacies, nanomq::sdk::Handover::Sink& sink);

/// Empty when the bytes are of another version, or not whole.
std::optional<std::vector<Legacy>> readState(nanomq::sdk::Bytes state);

} // namespace webhook
