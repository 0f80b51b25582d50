#include "app/Commands.h"

#include "app/BrokerMetrics.h"
#include "app/JsonObject.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <algorithm>
#include <unistd.h>

namespace nanomq
{

namespace
{

using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr std::size_t kDefaultPage = 1000;
constexpr std::size_t kLargestPage = 10'000;

std::size_t pageSize(const Object& arguments)
{
    const auto wanted = arguments.optValue<Poco::UInt64>("limit", kDefaultPage);
    return std::clamp<std::size_t>(wanted, 1, kLargestPage);
}

ControlResult status(const CommandContext& context, MonotonicMs startedAt)
{
    const BrokerFigures figures = context.broker.figures();
    auto result = makeObject();
    result->set("version", context.version);
    result->set("pid", static_cast<int>(::getpid()));
    result->set("uptime_s", (monotonicNow() - startedAt) / 1000);
    result->set("workers", context.broker.workers());
    result->set("connections", figures.connections);
    result->set("sessions", figures.sessions);
    result->set("subscriptions", figures.subscriptions);
    result->set("retained", figures.retained);
    Array::Ptr listeners = new Array;
    for (const auto& url : context.broker.listenerUrls()) listeners->add(url);
    result->set("listeners", listeners);
    result->set("messages_received", figures.messagesReceived);
    result->set("messages_sent", figures.messagesSent);
    result->set("messages_dropped", figures.messagesDropped());
    result->set("rss_bytes", residentBytes());
    return Poco::Dynamic::Var(result);
}

Object::Ptr describe(const SessionSummary& session)
{
    auto object = makeObject();
    object->set("client_id", session.clientId);
    object->set("user_name", session.userName ? Poco::Dynamic::Var(*session.userName)
                                              : Poco::Dynamic::Var());
    object->set("connected", session.connected);
    object->set("protocol_version", session.protocolVersion);
    object->set("keep_alive_s", session.keepAliveSeconds);
    object->set("clean_start", session.cleanStart);
    object->set("peer", session.peer());
    object->set("worker", session.worker);
    object->set("connected_at_ms", session.connectedAtMs);
    object->set("subscriptions", session.subscriptions);
    object->set("queued", session.queued);
    object->set("in_flight", session.inFlight);
    return object;
}

ControlResult clients(Broker& broker, const Object& arguments)
{
    const auto limit = pageSize(arguments);
    const auto sessions =
        broker.listing().sessions(arguments.optValue<std::string>("after", ""), limit);
    Array::Ptr list = new Array;
    for (const auto& session : sessions) list->add(describe(session));
    auto result = makeObject();
    result->set("clients", list);
    result->set("next", sessions.size() < limit ? Poco::Dynamic::Var()
                                                : Poco::Dynamic::Var(sessions.back().clientId));
    return Poco::Dynamic::Var(result);
}

Object::Ptr describe(const SubscriptionSummary& subscription)
{
    auto object = makeObject();
    object->set("client_id", subscription.clientId);
    object->set("topic_filter", subscription.topicFilter);
    object->set("qos", subscription.qos);
    object->set("no_local", subscription.noLocal);
    object->set("retain_as_published", subscription.retainAsPublished);
    object->set("subscription_identifier",
                subscription.subscriptionIdentifier == 0
                    ? Poco::Dynamic::Var()
                    : Poco::Dynamic::Var(subscription.subscriptionIdentifier));
    return object;
}

ControlResult subscriptions(Broker& broker, const Object& arguments)
{
    std::string last;
    const auto client = arguments.optValue<std::string>("client", "");
    const auto found =
        client.empty() ? broker.listing().subscriptions(arguments.optValue<std::string>("after", ""),
                                                        pageSize(arguments), last)
                       : broker.listing().subscriptionsOf(client);
    Array::Ptr list = new Array;
    for (const auto& subscription : found) list->add(describe(subscription));
    auto result = makeObject();
    result->set("subscriptions", list);
    result->set("next", last.empty() ? Poco::Dynamic::Var() : Poco::Dynamic::Var(last));
    return Poco::Dynamic::Var(result);
}

ControlResult metrics(const Metrics& registry)
{
    Array::Ptr list = new Array;
    registry.visit([&list](const Metrics::Sample& sample) {
        auto object = makeObject();
        object->set("name", std::string(sample.name));
        object->set("labels", std::string(sample.labels));
        object->set("kind", sample.kind == MetricKind::Counter ? "counter" : "gauge");
        object->set("value", sample.value);
        object->set("help", std::string(sample.help));
        list->add(object);
    });
    auto result = makeObject();
    result->set("metrics", list);
    return Poco::Dynamic::Var(result);
}

} // namespace

void registerBrokerCommands(ControlServer& server, const CommandContext& context)
{
    server.command("status", [context, startedAt = monotonicNow()](const Object&) {
        return status(context, startedAt);
    });
    server.command("clients", [&broker = context.broker](const Object& arguments) {
        return clients(broker, arguments);
    });
    server.command("subscriptions", [&broker = context.broker](const Object& arguments) {
        return subscriptions(broker, arguments);
    });
    server.command("metrics", [&registry = context.metrics](const Object&) {
        return metrics(registry);
    });
    server.command("stop", [stop = context.stop](const Object&) -> ControlResult {
        stop();
        return Poco::Dynamic::Var(makeObject());
    });
    server.command("restart", [restart = context.restart](const Object&) -> ControlResult {
        restart();
        return Poco::Dynamic::Var(makeObject());
    });
}

} // namespace nanomq
