#include "app/Commands.h"

#include "app/BrokerMetrics.h"
#include "app/Logging.h"
#include "app/JsonObject.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <algorithm>
#include <unistd.h>

namespace nanomq
{

namespace
{

using Poco::Dynamic::Var;
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

/// Disconnects a client with 0x98.
ControlResult kick(Broker& broker, const Object& arguments)
{
    const auto client = arguments.optValue<std::string>("client", "");
    const auto session = broker.listing().session(client);
    if (!session || !session->connected)
        return ControlError{"not_found", "no client '" + client + "' is connected"};
    broker.plugins().kick(client, static_cast<sdk::ReasonCode>(ReasonCode::AdministrativeAction));
    return Var(makeObject());
}

/// Topic Filters that have subscribers, in the order of their texts.
ControlResult topics(Broker& broker, const Object& arguments)
{
    constexpr std::size_t kMostTopics = 100'000;
    std::vector<FilterSummary> found;
    bool isWhole = true;
    broker.listing().visitFilters(arguments.optValue<std::string>("like", ""),
                                  [&](const FilterSummary& filter) {
                                      isWhole = found.size() < kMostTopics;
                                      if (isWhole) found.push_back(filter);
                                      return isWhole;
                                  });
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.text < b.text; });
    Array::Ptr list = new Array;
    for (const auto& filter : found)
    {
        auto object = makeObject();
        object->set("topic_filter", filter.text);
        object->set("subscribers", filter.subscribers);
        list->add(object);
    }
    auto result = makeObject();
    result->set("topics", list);
    result->set("complete", isWhole);
    return Var(result);
}

ControlResult retained(Broker& broker, const Object& arguments)
{
    const auto text = arguments.optValue<std::string>("topic", "#");
    const auto filter = TopicFilter::parse(text);
    if (!filter || filter->isShared())
        return ControlError{"bad_argument", "'" + text + "' is not a Topic Filter"};
    const std::size_t limit = pageSize(arguments);
    Array::Ptr list = new Array;
    broker.listing().visitRetained(*filter, [&](const MessageRef& message) {
        auto object = makeObject();
        object->set("topic", std::string(message->topicName()));
        object->set("qos", static_cast<int>(message->qos()));
        object->set("payload_bytes", message->payload().size());
        object->set("received_at_ms", message->receivedAt());
        list->add(object);
        return list->size() < limit;
    });
    auto result = makeObject();
    result->set("retained", list);
    return Var(result);
}

/// Forgets one retained message, by publishing an empty one (§3.3.1.3).
ControlResult forget(Broker& broker, const Object& arguments)
{
    const auto topic = arguments.optValue<std::string>("topic", "");
    sdk::Broker::Publication publication{};
    publication.size = sizeof publication;
    publication.retain = 1;
    publication.topic = topic;
    publication.expirySeconds = 0xFFFFFFFF;
    if (broker.plugins().publish(&publication) != 0)
        return ControlError{"bad_argument", "'" + topic + "' is not a Topic Name"};
    return Var(makeObject());
}

/// Shows the level of the log, after setting it if one is given.
ControlResult logging(const Object& arguments)
{
    const auto level = arguments.optValue<std::string>("level", "");
    if (!level.empty() && !setLogLevel(level))
        return ControlError{"bad_argument", "'" + level + "' is no level: error, warning, notice, "
                                                          "information, debug, trace"};
    auto result = makeObject();
    result->set("level", std::string(logLevel()));
    return Var(result);
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
    server.command("clients.kick", [&broker = context.broker](const Object& arguments) {
        return kick(broker, arguments);
    });
    server.command("topics", [&broker = context.broker](const Object& arguments) {
        return topics(broker, arguments);
    });
    server.command("retained", [&broker = context.broker](const Object& arguments) {
        return retained(broker, arguments);
    });
    server.command("retained.delete", [&broker = context.broker](const Object& arguments) {
        return forget(broker, arguments);
    });
    server.command("log.level", [](const Object& arguments) { return logging(arguments); });
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
