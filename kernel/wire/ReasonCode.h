#pragma once

#include "base/Result.h"

#include <cstdint>
#include <string_view>

namespace nanomq
{

/// Reason Codes of MQTT 5.0 (§2.4). Also the kernel's one language for what a peer did wrong;
/// what a 3.x client is told instead is decided where the answer is encoded.
enum class ReasonCode : std::uint8_t
{
    Success = 0x00, // also NormalDisconnection and GrantedQoS0
    GrantedQoS1 = 0x01,
    GrantedQoS2 = 0x02,
    DisconnectWithWill = 0x04,
    NoMatchingSubscribers = 0x10,
    NoSubscriptionExisted = 0x11,
    ContinueAuthentication = 0x18,
    Reauthenticate = 0x19,
    UnspecifiedError = 0x80,
    MalformedPacket = 0x81,
    ProtocolError = 0x82,
    ImplementationSpecificError = 0x83,
    UnsupportedProtocolVersion = 0x84,
    ClientIdentifierNotValid = 0x85,
    BadUserNameOrPassword = 0x86,
    NotAuthorized = 0x87,
    ServerUnavailable = 0x88,
    ServerBusy = 0x89,
    Banned = 0x8A,
    ServerShuttingDown = 0x8B,
    BadAuthenticationMethod = 0x8C,
    KeepAliveTimeout = 0x8D,
    SessionTakenOver = 0x8E,
    TopicFilterInvalid = 0x8F,
    TopicNameInvalid = 0x90,
    PacketIdentifierInUse = 0x91,
    PacketIdentifierNotFound = 0x92,
    ReceiveMaximumExceeded = 0x93,
    TopicAliasInvalid = 0x94,
    PacketTooLarge = 0x95,
    MessageRateTooHigh = 0x96,
    QuotaExceeded = 0x97,
    AdministrativeAction = 0x98,
    PayloadFormatInvalid = 0x99,
    RetainNotSupported = 0x9A,
    QoSNotSupported = 0x9B,
    UseAnotherServer = 0x9C,
    ServerMoved = 0x9D,
    SharedSubscriptionsNotSupported = 0x9E,
    ConnectionRateExceeded = 0x9F,
    MaximumConnectTime = 0xA0,
    SubscriptionIdentifiersNotSupported = 0xA1,
    WildcardSubscriptionsNotSupported = 0xA2,
};

/// 0x80 and above say that something failed (§2.4).
constexpr bool isFailure(ReasonCode code) noexcept
{
    return static_cast<std::uint8_t>(code) >= 0x80;
}

/// The name the standard gives the code in its tables, such as "Not authorized"; "Unknown" for
/// a number that is none.
std::string_view reasonText(ReasonCode code) noexcept;

/// What a 3.1 or 3.1.1 client is told in CONNACK (v3.1.1 §3.2.2.3): 0 to 5. Banned becomes 5, Not
/// authorized; codes without a counterpart become 3, Server unavailable.
std::uint8_t connectReturnCode(ReasonCode code) noexcept;

/// A decoded thing, or the Reason Code that its sender has earned.
template <class T> using Decoded = Result<T, ReasonCode>;

} // namespace nanomq
