#pragma once

#include "base/Counted.h"
#include "nanomq/types.h"

namespace nanomq
{

// A plugin's sdk::Message* is a share in the Counted object that EventOwners::message named.

/// Adds a share, for HookContext::retain(); null for null. Thread: [any].
inline sdk::Message* keepMessage(const Counted* message) noexcept
{
    if (message) message->retain();
    return reinterpret_cast<sdk::Message*>(const_cast<Counted*>(message));
}
/// The object behind what a plugin kept. Thread: [any].
inline const Counted* keptMessage(const sdk::Message* message) noexcept
{
    return reinterpret_cast<const Counted*>(message);
}

} // namespace nanomq
