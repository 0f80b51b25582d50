#pragma once

#include "wire/Properties.h"

#include <vector>

namespace nanomq
{

/// What of the properties of a PUBLISH or a will travels on to subscribers, encoded and in its
/// order: all but Topic Alias, Message Expiry Interval, Subscription Identifiers and Will Delay
/// Interval, which belong to one connection or are counted down (§3.3.2.3.3, .4, .8, §3.1.3.2).
///
/// Returns `properties.raw` itself when nothing has to be left out. Else copies into `scratch`,
/// whose earlier content goes, and returns a view of that, valid until the next change of it.
/// Allocates only when scratch has to grow. Thread: [any].
ByteView forwardedProperties(const Properties& properties, std::vector<std::uint8_t>& scratch);

} // namespace nanomq
