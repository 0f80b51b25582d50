#pragma once

#include "wire/Message.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nanomq
{

/// How one message goes to one session.
struct DeliveryOptions
{
    QoS qos = QoS::AtMostOnce; // the lower of the message's and the subscription's
    bool retain = false;       // the RETAIN flag it is sent with
    std::uint32_t subscriptionIdentifier = 0; // 0: none
    std::uint32_t sharedGroup = 0; // SharedGroup::serial() of what it came through; 0: none
};

/// What became of a message at one session.
enum class DeliveryResult : std::uint8_t
{
    Sent,           // stands in the output buffer
    Queued,         // kept until the client can take it
    NotConnected,   // QoS 0, and nobody there
    QueueFull,      // the session's limit, in messages or bytes
    TooSlow,        // QoS 0, and the client does not read
    PacketTooLarge, // beyond the client's Maximum Packet Size [MQTT-3.1.2-24]
    NotAuthorized,  // queued, and then the right to receive it was taken away
    SessionEnded,   // queued, and then its session ended
};

inline constexpr std::size_t kDeliveryResults = 8;

/// Why a message was dropped, in words, for hooks, logs and metrics; empty if it was not.
std::string_view dropReason(DeliveryResult result) noexcept;

/// A message that waits for one session.
struct Delivery
{
    MessageRef message;
    DeliveryOptions options;
};

} // namespace nanomq
