#include "broker/PluginQuery.h"

#include "base/Clock.h"

#include <Poco/Exception.h>

#include <cerrno>

namespace nanomq
{

namespace
{

template <class Walk> sdk::Status guarded(Walk walk)
{
    try
    {
        walk();
        return 0;
    }
    catch (const Poco::TimeoutException&)
    {
        return -ETIMEDOUT;
    }
    catch (const Poco::IllegalStateException&)
    {
        return -ESHUTDOWN;
    }
}

SessionFilter filterOf(const sdk::Query::ClientFilter* given)
{
    SessionFilter filter;
    if (!given) return filter;
    filter.after = given->after.view();
    filter.clientId = given->clientId.view();
    filter.clientIdPart = given->clientIdPart.view();
    filter.userName = given->userName.view();
    filter.userNamePart = given->userNamePart.view();
    if (given->connected != 0) filter.connected = given->connected == 1;
    return filter;
}

sdk::Bytes bytesOf(ByteView bytes) noexcept
{
    return {bytes.data(), bytes.size()};
}

sdk::Query::Client shown(const SessionSummary& session)
{
    sdk::Query::Client client{};
    client.size = sizeof client;
    client.connected = session.connected;
    client.cleanStart = session.cleanStart;
    client.protocolVersion = static_cast<std::uint8_t>(session.protocolVersion);
    client.hasUserName = session.userName.has_value();
    client.keepAliveSeconds = static_cast<std::uint16_t>(session.keepAliveSeconds);
    client.peerPort = static_cast<std::uint16_t>(session.peerPort);
    client.worker = session.worker;
    client.sessionExpirySeconds = session.expirySeconds;
    client.subscriptions = static_cast<std::uint32_t>(session.subscriptions);
    client.connectedAtMs = session.connectedAtMs;
    client.queued = session.queued;
    client.inFlight = session.inFlight;
    client.received = session.received;
    client.clientId = session.clientId;
    if (session.userName) client.userName = *session.userName;
    client.peerAddress = session.peerAddress;
    client.listener = session.listener;
    if (session.will)
    {
        client.willTopic = session.will->topicName();
        client.willPayload = bytesOf(session.will->payload());
    }
    return client;
}

sdk::Query::Retained shown(const Message& message, MonotonicMs now)
{
    sdk::Query::Retained retained{};
    retained.size = sizeof retained;
    retained.qos = static_cast<std::uint8_t>(message.qos());
    retained.receivedAtMs = static_cast<std::uint64_t>(message.receivedAt());
    retained.expirySeconds = message.expiresAt() == kNever
                                 ? 0xFFFFFFFF
                                 : static_cast<std::uint32_t>((message.expiresAt() - now) / 1000);
    retained.topic = message.topicName();
    retained.payload = bytesOf(message.payload());
    retained.properties = bytesOf(message.properties());
    if (const auto* const publisher = ClientIdentity::infoOf(message.publisher()))
        retained.clientId = publisher->clientId;
    return retained;
}

} // namespace

sdk::Status PluginQuery::clients(const ClientFilter* filter, ClientVisitor* visitor)
{
    return guarded([&] {
        _listing.visitSessions(filterOf(filter), [visitor](const SessionSummary& session) {
            return visitor->client(shown(session));
        });
    });
}

sdk::Status PluginQuery::subscriptions(const ClientFilter* filter, SubscriptionVisitor* visitor)
{
    return guarded([&] {
        _listing.visitSubscriptions(filterOf(filter), [visitor](const SubscriptionSummary& found) {
            Subscription subscription{};
            subscription.size = sizeof subscription;
            subscription.qos = static_cast<std::uint8_t>(found.qos);
            subscription.noLocal = found.noLocal;
            subscription.retainAsPublished = found.retainAsPublished;
            subscription.connected = found.connected;
            subscription.subscriptionIdentifier = found.subscriptionIdentifier;
            subscription.clientId = found.clientId;
            subscription.topicFilter = found.topicFilter;
            return visitor->subscription(subscription);
        });
    });
}

sdk::Status PluginQuery::routes(sdk::Str part, RouteVisitor* visitor)
{
    return guarded([&] {
        _listing.visitFilters(part.view(), [visitor](const FilterSummary& filter) {
            Route route{};
            route.size = sizeof route;
            route.subscribers = filter.subscribers;
            route.topicFilter = filter.text;
            return visitor->route(route);
        });
    });
}

sdk::Status PluginQuery::retained(sdk::Str topicFilter, RetainedVisitor* visitor)
{
    const auto filter = TopicFilter::parse(topicFilter.view());
    if (!filter || filter->isShared()) return -EINVAL;
    return guarded([&] {
        _listing.visitRetained(*filter, [visitor](const MessageRef& message) {
            const MonotonicMs now = monotonicNow();
            if (message->expiresAt() <= now) return true;
            return visitor->retained(shown(*message, now));
        });
    });
}

sdk::Status PluginQuery::listeners(ListenerVisitor* visitor)
{
    for (const auto& listening : _listeners)
    {
        Listener listener{};
        listener.size = sizeof listener;
        listener.connections = listening->connections();
        listener.maximumConnections = listening->settings().maximumConnections;
        listener.name = listening->settings().name;
        listener.url = listening->url();
        if (!visitor->listener(listener)) break;
    }
    return 0;
}

} // namespace nanomq
