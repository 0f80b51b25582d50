// /api/v1 of NanoMQ 0.8: one path, and a request code in the body.

#include "BrokerConfiguration.h"
#include "Routes.h"
#include "Walks.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSONString.h>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

using Poco::JSON::Object;

enum class Wish : int
{
    Figures = 2,
    Subscriptions = 4,
    Clients = 5,
    Control = 10,
    ReadConfiguration = 11,
    WriteConfiguration = 12,
    TopicTree = 13,
};

std::string text(const Object::Ptr& object)
{
    std::ostringstream out;
    object->stringify(out);
    return std::move(out).str();
}

std::string figures(const Services& services)
{
    const Figures figures(services.metrics);
    auto data = makeObject();
    data->set("client_size", figures.count("nanomq_connections"));
    data->set("message_in", figures.count("nanomq_messages_received_total"));
    data->set("message_out", figures.count("nanomq_messages_sent_total"));
    data->set("message_drop", figures.count("nanomq_messages_dropped_total"));
    return text(data);
}

/// By client: `[{"client_id":"…","subscriptions":[{"topic":"a/b/c","qos":0}]}]`.
void writeSubscriptions(const Services& services, Reply& reply)
{
    sdk::Query::ClientFilter all{};
    all.size = sizeof all;
    std::string client;
    bool any = false;
    reply.append("[");
    Walks(services).subscriptions(all, [&](const sdk::Query::Subscription& one) {
        const bool isNext = !any || client != one.clientId.view();
        if (isNext)
        {
            client = one.clientId.view();
            reply.append((any ? "]},{\"client_id\":" : "{\"client_id\":") +
                         Poco::toJSON(client) + ",\"subscriptions\":[");
        }
        any = true;
        reply.append((isNext ? "{\"topic\":" : ",{\"topic\":") +
                     Poco::toJSON(std::string(one.topicFilter.view())) +
                     ",\"qos\":" + std::to_string(one.qos) + "}");
        return true;
    });
    reply.append(any ? "]}]" : "]");
}

void writeClients(const Services& services, Reply& reply)
{
    sdk::Query::ClientFilter connected{};
    connected.size = sizeof connected;
    connected.connected = 1;
    bool any = false;
    reply.append("[");
    Walks(services).clients(connected, [&](const sdk::Query::Client& client) {
        auto item = makeObject();
        item->set("client_id", std::string(client.clientId.view()));
        item->set("username", std::string(client.userName.view()));
        item->set("keepalive", client.keepAliveSeconds);
        item->set("protocol", static_cast<int>(client.protocolVersion));
        item->set("connect_status", 1);
        item->set("message_receive", client.received);
        reply.append((any ? "," : "") + text(item));
        any = true;
        return true;
    });
    reply.append("]");
}

void serve(const Services& services, const Request& request, Reply& reply)
{
    const auto body = request.object();
    int wish = 0;
    Poco::Int64 sequence = 0;
    try
    {
        wish = body->optValue<int>("req", 0);
        sequence = body->optValue<Poco::Int64>("seq", 0);
    }
    catch (const Poco::Exception&)
    {
        throw ApiError::badParameter("req, seq: expected numbers");
    }
    const auto admin = [&request] {
        if (request.role() < sdk::HttpRole::Admin)
            throw ApiError(403, Code::NotAllowed, "the user's role does not allow this");
    };
    const auto head = [&] {
        reply.append("{\"code\":0,\"seq\":" + std::to_string(sequence) +
                     ",\"rep\":" + std::to_string(wish));
    };
    const auto data = [&] {
        head();
        reply.append(",\"data\":");
    };
    switch (static_cast<Wish>(wish))
    {
    case Wish::Figures: data(), reply.append(figures(services)); break;
    case Wish::Subscriptions: data(), writeSubscriptions(services, reply); break;
    case Wish::Clients: data(), writeClients(services, reply); break;
    case Wish::Control:
    {
        admin();
        const auto action = body->optValue<std::string>("action", "");
        if (action != "stop" && action != "restart")
            throw ApiError::badParameter("action: expected stop or restart");
        head(), reply.append("}"), reply.finish();
        if (action == "stop") services.admin.stop();
        else services.admin.restart();
        return;
    }
    case Wish::ReadConfiguration:
        admin();
        data(), reply.append(text(BrokerConfiguration(services).read({})));
        break;
    case Wish::WriteConfiguration:
    {
        admin();
        const auto settings = body->getObject("data");
        if (!settings) throw ApiError::missing("data");
        BrokerConfiguration(services).write({}, *settings);
        head();
        break;
    }
    case Wish::TopicTree:
    {
        TopicTree tree;
        fillTopicTree(services, tree);
        data(), tree.write(reply, "client_id");
        break;
    }
    default: throw ApiError(404, Code::BadParameter, "unknown req: " + std::to_string(wish));
    }
    reply.append("}");
}

} // namespace

void addFirstVersion(Router& router, const Services& services)
{
    // NanoMQ does not look at the method.
    for (const char* method : {"POST", "GET", "PUT"})
        router.add({method, "/api/v1", sdk::HttpRole::Reader,
                    "The API of NanoMQ 0.8: request codes 2, 4, 5, 10 to 13",
                    R"("requestBody":{"required":true,"content":{"application/json":{"schema":)"
                    R"({"type":"object","required":["req","seq"]}}}},)"
                    R"("responses":{"200":{"description":"code, seq, rep, data","content":)"
                    R"({"application/json":{"schema":{"type":"object","required":["code","seq","rep"]}}}}})",
                    [&services](const Request& request, Reply& reply) {
                        serve(services, request, reply);
                    }});
}

} // namespace rest_api
