#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace webhook
{

/// The twelve events that NanoMQ's webhook knows, by the names of its configuration.
enum class EventKind : std::uint8_t
{
    ClientConnect,
    ClientConnack,
    ClientConnected,
    ClientDisconnected,
    ClientSubscribe,
    ClientUnsubscribe,
    SessionSubscribed,
    SessionUnsubscribed,
    SessionTerminated,
    MessagePublish,
    MessageDelivered,
    MessageAcked,
};

inline constexpr std::size_t kEventKinds = 12;

/// As it stands in a rule's key, "client.connack".
constexpr std::string_view eventName(EventKind kind) noexcept
{
    constexpr std::array<std::string_view, kEventKinds> names = {
        "client.connect",     "client.connack",     "client.connected",   "client.disconnected",
        "client.subscribe",   "client.unsubscribe", "session.subscribed", "session.unsubscribed",
        "session.terminated", "message.publish",    "message.delivered",  "message.acked"};
    return names[static_cast<std::size_t>(kind)];
}

/// As it stands in a body, "client_connack".
constexpr std::string_view actionName(EventKind kind) noexcept
{
    constexpr std::array<std::string_view, kEventKinds> names = {
        "client_connect",     "client_connack",     "client_connected",   "client_disconnected",
        "client_subscribe",   "client_unsubscribe", "session_subscribed", "session_unsubscribed",
        "session_terminated", "message_publish",    "message_delivered",  "message_acked"};
    return names[static_cast<std::size_t>(kind)];
}

/// Whether its rules may carry a topic.
constexpr bool hasTopic(EventKind kind) noexcept
{
    switch (kind)
    {
    case EventKind::ClientSubscribe:
    case EventKind::ClientUnsubscribe:
    case EventKind::SessionSubscribed:
    case EventKind::SessionUnsubscribed:
    case EventKind::MessagePublish:
    case EventKind::MessageDelivered:
    case EventKind::MessageAcked: return true;
    default: return false;
    }
}

} // namespace webhook
