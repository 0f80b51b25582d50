#pragma once

#include "nanomq/types.h"

// Looking at what the broker has: clients, subscriptions, filters, retained messages.

namespace nanomq::sdk
{
inline namespace v1
{

/// What there is, walked through in small steps that workers take between messages: a listing of
/// a million subscriptions holds up nobody.
///
/// A visitor is called on the caller's thread, with no lock held, so it may write to a slow
/// socket. It returns false to end the walk. Views are valid for that call. What comes or goes
/// while a walk goes on may be seen or not; everything else is seen once, but the subscriptions of
/// a session that doubles its number meanwhile, which may be seen twice.
///
/// Walks return 0; -ESHUTDOWN when the broker does not run (a plugin's init(), and its end),
/// -ETIMEDOUT when a worker did not answer within 5 s, -EINVAL for a filter that is none.
/// Thread: [executor] and others that may block; never a worker.
class Query
{
public:
    static constexpr const char* kInterface = "nanomq.query/1";

    /// A session, and the connection it has or had last.
    struct Client
    {
        std::uint32_t size;
        std::uint8_t connected, cleanStart, protocolVersion, hasUserName;
        std::uint16_t keepAliveSeconds, peerPort;
        std::uint32_t worker;
        std::uint32_t sessionExpirySeconds; ///< 0xFFFFFFFF: never
        std::uint32_t subscriptions;
        std::uint64_t connectedAtMs; ///< Unix time
        std::uint64_t queued;        ///< messages that wait for the client
        std::uint64_t inFlight;      ///< messages sent and not acknowledged
        std::uint64_t received;      ///< PUBLISH packets taken from this connection
        Str clientId;
        Str userName;
        Str peerAddress;
        Str listener;
        Str willTopic; ///< empty: no Will
        Bytes willPayload;
    };
    /// Which clients; a member that is empty or 0 does not restrict.
    struct ClientFilter
    {
        std::uint32_t size;
        std::uint8_t connected; ///< 1: with a connection, 2: without
        std::uint8_t reserved[3];
        Str after;        ///< behind this Client Identifier, in the order of bytes
        Str clientId;     ///< this one
        Str clientIdPart; ///< contains this
        Str userName;
        Str userNamePart;
    };
    class ClientVisitor
    {
    public:
        virtual bool client(const Client& client) = 0;

    protected:
        ~ClientVisitor() = default;
    };
    /// In the order of Client Identifiers.
    virtual Status clients(const ClientFilter* filter, ClientVisitor* visitor) = 0;

    struct Subscription
    {
        std::uint32_t size;
        std::uint8_t qos, noLocal, retainAsPublished, connected;
        std::uint32_t subscriptionIdentifier; ///< 0: none
        std::uint32_t reserved;
        Str clientId;
        Str topicFilter; ///< "$share/…" included
    };
    class SubscriptionVisitor
    {
    public:
        virtual bool subscription(const Subscription& subscription) = 0;

    protected:
        ~SubscriptionVisitor() = default;
    };
    /// The subscriptions of these clients, in the order of Client Identifiers.
    virtual Status subscriptions(const ClientFilter* filter, SubscriptionVisitor* visitor) = 0;

    /// A Topic Filter that has subscribers: sessions and rules of plugins.
    struct Route
    {
        std::uint32_t size;
        std::uint32_t reserved;
        std::uint64_t subscribers;
        Str topicFilter;
    };
    class RouteVisitor
    {
    public:
        virtual bool route(const Route& route) = 0;

    protected:
        ~RouteVisitor() = default;
    };
    /// In no order. @param part  filters that contain this; empty: all.
    virtual Status routes(Str part, RouteVisitor* visitor) = 0;

    struct Retained
    {
        std::uint32_t size;
        std::uint8_t qos, reserved[3];
        std::uint64_t receivedAtMs;  ///< Unix time
        std::uint32_t expirySeconds; ///< what is left; 0xFFFFFFFF: does not expire
        std::uint32_t reserved1;
        Str topic;
        Bytes payload;
        Bytes properties; ///< encoded as in §2.2.2
        Str clientId;     ///< of the publisher; empty: a plugin, or the broker
    };
    class RetainedVisitor
    {
    public:
        virtual bool retained(const Retained& message) = 0;

    protected:
        ~RetainedVisitor() = default;
    };
    /// In the order of topic levels. @param topicFilter  which topics: "plant/#".
    virtual Status retained(Str topicFilter, RetainedVisitor* visitor) = 0;

    struct Listener
    {
        std::uint32_t size;
        std::uint32_t reserved;
        std::uint64_t connections;
        std::uint64_t maximumConnections; ///< 0: no limit of its own
        Str name;
        Str url; ///< with the port that was bound
    };
    class ListenerVisitor
    {
    public:
        virtual bool listener(const Listener& listener) = 0;

    protected:
        ~ListenerVisitor() = default;
    };
    virtual Status listeners(ListenerVisitor* visitor) = 0;

protected:
    ~Query() = default;
};

} // namespace v1
} // namespace nanomq::sdk
