#pragma once

#include "wire/Packets.h"

#include <optional>

namespace nanomq
{

/// The start of every Control Packet (§2.1.1).
struct FixedHeader
{
    PacketType type{};
    std::uint8_t flags = 0;            // the low four bits
    std::uint8_t size = 0;             // bytes of the Fixed Header itself, 2 to 5
    std::uint32_t remainingLength = 0; // bytes that follow it, up to 268,435,455

    std::uint32_t packetSize() const noexcept { return size + remainingLength; }
};

/// Reads the Fixed Header at the start of `bytes`. Nothing, when more bytes are needed to tell.
/// Refuses packet type 0 and a Remaining Length that is longer than four bytes or, where it
/// could be shorter, not the shortest form [MQTT-1.5.5-1]. Flags are checked with the packet.
Decoded<std::optional<FixedHeader>> readFixedHeader(ByteView bytes) noexcept;

// Each of these takes the Fixed Header and the bytes behind it, exactly remainingLength of them,
// and gives the packet or the Reason Code that its sender has earned: mostly MalformedPacket
// (0x81), and ProtocolError (0x82) or a more special one where the standard says so. Anything
// left over behind the last field is malformed. Nothing is allocated but the lists of SUBSCRIBE,
// SUBACK, UNSUBSCRIBE and UNSUBACK.
//
// Checked here: flags, lengths, UTF-8 (no U+0000, no surrogates [MQTT-1.5.4-1, -2]), identifiers
// that are 0, enumerations, properties that do not belong into the packet, come twice or have a
// value out of range, Reason Codes that the packet's table does not list (for either side), a
// Topic Name with wildcards [MQTT-3.3.2-2], an empty filter list, No Local on a shared
// subscription [MQTT-3.8.3-4], Authentication Data without a method, an AUTH without one. Not
// here, because it takes state or says who sends: aliases, quotas, whether a filter is well
// formed, an empty Client Identifier, a Subscription Identifier in a client's PUBLISH, whether
// the packet may come now. Choices where the standard leaves one are listed in README.md.

/// The version is part of the packet; one that is none of ours is UnsupportedProtocolVersion.
Decoded<Connect> decodeConnect(const FixedHeader& header, ByteView body);
/// A return code of 3.x comes out as the Reason Code it stands for, see connectReturnCode().
Decoded<Connack> decodeConnack(const FixedHeader& header, ByteView body, ProtocolVersion version);
Decoded<Publish> decodePublish(const FixedHeader& header, ByteView body, ProtocolVersion version);
/// The same into a packet of the caller's, which saves copying one for each message. Returns
/// Success, or what is wrong; then `publish` holds nothing of use.
[[nodiscard]] ReasonCode decodePublish(const FixedHeader& header, ByteView body,
                                       ProtocolVersion version, Publish& publish) noexcept;
/// PUBACK, PUBREC, PUBREL and PUBCOMP.
Decoded<Acknowledgement> decodeAcknowledgement(const FixedHeader& header, ByteView body,
                                               ProtocolVersion version);
Decoded<Subscribe> decodeSubscribe(const FixedHeader& header, ByteView body,
                                   ProtocolVersion version);
Decoded<Suback> decodeSuback(const FixedHeader& header, ByteView body, ProtocolVersion version);
Decoded<Unsubscribe> decodeUnsubscribe(const FixedHeader& header, ByteView body,
                                       ProtocolVersion version);
Decoded<Unsuback> decodeUnsuback(const FixedHeader& header, ByteView body, ProtocolVersion version);
Decoded<Pingreq> decodePingreq(const FixedHeader& header, ByteView body);
Decoded<Pingresp> decodePingresp(const FixedHeader& header, ByteView body);
Decoded<Disconnect> decodeDisconnect(const FixedHeader& header, ByteView body,
                                     ProtocolVersion version);
Decoded<Auth> decodeAuth(const FixedHeader& header, ByteView body, ProtocolVersion version);

/// Any of them, by the type in the header.
Decoded<Packet> decodePacket(const FixedHeader& header, ByteView body, ProtocolVersion version);

} // namespace nanomq
