#pragma once

#include "nanomq/types.h"

// The Reason Codes of MQTT 5.0, §2.4, that plugins give or meet. For clients of 3.1 and 3.1.1 the
// broker translates those of CONNACK and leaves out the others.

namespace nanomq::sdk
{
inline namespace v1
{
namespace reason
{

inline constexpr ReasonCode kSuccess = 0x00;
inline constexpr ReasonCode kDisconnectWithWill = 0x04;
inline constexpr ReasonCode kUnspecifiedError = 0x80;
inline constexpr ReasonCode kMalformedPacket = 0x81;
inline constexpr ReasonCode kProtocolError = 0x82;
inline constexpr ReasonCode kImplementationSpecificError = 0x83;
inline constexpr ReasonCode kUnsupportedProtocolVersion = 0x84;
inline constexpr ReasonCode kClientIdentifierNotValid = 0x85;
inline constexpr ReasonCode kBadUserNameOrPassword = 0x86;
inline constexpr ReasonCode kNotAuthorized = 0x87;
inline constexpr ReasonCode kServerUnavailable = 0x88;
inline constexpr ReasonCode kServerBusy = 0x89;
inline constexpr ReasonCode kBanned = 0x8A;
inline constexpr ReasonCode kServerShuttingDown = 0x8B;
inline constexpr ReasonCode kBadAuthenticationMethod = 0x8C;
inline constexpr ReasonCode kKeepAliveTimeout = 0x8D;
inline constexpr ReasonCode kSessionTakenOver = 0x8E;
inline constexpr ReasonCode kTopicFilterInvalid = 0x8F;
inline constexpr ReasonCode kTopicNameInvalid = 0x90;
inline constexpr ReasonCode kPacketTooLarge = 0x95;
inline constexpr ReasonCode kMessageRateTooHigh = 0x96;
inline constexpr ReasonCode kQuotaExceeded = 0x97;
inline constexpr ReasonCode kAdministrativeAction = 0x98;
inline constexpr ReasonCode kPayloadFormatInvalid = 0x99;
inline constexpr ReasonCode kUseAnotherServer = 0x9C;
inline constexpr ReasonCode kServerMoved = 0x9D;
inline constexpr ReasonCode kConnectionRateExceeded = 0x9F;
inline constexpr ReasonCode kMaximumConnectTime = 0xA0;

} // namespace reason
} // namespace v1
} // namespace nanomq::sdk
