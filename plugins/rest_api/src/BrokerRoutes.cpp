// The broker itself: what it is, how it does, and its end.

#include "Routes.h"
#include "Times.h"
#include "Walks.h"

#include <Poco/JSON/Array.h>
#include <Poco/NumberFormatter.h>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

using Poco::JSON::Array;
using Poco::JSON::Object;

sdk::BrokerAdmin::Info infoOf(const Services& services)
{
    sdk::BrokerAdmin::Info info{};
    services.admin.info(&info);
    return info;
}

/// `{"code":0,"data":[item]}`
void replyWithOne(Reply& reply, const Object::Ptr& item)
{
    DataList list(reply);
    list.add(item);
    list.end({});
}

void showBroker(const Services& services, Reply& reply)
{
    const auto info = infoOf(services);
    auto item = makeObject();
    item->set("datetime", dateTime(nowMs()));
    item->set("node_status", "Running");
    item->set("sysdescr", "NanoMQ Broker");
    item->set("uptime", uptime(info.startedAtMs, nowMs()));
    item->set("version", std::string(info.version.view()));
    item->set("node", Services::kNode);
    replyWithOne(reply, item);
}

void showNode(const Services& services, Reply& reply)
{
    const auto info = infoOf(services);
    const Figures figures(services.metrics);
    auto item = makeObject();
    item->set("connections", figures.count("nanomq_connections"));
    item->set("node_status", "Running");
    item->set("uptime", uptime(info.startedAtMs, nowMs()));
    item->set("version", std::string(info.version.view()));
    item->set("node", Services::kNode);
    item->set("pid", info.processId);
    item->set("workers", info.workers);
    replyWithOne(reply, item);
}

/// NanoMQ's, with texts for numbers.
void showMetrics(const Services& services, Reply& reply)
{
    const Figures figures(services.metrics);
    const auto peaks = services.peaks.look(figures);
    auto body = makeObject();
    body->set("metrics", Array::Ptr(new Array));
    body->set("cpuinfo", Poco::NumberFormatter::format(
                             peaks[static_cast<std::size_t>(Peak::Cpu)].now, 2) + "%");
    body->set("memory", std::to_string(figures.count("nanomq_resident_bytes")));
    body->set("connections", figures.count("nanomq_connections"));
    reply.json(body);
}

/// As the EMQX v4 family has it.
void showStatistics(const Services& services, Reply& reply)
{
    const auto peaks = services.peaks.look(Figures(services.metrics));
    auto stats = makeObject();
    const auto add = [&](const char* name, Peak peak) {
        const auto& value = peaks[static_cast<std::size_t>(peak)];
        stats->set(std::string(name) + ".count", static_cast<std::uint64_t>(value.now));
        stats->set(std::string(name) + ".max", static_cast<std::uint64_t>(value.highest));
    };
    add("connections", Peak::Connections);
    add("sessions", Peak::Sessions);
    add("topics", Peak::Topics);
    add("routes", Peak::Topics);
    add("subscriptions", Peak::Subscribers);
    add("subscribers", Peak::Subscribers);
    add("retained", Peak::Retained);
    auto item = makeObject();
    item->set("node", Services::kNode);
    item->set("stats", stats);
    replyWithOne(reply, item);
}

/// "nmq-tcp://127.0.0.1:1883" as protocol and address.
Object::Ptr describe(const sdk::Query::Listener& listener)
{
    const auto url = std::string(listener.url.view());
    const auto colon = url.find("://");
    const std::string scheme = url.substr(0, colon);
    const bool isWebSocket = scheme.find("ws") != std::string::npos;
    const bool isSecure = scheme.find("tls") != std::string::npos || scheme.ends_with("wss");
    auto item = makeObject();
    item->set("protocol", isWebSocket ? (isSecure ? "mqtt:wss" : "mqtt:ws")
                          : scheme == "unix" ? "mqtt:unix"
                                             : (isSecure ? "mqtt:ssl" : "mqtt:tcp"));
    item->set("listen_on", colon == std::string::npos ? url : url.substr(colon + 3));
    item->set("max_conns", listener.maximumConnections);
    item->set("current_conns", listener.connections);
    item->set("name", std::string(listener.name.view()));
    item->set("url", url);
    return item;
}

void listListeners(const Services& services, Reply& reply)
{
    Array::Ptr listeners = new Array;
    Walks(services).listeners([&listeners](const sdk::Query::Listener& listener) {
        listeners->add(describe(listener));
        return true;
    });
    auto item = makeObject();
    item->set("node", Services::kNode);
    item->set("listeners", listeners);
    replyWithOne(reply, item);
}

void control(const Services& services, const Request& request, Reply& reply)
{
    const std::string& action = request.parameterText("action");
    if (action != "stop" && action != "restart")
        throw ApiError::notFound("expected stop or restart, not " + action);
    reply.done();
    reply.finish(); // before there is nobody left to send it
    if (action == "stop") services.admin.stop();
    else services.admin.restart();
}

void showLogLevel(const Services& services, Reply& reply)
{
    auto body = makeObject();
    body->set("code", 0);
    body->set("level", std::string(services.admin.logLevel().view()));
    reply.json(body);
}

void setLogLevel(const Services& services, const Request& request, Reply& reply)
{
    const auto level = request.object()->optValue<std::string>("level", "");
    if (level.empty()) throw ApiError::missing("level");
    if (services.admin.setLogLevel(level) != 0)
        throw ApiError::badParameter(
            "level: expected error, warning, notice, information, debug or trace");
    reply.done();
}

} // namespace

void addBrokerRoutes(Router& router, const Services& services)
{
    using Role = sdk::HttpRole;
    constexpr const char* kListDoc = R"("responses":{"200":{"$ref":"#/components/responses/list"}})";
    const auto show = [&](const char* path, const char* summary, const char* doc,
                          void (*run)(const Services&, Reply&)) {
        router.add({"GET", path, Role::Reader, summary, doc,
                    [&services, run](const Request& request, Reply& reply) {
                        request.allowQuery({});
                        run(services, reply);
                    }});
    };
    show("/api/v4/brokers", "What this broker is", kListDoc, showBroker);
    show("/api/v4/nodes", "How it does", kListDoc, showNode);
    show("/api/v4/metrics", "Processor, memory, connections",
         R"("responses":{"200":{"description":"Figures","content":{"application/json":{"schema":)"
         R"({"type":"object","required":["metrics","cpuinfo","memory","connections"]}}}}})",
         showMetrics);
    show("/api/v4/stats", "How much there is, and was at most", kListDoc, showStatistics);
    show("/api/v4/listeners", "Where it listens", kListDoc, listListeners);
    show("/api/v4/log/level", "The level of the log", "", showLogLevel);
    router.add({"PUT", "/api/v4/log/level", Role::Admin, "Sets the level of the log",
                R"("requestBody":{"required":true,"content":{"application/json":{"schema":)"
                R"({"type":"object","required":["level"]}}}})",
                [&services](const Request& request, Reply& reply) {
                    setLogLevel(services, request, reply);
                }});
    router.add({"POST", "/api/v4/ctrl/{action}", Role::Admin, "Stops the broker, or restarts it",
                "", [&services](const Request& request, Reply& reply) {
                    control(services, request, reply);
                }});
}

} // namespace rest_api
