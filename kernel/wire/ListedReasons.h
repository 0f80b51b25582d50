#pragma once

#include "wire/Packets.h"

namespace nanomq
{

/// Whether the table of Reason Codes of this packet in MQTT 5.0 lists the code, whichever side
/// sends it: §3.2.2.2, 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1, 3.9.3, 3.11.3, 3.14.2.1, 3.15.2.1.
/// Packets that carry no code list none. Any other code in it is a Protocol Error.
bool isListed(ReasonCode code, PacketType type) noexcept;

/// The code that a refusal goes out with: `wanted` if it is a failure that the packet's table
/// lists, else `otherwise`. For codes that come from plugins.
inline ReasonCode refusalFor(PacketType type, ReasonCode wanted, ReasonCode otherwise) noexcept
{
    return isFailure(wanted) && isListed(wanted, type) ? wanted : otherwise;
}

/// Whether only servers send DISCONNECT with this code (§3.14.2.1).
bool isServersOnly(ReasonCode disconnect) noexcept;

} // namespace nanomq
