#include "wire/Decoder.h"
#include "wire/Fields.h"
#include "wire/ListedReasons.h"

// CONNECT (§3.1) and CONNACK (§3.2).

namespace nanomq
{

namespace
{

constexpr std::uint8_t kReserved = 0x01;
constexpr std::uint8_t kCleanStart = 0x02;
constexpr std::uint8_t kWill = 0x04;
constexpr std::uint8_t kWillQoS = 0x18;
constexpr std::uint8_t kWillRetain = 0x20;
constexpr std::uint8_t kPassword = 0x40;
constexpr std::uint8_t kUserName = 0x80;
constexpr std::uint8_t kBridge = 0x80; // of the protocol version

/// Protocol Name and Protocol Version (§3.1.2.1, .2). Success, or what is wrong with them.
ReasonCode readProtocol(Reader& in, Connect& connect) noexcept
{
    const auto name = in.text();
    if (!name) return name.error();
    const auto level = in.byte();
    if (!level) return level.error();

    connect.bridge = (*level & kBridge) != 0;
    const unsigned number = *level & ~kBridge;
    const bool known = (*name == "MQIsdp" && number == 3) || (*name == "MQTT" && number == 4) ||
                       (*name == "MQTT" && number == 5 && !connect.bridge);
    if (!known) return ReasonCode::UnsupportedProtocolVersion; // [MQTT-3.1.2-1, -2]
    connect.version = static_cast<ProtocolVersion>(number);
    return ReasonCode::Success;
}

/// Whether the Connect Flags agree with one another (§3.1.2.3 to .9).
bool connectFlagsFit(std::uint8_t flags, ProtocolVersion version) noexcept
{
    if (flags & kReserved) return false;                                    // [MQTT-3.1.2-3]
    if ((flags & kWillQoS) == kWillQoS) return false;                       // [MQTT-3.1.2-12]
    if (!(flags & kWill) && flags & (kWillQoS | kWillRetain)) return false; // [MQTT-3.1.2-11, -13]
    // v3.1.1 [MQTT-3.1.2-22]
    return version == ProtocolVersion::v5_0 || !(flags & kPassword) || flags & kUserName;
}

ReasonCode readWill(Reader& in, std::uint8_t flags, ProtocolVersion version, Will& will) noexcept
{
    will.qos = static_cast<QoS>((flags & kWillQoS) >> 3);
    will.retain = (flags & kWillRetain) != 0;
    const ReasonCode wrong = readProperties(in, PropertyPlace::Will, version, will.properties);
    if (wrong != ReasonCode::Success) return wrong;

    const auto topicName = readTopicName(in);
    if (!topicName) return topicName.error();
    if (topicName->empty()) return ReasonCode::MalformedPacket; // [MQTT-4.7.3-1]
    will.topicName = *topicName;

    const auto payload = in.binary();
    if (!payload) return payload.error();
    will.payload = *payload;
    return ReasonCode::Success;
}

ReasonCode readCredentials(Reader& in, std::uint8_t flags, Connect& connect) noexcept
{
    // In MQTT 3.1 the Remaining Length takes precedence over the two flags (v3.1 §3.1): what
    // they announce may be missing at the end.
    const auto missing = [&] { return connect.version == ProtocolVersion::v3_1 && in.atEnd(); };
    if (flags & kUserName && !missing())
    {
        const auto userName = in.text();
        if (!userName) return userName.error();
        connect.userName = *userName;
    }
    if (flags & kPassword && !missing())
    {
        const auto password = in.binary();
        if (!password) return password.error();
        connect.password = *password;
    }
    return ReasonCode::Success;
}

/// Authentication Data makes no sense without a method (§3.1.2.11.10).
bool authenticationFits(const Properties& properties) noexcept
{
    return !properties.has(PropertyId::AuthenticationData) ||
           properties.has(PropertyId::AuthenticationMethod);
}

/// The Reason Code that a return code of 3.x stands for (v3.1.1 §3.2.2.3); nothing if it is none.
std::optional<ReasonCode> fromConnectReturnCode(std::uint8_t code) noexcept
{
    switch (code)
    {
    case 0: return ReasonCode::Success;
    case 1: return ReasonCode::UnsupportedProtocolVersion;
    case 2: return ReasonCode::ClientIdentifierNotValid;
    case 3: return ReasonCode::ServerUnavailable;
    case 4: return ReasonCode::BadUserNameOrPassword;
    case 5: return ReasonCode::NotAuthorized;
    default: return std::nullopt;
    }
}

std::optional<ReasonCode> connackReason(std::uint8_t code, ProtocolVersion version) noexcept
{
    if (version != ProtocolVersion::v5_0) return fromConnectReturnCode(code);
    const auto reason = static_cast<ReasonCode>(code);
    if (!isListed(reason, PacketType::Connack)) return std::nullopt; // [MQTT-3.2.2-8]
    return reason;
}

} // namespace

Decoded<Connect> decodeConnect(const FixedHeader& header, ByteView body)
{
    Reader in(body);
    Connect connect;
    ReasonCode wrong = readProtocol(in, connect);
    if (wrong != ReasonCode::Success) return wrong;
    if (!flagsFit(header, connect.version)) return ReasonCode::MalformedPacket;

    const auto flags = in.byte();
    if (!flags) return flags.error();
    if (!connectFlagsFit(*flags, connect.version)) return ReasonCode::MalformedPacket;
    connect.cleanStart = (*flags & kCleanStart) != 0;

    const auto keepAlive = in.twoByteInteger();
    if (!keepAlive) return keepAlive.error();
    connect.keepAlive = *keepAlive;

    wrong = readProperties(in, placeOf(header.type), connect.version, connect.properties);
    if (wrong != ReasonCode::Success) return wrong;
    if (!authenticationFits(connect.properties)) return ReasonCode::ProtocolError;

    const auto clientId = in.text();
    if (!clientId) return clientId.error();
    connect.clientId = *clientId;

    if (*flags & kWill)
    {
        wrong = readWill(in, *flags, connect.version, connect.will.emplace());
        if (wrong != ReasonCode::Success) return wrong;
    }
    wrong = readCredentials(in, *flags, connect);
    if (wrong != ReasonCode::Success) return wrong;
    if (!in.atEnd()) return ReasonCode::MalformedPacket;
    return connect;
}

Decoded<Connack> decodeConnack(const FixedHeader& header, ByteView body, ProtocolVersion version)
{
    if (!flagsFit(header, version)) return ReasonCode::MalformedPacket;
    Reader in(body);
    Connack connack;

    const auto flags = in.byte();
    if (!flags) return flags.error();
    if (version != ProtocolVersion::v3_1) // where the byte is reserved and means nothing
    {
        if (*flags > 1) return ReasonCode::MalformedPacket; // [MQTT-3.2.2-1]
        connack.sessionPresent = *flags == 1;
    }

    const auto code = in.byte();
    if (!code) return code.error();
    const auto reason = connackReason(*code, version);
    if (!reason) return ReasonCode::ProtocolError;
    connack.reason = *reason;
    if (connack.sessionPresent && connack.reason != ReasonCode::Success)
        return ReasonCode::ProtocolError; // [MQTT-3.2.2-6]

    const ReasonCode wrong = readProperties(in, placeOf(header.type), version, connack.properties);
    if (wrong != ReasonCode::Success) return wrong;
    if (!authenticationFits(connack.properties)) return ReasonCode::ProtocolError;
    if (!in.atEnd()) return ReasonCode::MalformedPacket;
    return connack;
}

} // namespace nanomq
