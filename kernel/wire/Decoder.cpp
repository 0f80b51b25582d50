#include "wire/Decoder.h"

#include "wire/Fields.h"
#include "wire/ListedReasons.h"

#include <algorithm>
#include <utility>

namespace nanomq
{

namespace
{

/// A Reason Code and properties, both of which may be missing at the end of the packet
/// (§3.4.2.1, §3.14.2.1). Success, or what is wrong with them.
ReasonCode readReasonAndProperties(Reader& in, PacketType type, ReasonCode& reason,
                                   Properties& properties) noexcept
{
    if (in.atEnd()) return ReasonCode::Success;
    reason = static_cast<ReasonCode>(*in.byte());
    if (!isListed(reason, type)) return ReasonCode::ProtocolError;
    if (in.atEnd()) return ReasonCode::Success;
    return readProperties(in, placeOf(type), ProtocolVersion::v5_0, properties);
}

template <class Empty> Decoded<Empty> decodeEmpty(const FixedHeader& header, ByteView body)
{
    if (header.flags != 0 || !body.empty()) return ReasonCode::MalformedPacket;
    return Empty{};
}

template <class T> Decoded<Packet> asPacket(Decoded<T> decoded)
{
    if (!decoded) return decoded.error();
    return Packet(std::move(*decoded));
}

} // namespace

Decoded<std::optional<FixedHeader>> readFixedHeader(ByteView bytes) noexcept
{
    if (bytes.empty()) return std::optional<FixedHeader>();
    if (bytes[0] >> 4 == 0) return ReasonCode::MalformedPacket;

    Reader in(bytes.subspan(1));
    const auto remainingLength = in.variableByteInteger();
    if (remainingLength)
    {
        return std::optional(FixedHeader{
            static_cast<PacketType>(bytes[0] >> 4), static_cast<std::uint8_t>(bytes[0] & 0x0F),
            static_cast<std::uint8_t>(bytes.size() - in.left()), *remainingLength});
    }
    // Not a number yet, unless one of the four bytes it may have ends it.
    const ByteView length = bytes.subspan(1, std::min<std::size_t>(bytes.size() - 1, 4));
    const bool mayGoOn = length.size() < 4 && std::all_of(length.begin(), length.end(),
                                                          [](auto byte) { return byte & 0x80; });
    if (!mayGoOn) return ReasonCode::MalformedPacket;
    return std::optional<FixedHeader>();
}

Decoded<Acknowledgement> decodeAcknowledgement(const FixedHeader& header, ByteView body,
                                               ProtocolVersion version)
{
    if (!flagsFit(header, version)) return ReasonCode::MalformedPacket;
    Reader in(body);
    Acknowledgement acknowledgement;
    acknowledgement.type = header.type;

    const auto packetIdentifier = readPacketIdentifier(in);
    if (!packetIdentifier) return packetIdentifier.error();
    acknowledgement.packetIdentifier = *packetIdentifier;

    if (version == ProtocolVersion::v5_0)
    {
        const ReasonCode wrong = readReasonAndProperties(in, header.type, acknowledgement.reason,
                                                         acknowledgement.properties);
        if (wrong != ReasonCode::Success) return wrong;
    }
    if (!in.atEnd()) return ReasonCode::MalformedPacket;
    return acknowledgement;
}

Decoded<Pingreq> decodePingreq(const FixedHeader& header, ByteView body)
{
    return decodeEmpty<Pingreq>(header, body);
}

Decoded<Pingresp> decodePingresp(const FixedHeader& header, ByteView body)
{
    return decodeEmpty<Pingresp>(header, body);
}

Decoded<Disconnect> decodeDisconnect(const FixedHeader& header, ByteView body,
                                     ProtocolVersion version)
{
    if (version != ProtocolVersion::v5_0) return decodeEmpty<Disconnect>(header, body);
    if (!flagsFit(header, version)) return ReasonCode::MalformedPacket; // [MQTT-3.14.1-1]
    Reader in(body);
    Disconnect disconnect;
    const ReasonCode wrong =
        readReasonAndProperties(in, header.type, disconnect.reason, disconnect.properties);
    if (wrong != ReasonCode::Success) return wrong;
    if (!in.atEnd()) return ReasonCode::MalformedPacket;
    return disconnect;
}

Decoded<Auth> decodeAuth(const FixedHeader& header, ByteView body, ProtocolVersion version)
{
    if (version != ProtocolVersion::v5_0) return ReasonCode::MalformedPacket;
    if (!flagsFit(header, version)) return ReasonCode::MalformedPacket; // [MQTT-3.15.1-1]
    Reader in(body);
    Auth auth;
    const ReasonCode wrong = readReasonAndProperties(in, header.type, auth.reason, auth.properties);
    if (wrong != ReasonCode::Success) return wrong;
    if (!in.atEnd()) return ReasonCode::MalformedPacket;
    // §3.15.2.2.2; so the short form without properties is always wrong
    if (!auth.properties.has(PropertyId::AuthenticationMethod)) return ReasonCode::ProtocolError;
    return auth;
}

Decoded<Packet> decodePacket(const FixedHeader& header, ByteView body, ProtocolVersion version)
{
    switch (header.type)
    {
    case PacketType::Connect: return asPacket(decodeConnect(header, body));
    case PacketType::Connack: return asPacket(decodeConnack(header, body, version));
    case PacketType::Publish: return asPacket(decodePublish(header, body, version));
    case PacketType::Puback:
    case PacketType::Pubrec:
    case PacketType::Pubrel:
    case PacketType::Pubcomp: return asPacket(decodeAcknowledgement(header, body, version));
    case PacketType::Subscribe: return asPacket(decodeSubscribe(header, body, version));
    case PacketType::Suback: return asPacket(decodeSuback(header, body, version));
    case PacketType::Unsubscribe: return asPacket(decodeUnsubscribe(header, body, version));
    case PacketType::Unsuback: return asPacket(decodeUnsuback(header, body, version));
    case PacketType::Pingreq: return asPacket(decodePingreq(header, body));
    case PacketType::Pingresp: return asPacket(decodePingresp(header, body));
    case PacketType::Disconnect: return asPacket(decodeDisconnect(header, body, version));
    case PacketType::Auth: return asPacket(decodeAuth(header, body, version));
    }
    return ReasonCode::MalformedPacket;
}

} // namespace nanomq
