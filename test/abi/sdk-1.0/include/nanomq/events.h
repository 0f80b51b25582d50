#pragma once

#include "nanomq/types.h"

namespace nanomq::sdk
{
inline namespace v1
{

/// The hook points. Numbers are for ever. I: intercepts, D: decides, O: observes.
enum class HookPoint : std::uint16_t
{
    ClientConnect = 1,      ///< I  client.connect: CONNECT decoded, before authentication
    ClientAuthenticate = 2, ///< D  client.authenticate
    ClientEnhancedAuth = 3, ///< D  client.enhanced_auth: also AUTH packets of 5.0
    ClientAuthorize = 4,    ///< D  client.authorize: publish, subscribe, receive, will
    ClientConnack = 5,      ///< O  client.connack: queued, refused ones included
    ClientConnected = 6,    ///< O  client.connected
    ClientDisconnected = 7, ///< O  client.disconnected
    ClientSubscribe = 8,    ///< I  client.subscribe: one Topic Filter, before the index changes
    ClientUnsubscribe = 9,  ///< I  client.unsubscribe: one Topic Filter
    SessionCreated = 10,    ///< O  session.created
    SessionResumed = 11,    ///< O  session.resumed
    SessionTakenOver = 12,  ///< O  session.taken_over: by a new connection of the same client
    SessionSubscribed = 13, ///< O  session.subscribed
    SessionUnsubscribed = 14, ///< O  session.unsubscribed
    SessionTerminated = 15, ///< O  session.terminated: its state is gone
    MessagePublish = 16,    ///< I  message.publish: before routing
    MessagePublished = 17,  ///< O  message.published: every accepted PUBLISH, wills included, not $SYS/
    MessageDelivered = 18,  ///< O  message.delivered: written to a client; runs on the publisher's worker
    MessageAcked = 19,      ///< O  message.acked: PUBACK or PUBCOMP came
    MessageDropped = 20,    ///< O  message.dropped
    MessageExpired = 21,    ///< O  message.expired
    RouteAdded = 22,        ///< O  route.added: a filter has its first subscriber on this node
    RouteRemoved = 23,      ///< O  route.removed: and lost its last
    BrokerStarted = 24,     ///< O  broker.started
    BrokerStopping = 25,    ///< O  broker.stopping
    ConfigChanged = 26,     ///< O  config.changed
};

inline constexpr std::uint16_t kHookPoints = 27; // numbers below it are in use, 0 is not

/// The name people use: "client.connack"; empty for a number that is none.
constexpr std::string_view hookPointName(HookPoint point) noexcept
{
    constexpr std::string_view names[kHookPoints] = {
        "",                    "client.connect",       "client.authenticate",
        "client.enhanced_auth", "client.authorize",    "client.connack",
        "client.connected",    "client.disconnected",  "client.subscribe",
        "client.unsubscribe",  "session.created",      "session.resumed",
        "session.taken_over",  "session.subscribed",   "session.unsubscribed",
        "session.terminated",  "message.publish",      "message.published",
        "message.delivered",   "message.acked",        "message.dropped",
        "message.expired",     "route.added",          "route.removed",
        "broker.started",      "broker.stopping",      "config.changed"};
    const auto number = static_cast<std::uint16_t>(point);
    return number < kHookPoints ? names[number] : std::string_view();
}

enum class HookKind : std::uint8_t
{
    Intercept, ///< may change or stop what is about to happen
    Decide,    ///< says yes, no, or nothing
    Observe,   ///< looks at what happened
};

constexpr HookKind hookKind(HookPoint point) noexcept
{
    switch (point)
    {
    case HookPoint::ClientConnect:
    case HookPoint::ClientSubscribe:
    case HookPoint::ClientUnsubscribe:
    case HookPoint::MessagePublish: return HookKind::Intercept;
    case HookPoint::ClientAuthenticate:
    case HookPoint::ClientEnhancedAuth:
    case HookPoint::ClientAuthorize: return HookKind::Decide;
    default: return HookKind::Observe;
    }
}

/// EventHeader::flags: somebody asks what would happen. Decide, and have no side effect.
inline constexpr std::uint32_t kDryRun = 1u << 0;

/// Every event begins with it. Events only grow at their end, and `size` tells how much is
/// there: fields of a later SDK are read only if has(event, &Event::field).
struct EventHeader
{
    std::uint32_t size;
    HookPoint point;
    std::uint16_t worker; ///< which event loop raised it
    std::uint32_t flags;
    std::uint32_t reserved;
    std::uint64_t timeMs; ///< Unix time at which it happened
    std::uint64_t id;     ///< unique in this run of the broker
};

template <class Event, class Field> bool has(const Event& event, Field Event::*field) noexcept
{
    return reinterpret_cast<const char*>(&(event.*field)) + sizeof(Field) <=
           reinterpret_cast<const char*>(&event) + event.header.size;
}

// Views in an event are valid for the call. `client` is null when no client is involved: a
// message of a plugin or of the broker.

/// May setClientId(), setUserName(), Deny with a Reason Code, or defer.
struct ClientConnect
{
    static constexpr HookPoint kPoint = HookPoint::ClientConnect;
    EventHeader header;
    const ClientInfo* client;
    Str willTopic; ///< empty: no will
    std::uint8_t willQoS, willRetain, reserved[6];
};

/// Nobody decides: `allow_anonymous` and the rules of the configuration hold.
struct ClientAuthenticate
{
    static constexpr HookPoint kPoint = HookPoint::ClientAuthenticate;
    EventHeader header;
    const ClientInfo* client;
    Bytes password;
    std::uint8_t hasPassword, reserved[7];
};

/// Enhanced authentication (§4.12): one step of the exchange. Next: another method than mine; when
/// nobody knows it, CONNECT is refused with 0x8C. Continue: AUTH 0x18 goes out with the data of
/// setAuthenticationData(), and the client's AUTH raises the event again, with stage 1. Allow: the
/// client is in, `client.authenticate` is not asked; the data goes out with CONNACK, or with AUTH
/// 0x00 after a re-authentication. Deny: CONNACK or DISCONNECT with the Reason Code. setUserName()
/// tells who the client has proved to be; in a re-authentication, that must be who it was.
struct ClientEnhancedAuth
{
    static constexpr HookPoint kPoint = HookPoint::ClientEnhancedAuth;
    EventHeader header;
    const ClientInfo* client;
    Str method;
    Bytes data;
    std::uint8_t stage; ///< 0: CONNECT, 1: AUTH that continues, 2: re-authentication begins
    std::uint8_t reserved[7];
    Bytes state; ///< what setAuthenticationState() gave in the step before; empty in stage 0 and 2
};

enum class Access : std::uint8_t
{
    Subscribe = 1,
    Publish = 2,
    /// May a subscription that is there stay? Asked for each one when a session is resumed, and
    /// after Broker::reauthorize(); never per message. Deny ends the subscription.
    Receive = 3,
    Will = 4,
};

struct ClientAuthorize
{
    static constexpr HookPoint kPoint = HookPoint::ClientAuthorize;
    EventHeader header;
    const ClientInfo* client;
    Str topic; ///< a Topic Name; for Subscribe and Receive a Topic Filter, "$share/…" included
    Access access;
    std::uint8_t qos, retain, reserved[5];
};

struct ClientConnack
{
    static constexpr HookPoint kPoint = HookPoint::ClientConnack;
    EventHeader header;
    const ClientInfo* client;
    ReasonCode reason;
    std::uint8_t sessionPresent, reserved[6];
};

struct ClientConnected
{
    static constexpr HookPoint kPoint = HookPoint::ClientConnected;
    EventHeader header;
    const ClientInfo* client;
};

struct ClientDisconnected
{
    static constexpr HookPoint kPoint = HookPoint::ClientDisconnected;
    EventHeader header;
    const ClientInfo* client;
    Str reasonText;   ///< the code in words, or what went wrong on the network
    ReasonCode reason; ///< 0x00 and 0x04 are the client's own DISCONNECT; a lost connection is 0x80
    std::uint8_t byServer, reserved[6];
};

/// Options of a subscription (§3.8.3.1).
struct SubscribeOptions
{
    std::uint8_t qos, noLocal, retainAsPublished, retainHandling;
    std::uint32_t subscriptionIdentifier; ///< 0: none
};

/// May setTopic() to another Topic Filter, setQoS(), or Deny this one filter.
struct ClientSubscribe
{
    static constexpr HookPoint kPoint = HookPoint::ClientSubscribe;
    EventHeader header;
    const ClientInfo* client;
    Str topicFilter;
    SubscribeOptions options;
};

struct ClientUnsubscribe
{
    static constexpr HookPoint kPoint = HookPoint::ClientUnsubscribe;
    EventHeader header;
    const ClientInfo* client;
    Str topicFilter;
};

struct SessionCreated
{
    static constexpr HookPoint kPoint = HookPoint::SessionCreated;
    EventHeader header;
    const ClientInfo* client;
};

struct SessionResumed
{
    static constexpr HookPoint kPoint = HookPoint::SessionResumed;
    EventHeader header;
    const ClientInfo* client;
};

struct SessionTakenOver
{
    static constexpr HookPoint kPoint = HookPoint::SessionTakenOver;
    EventHeader header;
    const ClientInfo* client; ///< the connection that was displaced
};

struct SessionSubscribed
{
    static constexpr HookPoint kPoint = HookPoint::SessionSubscribed;
    EventHeader header;
    const ClientInfo* client;
    Str topicFilter;
    SubscribeOptions options;
};

struct SessionUnsubscribed
{
    static constexpr HookPoint kPoint = HookPoint::SessionUnsubscribed;
    EventHeader header;
    const ClientInfo* client;
    Str topicFilter;
};

struct SessionTerminated
{
    static constexpr HookPoint kPoint = HookPoint::SessionTerminated;
    EventHeader header;
    const ClientInfo* client; ///< as it was when it last connected
    Str reasonText;           ///< "expired", "clean start", "kicked", …
    ReasonCode reason;        ///< 0x00 when the session ended as its client wanted
    std::uint8_t reserved[7];
};

/// May setTopic(), setPayload(), setQoS(), addUserProperty(), Drop, Deny, or defer.
struct MessagePublish
{
    static constexpr HookPoint kPoint = HookPoint::MessagePublish;
    EventHeader header;
    const ClientInfo* client;
    Str topic;
    Bytes payload;
    Bytes properties; ///< encoded as in §2.2.2, those that travel on to subscribers
    std::uint8_t qos, retain, dup, isWill;
    std::uint32_t expirySeconds; ///< Message Expiry Interval; 0xFFFFFFFF: none
};

struct MessagePublished
{
    static constexpr HookPoint kPoint = HookPoint::MessagePublished;
    EventHeader header;
    const ClientInfo* client; ///< who published
    Str topic;
    Bytes payload;
    Bytes properties;
    std::uint8_t qos, retain, isWill, reserved[5];
};

/// Shape of MessageDelivered, MessageAcked, MessageDropped and MessageExpired.
struct MessageOfReceiver
{
    EventHeader header;
    const ClientInfo* client;    ///< who receives; null when nobody in particular
    const ClientInfo* publisher; ///< may be null
    Str topic;
    Bytes payload;
    Bytes properties;
    Str reasonText; ///< dropped: why, such as "queue full", "not connected", "expired"
    std::uint8_t qos, retain, reserved[6];
};

struct MessageDelivered : MessageOfReceiver
{
    static constexpr HookPoint kPoint = HookPoint::MessageDelivered;
};
struct MessageAcked : MessageOfReceiver
{
    static constexpr HookPoint kPoint = HookPoint::MessageAcked;
};
struct MessageDropped : MessageOfReceiver
{
    static constexpr HookPoint kPoint = HookPoint::MessageDropped;
};
struct MessageExpired : MessageOfReceiver
{
    static constexpr HookPoint kPoint = HookPoint::MessageExpired;
};

struct RouteAdded
{
    static constexpr HookPoint kPoint = HookPoint::RouteAdded;
    EventHeader header;
    Str topicFilter;
};

struct RouteRemoved
{
    static constexpr HookPoint kPoint = HookPoint::RouteRemoved;
    EventHeader header;
    Str topicFilter;
};

struct BrokerStarted
{
    static constexpr HookPoint kPoint = HookPoint::BrokerStarted;
    EventHeader header;
};

struct BrokerStopping
{
    static constexpr HookPoint kPoint = HookPoint::BrokerStopping;
    EventHeader header;
};

struct ConfigChanged
{
    static constexpr HookPoint kPoint = HookPoint::ConfigChanged;
    EventHeader header;
    Str file; ///< "webhook.conf"
};

} // namespace v1
} // namespace nanomq::sdk
