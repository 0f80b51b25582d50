#pragma once

#include "PacketText.h"
#include "wire/Packets.h"

#include <string>

namespace nanomq::test
{

/// A packet in its encoded form, and what it says.
struct PacketRow
{
    std::string name;
    ProtocolVersion version;
    PacketText text;
    Packet packet; // views literals, and memory that lives as long as the table

    /// Whether a packet of the same header with only the first `bodySize` bytes is one, too.
    bool mayEndAt(std::size_t bodySize) const;
    /// Bytes of the Fixed Header.
    std::size_t headerSize() const;
};

/// Every packet, in every version and direction, each property in each place at least once.
/// Encoding `packet` gives exactly `text`.
const std::vector<PacketRow>& packetTable();

/// Packets that say something valid in a form that we would not choose ourselves: decoded like
/// the others, encoded differently.
const std::vector<PacketRow>& toleratedTable();

/// A packet that is refused.
struct MalformedRow
{
    std::string name;
    ProtocolVersion version;
    std::vector<std::uint8_t> bytes;
    ReasonCode reason; // that must go out
};
const std::vector<MalformedRow>& malformedTable();

} // namespace nanomq::test
