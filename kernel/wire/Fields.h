#pragma once

#include "wire/Decoder.h"
#include "wire/PropertyShape.h"
#include "wire/Reader.h"

// Fields that several packets share, as their decoders read them.

namespace nanomq
{

/// Whether the reserved flags of a packet other than PUBLISH have the value of Table 2-2
/// [MQTT-2.1.3-1]. MQTT 3.1 lets DUP stand in PUBREL, SUBSCRIBE and UNSUBSCRIBE sent again.
constexpr bool flagsFit(const FixedHeader& header, ProtocolVersion version) noexcept
{
    switch (header.type)
    {
    case PacketType::Pubrel:
    case PacketType::Subscribe:
    case PacketType::Unsubscribe:
        return header.flags == 0b0010 ||
               (header.flags == 0b1010 && version == ProtocolVersion::v3_1);
    default: return header.flags == 0;
    }
}

inline Decoded<PacketIdentifier> readPacketIdentifier(Reader& in) noexcept
{
    const auto identifier = in.twoByteInteger();
    if (!identifier) return identifier.error();
    if (*identifier == 0) return ReasonCode::ProtocolError; // [MQTT-2.2.1-3]
    return *identifier;
}

/// A Topic Name to publish to. It may come out empty: what that means depends on the packet.
inline Decoded<std::string_view> readTopicName(Reader& in) noexcept
{
    const auto topicName = in.text();
    if (!topicName) return topicName.error();
    if (hasWildcard(*topicName)) return ReasonCode::TopicNameInvalid; // [MQTT-3.3.2-2]
    return *topicName;
}

/// Checks encoded properties one by one and sorts them into `properties`. Success, or what is
/// wrong with them.
[[nodiscard]] ReasonCode decodeProperties(ByteView raw, PropertyPlace place,
                                          Properties& properties) noexcept;

/// Reads Property Length and properties (§2.2.2); nothing in a version that has none. Success,
/// or what is wrong with them.
[[nodiscard]] inline ReasonCode readProperties(Reader& in, PropertyPlace place,
                                               ProtocolVersion version,
                                               Properties& properties) noexcept
{
    if (version != ProtocolVersion::v5_0) return ReasonCode::Success;
    const auto size = in.variableByteInteger();
    if (!size) return size.error();
    if (*size == 0) return ReasonCode::Success;
    const auto raw = in.bytes(*size);
    if (!raw) return raw.error();
    return decodeProperties(*raw, place, properties);
}

} // namespace nanomq
