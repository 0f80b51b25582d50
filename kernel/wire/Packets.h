#pragma once

#include "base/Bytes.h"
#include "wire/Properties.h"
#include "wire/ReasonCode.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

// The Control Packets of MQTT 3.1, 3.1.1 and 5.0 as plain structs. Text and binary fields view
// the buffer they were decoded from, or the caller's memory when they are to be encoded.
// Properties are empty, and Reason Codes are Success, where the version has none.

namespace nanomq
{

enum class ProtocolVersion : std::uint8_t
{
    v3_1 = 3,
    v3_1_1 = 4,
    v5_0 = 5,
};

enum class QoS : std::uint8_t
{
    AtMostOnce = 0,
    AtLeastOnce = 1,
    ExactlyOnce = 2,
};

/// The first four bits of a Control Packet (§2.1.2).
enum class PacketType : std::uint8_t
{
    Connect = 1,
    Connack,
    Publish,
    Puback,
    Pubrec,
    Pubrel,
    Pubcomp,
    Subscribe,
    Suback,
    Unsubscribe,
    Unsuback,
    Pingreq,
    Pingresp,
    Disconnect,
    Auth, // 5.0 only
};

/// "PUBLISH" and so on; "reserved" for a number that is none.
std::string_view packetTypeText(PacketType type) noexcept;

using PacketIdentifier = std::uint16_t; // 1 to 65,535

struct Will
{
    std::string_view topicName;
    ByteView payload;
    QoS qos = QoS::AtMostOnce;
    bool retain = false;
    Properties properties;
};

struct Connect
{
    ProtocolVersion version = ProtocolVersion::v3_1_1;
    bool bridge = false; // 3.x: the version's high bit, by which bridges announce themselves
    bool cleanStart = true;
    std::uint16_t keepAlive = 0; // seconds; 0: none
    std::string_view clientId;
    std::optional<Will> will;
    std::optional<std::string_view> userName;
    std::optional<ByteView> password;
    Properties properties;
};

struct Connack
{
    bool sessionPresent = false;
    ReasonCode reason = ReasonCode::Success;
    Properties properties;
};

struct Publish
{
    bool dup = false;
    QoS qos = QoS::AtMostOnce;
    bool retain = false;
    std::string_view topicName;            // may be empty in 5.0 beside a Topic Alias
    PacketIdentifier packetIdentifier = 0; // 0 exactly if QoS 0
    Properties properties;
    ByteView payload;
};

/// PUBACK, PUBREC, PUBREL and PUBCOMP: one shape.
struct Acknowledgement
{
    PacketType type = PacketType::Puback;
    PacketIdentifier packetIdentifier = 0;
    ReasonCode reason = ReasonCode::Success;
    Properties properties;
};

/// A Topic Filter and its Subscription Options (§3.8.3.1).
struct SubscriptionRequest
{
    std::string_view topicFilter;
    QoS qos = QoS::AtMostOnce;
    bool noLocal = false;
    bool retainAsPublished = false;
    std::uint8_t retainHandling = 0; // 0, 1, 2
    bool operator==(const SubscriptionRequest&) const = default;
};

struct Subscribe
{
    PacketIdentifier packetIdentifier = 0;
    std::vector<SubscriptionRequest> requests; // at least one
    Properties properties;
};

struct Suback
{
    PacketIdentifier packetIdentifier = 0;
    std::vector<ReasonCode> reasons; // one a request; 3.x sends every failure as 0x80
    Properties properties;
};

struct Unsubscribe
{
    PacketIdentifier packetIdentifier = 0;
    std::vector<std::string_view> topicFilters; // at least one
    Properties properties;
};

struct Unsuback
{
    PacketIdentifier packetIdentifier = 0;
    std::vector<ReasonCode> reasons; // 5.0 only
    Properties properties;
};

struct Pingreq
{
};
struct Pingresp
{
};

struct Disconnect
{
    ReasonCode reason = ReasonCode::Success;
    Properties properties;
};

struct Auth
{
    ReasonCode reason = ReasonCode::Success;
    Properties properties;
};

using Packet = std::variant<Connect, Connack, Publish, Acknowledgement, Subscribe, Suback,
                            Unsubscribe, Unsuback, Pingreq, Pingresp, Disconnect, Auth>;

} // namespace nanomq
