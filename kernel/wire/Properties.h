#pragma once

#include "base/Bytes.h"
#include "wire/ReasonCode.h"

#include <cstdint>
#include <string_view>

namespace nanomq
{

/// Identifiers of §2.2.2.2, Table 2-4.
enum class PropertyId : std::uint8_t
{
    PayloadFormatIndicator = 0x01,
    MessageExpiryInterval = 0x02,
    ContentType = 0x03,
    ResponseTopic = 0x08,
    CorrelationData = 0x09,
    SubscriptionIdentifier = 0x0B,
    SessionExpiryInterval = 0x11,
    AssignedClientIdentifier = 0x12,
    ServerKeepAlive = 0x13,
    AuthenticationMethod = 0x15,
    AuthenticationData = 0x16,
    RequestProblemInformation = 0x17,
    WillDelayInterval = 0x18,
    RequestResponseInformation = 0x19,
    ResponseInformation = 0x1A,
    ServerReference = 0x1C,
    ReasonString = 0x1F,
    ReceiveMaximum = 0x21,
    TopicAliasMaximum = 0x22,
    TopicAlias = 0x23,
    MaximumQoS = 0x24,
    RetainAvailable = 0x25,
    UserProperty = 0x26,
    MaximumPacketSize = 0x27,
    WildcardSubscriptionAvailable = 0x28,
    SubscriptionIdentifierAvailable = 0x29,
    SharedSubscriptionAvailable = 0x2A,
};

/// A name and a value (§2.2.2.2, User Property). Names may repeat; order matters.
struct UserProperty
{
    std::string_view name;
    std::string_view value;
    bool operator==(const UserProperty&) const = default;
};

/// The properties of one packet (MQTT 5.0 §2.2.2).
///
/// Only the presence mask is set up by the constructor; a field has a meaning exactly if has()
/// says so. Text and binary fields view the packet they were decoded from. User Properties and
/// Subscription Identifiers may repeat; they stay in `raw` and are read with PropertyReader.
struct Properties
{
    bool has(PropertyId id) const noexcept { return (present >> static_cast<unsigned>(id)) & 1; }
    void mark(PropertyId id) noexcept { present |= std::uint64_t{1} << static_cast<unsigned>(id); }
    bool empty() const noexcept { return present == 0; }

    std::uint64_t present = 0; // bit PropertyId
    /// All properties as encoded, without the Property Length; checked when decoded.
    ByteView raw{};

    std::uint32_t userProperties; // how many there are
    std::uint32_t messageExpiryInterval;  // seconds
    std::uint32_t subscriptionIdentifier; // the first; 1 to 268,435,455
    std::uint32_t sessionExpiryInterval;  // seconds; 0xFFFFFFFF: never
    std::uint32_t willDelayInterval;      // seconds
    std::uint32_t maximumPacketSize;      // bytes, not 0
    std::uint16_t serverKeepAlive;        // seconds
    std::uint16_t receiveMaximum;         // packets, not 0
    std::uint16_t topicAliasMaximum;
    std::uint16_t topicAlias;                // as sent: 0 is for the receiver to refuse with 0x94
    std::uint8_t payloadFormatIndicator;     // 0, 1
    std::uint8_t requestProblemInformation;  // 0, 1
    std::uint8_t requestResponseInformation; // 0, 1
    std::uint8_t maximumQoS;                 // 0, 1
    std::uint8_t retainAvailable;            // 0, 1
    std::uint8_t wildcardSubscriptionAvailable;   // 0, 1
    std::uint8_t subscriptionIdentifierAvailable; // 0, 1
    std::uint8_t sharedSubscriptionAvailable;     // 0, 1
    std::string_view contentType;
    std::string_view responseTopic;
    std::string_view assignedClientIdentifier;
    std::string_view authenticationMethod;
    std::string_view responseInformation;
    std::string_view serverReference;
    std::string_view reasonString;
    ByteView correlationData;
    ByteView authenticationData;
};

/// Walks over encoded properties that have been checked before (Properties::raw).
class PropertyReader
{
public:
    explicit PropertyReader(ByteView raw) noexcept : _rest(raw) {}

    /// Steps to the next property; false at the end.
    bool next() noexcept;

    PropertyId id() const noexcept { return _id; }
    /// The whole property, identifier included: what is forwarded verbatim.
    ByteView encoded() const noexcept { return _encoded; }
    /// Of a User Property.
    UserProperty userProperty() const noexcept;
    /// Of a numeric property.
    std::uint32_t number() const noexcept;

private:
    ByteView _rest;
    ByteView _encoded;
    PropertyId _id{};
};

} // namespace nanomq
