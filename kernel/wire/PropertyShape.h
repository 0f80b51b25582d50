#pragma once

#include "wire/Packets.h"

#include <array>

// How properties are encoded and where they may stand (§2.2.2.2, Table 2-4).

namespace nanomq
{

enum class PropertyEncoding : std::uint8_t
{
    None, // no property has this identifier
    Byte,
    TwoByteInteger,
    FourByteInteger,
    VariableByteInteger,
    Text,
    Binary,
    TextPair,
};

/// Where properties stand: in a packet, by its type, or in a CONNECT's will.
enum class PropertyPlace : std::uint8_t
{
    Will = 0,
};
constexpr PropertyPlace placeOf(PacketType type) noexcept
{
    return static_cast<PropertyPlace>(type);
}

struct PropertyShape
{
    PropertyEncoding encoding = PropertyEncoding::None;
    std::uint16_t places = 0; // bit PropertyPlace

    constexpr bool fits(PropertyPlace place) const noexcept
    {
        return (places >> static_cast<unsigned>(place)) & 1;
    }
};

namespace detail
{

constexpr std::uint16_t bit(PacketType type) noexcept
{
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(type));
}

constexpr auto propertyShapes() noexcept
{
    using Id = PropertyId;
    using Encoding = PropertyEncoding;
    constexpr std::uint16_t will = 1U << static_cast<unsigned>(PropertyPlace::Will);
    constexpr std::uint16_t connect = bit(PacketType::Connect);
    constexpr std::uint16_t connack = bit(PacketType::Connack);
    constexpr std::uint16_t publish = bit(PacketType::Publish);
    constexpr std::uint16_t subscribe = bit(PacketType::Subscribe);
    constexpr std::uint16_t disconnect = bit(PacketType::Disconnect);
    constexpr std::uint16_t auth = bit(PacketType::Auth);
    constexpr std::uint16_t answers = connack | bit(PacketType::Puback) | bit(PacketType::Pubrec) |
                                      bit(PacketType::Pubrel) | bit(PacketType::Pubcomp) |
                                      bit(PacketType::Suback) | bit(PacketType::Unsuback) |
                                      disconnect | auth;

    std::array<PropertyShape, 64> shapes{};
    const auto set = [&shapes](Id id, Encoding encoding, std::uint16_t places) {
        shapes[static_cast<std::size_t>(id)] = {encoding, places};
    };
    set(Id::PayloadFormatIndicator, Encoding::Byte, publish | will);
    set(Id::MessageExpiryInterval, Encoding::FourByteInteger, publish | will);
    set(Id::ContentType, Encoding::Text, publish | will);
    set(Id::ResponseTopic, Encoding::Text, publish | will);
    set(Id::CorrelationData, Encoding::Binary, publish | will);
    set(Id::SubscriptionIdentifier, Encoding::VariableByteInteger, publish | subscribe);
    set(Id::SessionExpiryInterval, Encoding::FourByteInteger, connect | connack | disconnect);
    set(Id::AssignedClientIdentifier, Encoding::Text, connack);
    set(Id::ServerKeepAlive, Encoding::TwoByteInteger, connack);
    set(Id::AuthenticationMethod, Encoding::Text, connect | connack | auth);
    set(Id::AuthenticationData, Encoding::Binary, connect | connack | auth);
    set(Id::RequestProblemInformation, Encoding::Byte, connect);
    set(Id::WillDelayInterval, Encoding::FourByteInteger, will);
    set(Id::RequestResponseInformation, Encoding::Byte, connect);
    set(Id::ResponseInformation, Encoding::Text, connack);
    set(Id::ServerReference, Encoding::Text, connack | disconnect);
    set(Id::ReasonString, Encoding::Text, answers);
    set(Id::ReceiveMaximum, Encoding::TwoByteInteger, connect | connack);
    set(Id::TopicAliasMaximum, Encoding::TwoByteInteger, connect | connack);
    set(Id::TopicAlias, Encoding::TwoByteInteger, publish);
    set(Id::MaximumQoS, Encoding::Byte, connack);
    set(Id::RetainAvailable, Encoding::Byte, connack);
    set(Id::UserProperty, Encoding::TextPair,
        will | connect | publish | subscribe | bit(PacketType::Unsubscribe) | answers);
    set(Id::MaximumPacketSize, Encoding::FourByteInteger, connect | connack);
    set(Id::WildcardSubscriptionAvailable, Encoding::Byte, connack);
    set(Id::SubscriptionIdentifierAvailable, Encoding::Byte, connack);
    set(Id::SharedSubscriptionAvailable, Encoding::Byte, connack);
    return shapes;
}

inline constexpr auto kPropertyShapes = propertyShapes();

} // namespace detail

/// The shape of a property; encoding None for an identifier that is none.
constexpr PropertyShape shapeOf(PropertyId id) noexcept
{
    const auto index = static_cast<std::size_t>(id);
    return index < detail::kPropertyShapes.size() ? detail::kPropertyShapes[index]
                                                  : PropertyShape{};
}

} // namespace nanomq
