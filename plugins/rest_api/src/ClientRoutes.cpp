// Clients and their subscriptions.

#include "Routes.h"
#include "Times.h"
#include "Walks.h"

#include <algorithm>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

using Client = sdk::Query::Client;
using Subscription = sdk::Query::Subscription;

Poco::JSON::Object::Ptr describe(const Client& client)
{
    auto item = makeObject();
    item->set("client_id", std::string(client.clientId.view()));
    item->set("username", std::string(client.userName.view()));
    item->set("keepalive", client.keepAliveSeconds);
    item->set("conn_state", client.connected ? "connected" : "disconnected");
    item->set("clean_start", client.cleanStart != 0);
    item->set("proto_name", client.protocolVersion == 3 ? "MQIsdp" : "MQTT");
    item->set("proto_ver", static_cast<int>(client.protocolVersion));
    item->set("recv_msg", client.received);
    if (client.willTopic.size > 0)
    {
        item->set("will_topic", std::string(client.willTopic.view()));
        item->set("will_msg", asText(client.willPayload.view().substr(0, 4'096)));
    }
    // As clients of the EMQX v4 family look for it.
    item->set("clientid", std::string(client.clientId.view()));
    item->set("node", Services::kNode);
    item->set("connected", client.connected != 0);
    item->set("ip_address", std::string(client.peerAddress.view()));
    item->set("port", client.peerPort);
    item->set("connected_at", dateTime(client.connectedAtMs));
    item->set("expiry_interval", client.sessionExpirySeconds);
    item->set("subscriptions_cnt", client.subscriptions);
    item->set("mqueue_len", client.queued);
    item->set("inflight", client.inFlight);
    return item;
}

Poco::JSON::Object::Ptr describe(const Subscription& subscription)
{
    auto item = makeObject();
    item->set("clientid", std::string(subscription.clientId.view()));
    item->set("topic", std::string(subscription.topicFilter.view()));
    item->set("qos", static_cast<int>(subscription.qos));
    return item;
}

std::optional<bool> truth(const Request& request, std::string_view name)
{
    const std::string* const text = request.queryText(name);
    if (!text) return std::nullopt;
    if (*text == "true" || *text == "1") return true;
    if (*text == "false" || *text == "0") return false;
    throw ApiError::badParameter(std::string(name) + ": expected true or false");
}

/// Which clients are meant by a query: what the broker looks at itself, and the rest.
class ClientSelection
{
public:
    explicit ClientSelection(const Request& request)
        : _cleanStart(truth(request, "clean_start")),
          _protocolVersion(request.number("proto_ver", 0, 3, 5)),
          _protocolName(request.queryText("proto_name")),
          _address(request.queryText("ip_address")),
          _from(request.number("_gte_connected_at", 0, 0, UINT32_MAX)),
          _until(request.number("_lte_connected_at", UINT32_MAX, 0, UINT32_MAX))
    {
        request.allowQuery({"clientid", "client_id", "username", "conn_state", "clean_start",
                            "proto_name", "proto_ver", "ip_address", "_page", "_limit",
                            "_like_clientid", "_like_username", "_gte_connected_at",
                            "_lte_connected_at"});
        filter.size = sizeof filter;
        const auto take = [&request](sdk::Str& into, std::string_view name) {
            if (const std::string* const text = request.queryText(name)) into = *text;
        };
        take(filter.clientId, "client_id");
        take(filter.clientId, "clientid");
        take(filter.userName, "username");
        take(filter.clientIdPart, "_like_clientid");
        take(filter.userNamePart, "_like_username");
        const std::string* const state = request.queryText("conn_state");
        if (state && *state != "connected" && *state != "disconnected")
            throw ApiError::badParameter("conn_state: expected connected or disconnected");
        if (state) filter.connected = *state == "connected" ? 1 : 2;
    }

    bool matches(const Client& client) const
    {
        const auto seconds = client.connectedAtMs / 1'000;
        return (!_cleanStart || *_cleanStart == (client.cleanStart != 0)) &&
               (_protocolVersion == 0 || _protocolVersion == client.protocolVersion) &&
               (!_protocolName ||
                *_protocolName == (client.protocolVersion == 3 ? "MQIsdp" : "MQTT")) &&
               (!_address || *_address == client.peerAddress.view()) && seconds >= _from &&
               seconds <= _until;
    }

    sdk::Query::ClientFilter filter{};

private:
    const std::optional<bool> _cleanStart;
    const std::uint64_t _protocolVersion;
    const std::string* const _protocolName;
    const std::string* const _address;
    const std::uint64_t _from, _until;
};

void listClients(const Services& services, const Request& request, Reply& reply)
{
    const ClientSelection selection(request);
    Page page(request);
    DataList list(reply);
    Walks(services).clients(selection.filter, [&](const Client& client) {
        if (selection.matches(client) && page.take()) list.add(describe(client));
        return true;
    });
    list.end(page.meta());
}

/// The clients of one exact filter, no query.
void listFew(const Services& services, const sdk::Query::ClientFilter& filter, Reply& reply)
{
    DataList list(reply);
    Walks(services).clients(filter, [&list](const Client& client) {
        list.add(describe(client));
        return true;
    });
    list.end({});
}

sdk::Query::ClientFilter only(const std::string& clientId)
{
    sdk::Query::ClientFilter filter{};
    filter.size = sizeof filter;
    filter.clientId = clientId;
    return filter;
}

void kick(const Services& services, const Request& request, Reply& reply)
{
    constexpr sdk::ReasonCode kAdministrativeAction = 0x98;
    const std::string& clientId = request.parameterText("clientid");
    bool connected = false;
    Walks(services).clients(only(clientId), [&connected](const Client& client) {
        connected = client.connected != 0;
        return false;
    });
    if (!connected) throw ApiError(404, Code::ClientOffline, "not connected: " + clientId);
    services.broker.kick(clientId, kAdministrativeAction);
    reply.done();
}

void listSubscriptions(const Services& services, const Request& request, Reply& reply)
{
    request.allowQuery({"clientid", "client_id", "topic", "qos", "share", "_page", "_limit",
                        "_like_clientid", "_like_topic"});
    sdk::Query::ClientFilter filter{};
    filter.size = sizeof filter;
    for (const char* name : {"client_id", "clientid"})
        if (const std::string* const id = request.queryText(name)) filter.clientId = *id;
    if (const auto* const part = request.queryText("_like_clientid")) filter.clientIdPart = *part;
    const std::string* const topic = request.queryText("topic");
    const std::string* const part = request.queryText("_like_topic");
    const std::string* const share = request.queryText("share");
    const std::uint64_t qos = request.number("qos", 9, 0, 2);
    const bool isAll = request.queries().size() ==
                       std::size_t{request.queryText("_page") != nullptr} +
                           std::size_t{request.queryText("_limit") != nullptr};

    Page page(request);
    DataList list(reply);
    Walks(services).subscriptions(filter, [&](const Subscription& one) {
        const auto text = one.topicFilter.view();
        const bool matches = (!topic || text == *topic) &&
                             (!part || text.find(*part) != std::string_view::npos) &&
                             (qos == 9 || qos == one.qos) &&
                             (!share || text.starts_with("$share/" + *share + "/"));
        if (matches && page.take()) list.add(describe(one));
        // How many there are in all is known without looking at them.
        return !(isAll && page.full());
    });
    list.end(isAll ? page.meta(Figures(services.metrics).count("nanomq_subscriptions"))
                   : page.meta());
}

void listSubscriptionsOf(const Services& services, const Request& request, Reply& reply)
{
    DataList list(reply);
    Walks(services).subscriptions(only(request.parameterText("clientid")),
                                  [&list](const Subscription& one) {
                                      list.add(describe(one));
                                      return true;
                                  });
    list.end({});
}

constexpr const char* kClientsDoc =
    R"("parameters":[{"$ref":"#/components/parameters/page"},{"$ref":"#/components/parameters/limit"},)"
    R"({"name":"clientid","in":"query","schema":{"type":"string"}},)"
    R"({"name":"username","in":"query","schema":{"type":"string"}},)"
    R"({"name":"conn_state","in":"query","schema":{"enum":["connected","disconnected"]}},)"
    R"({"name":"clean_start","in":"query","schema":{"type":"boolean"}},)"
    R"({"name":"proto_name","in":"query","schema":{"type":"string"}},)"
    R"({"name":"proto_ver","in":"query","schema":{"type":"integer"}},)"
    R"({"name":"ip_address","in":"query","schema":{"type":"string"}},)"
    R"({"name":"_like_clientid","in":"query","schema":{"type":"string"}},)"
    R"({"name":"_like_username","in":"query","schema":{"type":"string"}},)"
    R"({"name":"_gte_connected_at","in":"query","schema":{"type":"integer"}},)"
    R"({"name":"_lte_connected_at","in":"query","schema":{"type":"integer"}}],)"
    R"("responses":{"200":{"$ref":"#/components/responses/clients"}})";
constexpr const char* kFewClientsDoc =
    R"("responses":{"200":{"$ref":"#/components/responses/clients"}})";
constexpr const char* kSubscriptionsDoc =
    R"("parameters":[{"$ref":"#/components/parameters/page"},{"$ref":"#/components/parameters/limit"},)"
    R"({"name":"clientid","in":"query","schema":{"type":"string"}},)"
    R"({"name":"topic","in":"query","schema":{"type":"string"}},)"
    R"({"name":"qos","in":"query","schema":{"type":"integer"}},)"
    R"({"name":"share","in":"query","schema":{"type":"string"}},)"
    R"({"name":"_like_clientid","in":"query","schema":{"type":"string"}},)"
    R"({"name":"_like_topic","in":"query","schema":{"type":"string"}}],)"
    R"("responses":{"200":{"$ref":"#/components/responses/subscriptions"}})";
constexpr const char* kFewSubscriptionsDoc =
    R"("responses":{"200":{"$ref":"#/components/responses/subscriptions"}})";

} // namespace

void addClientRoutes(Router& router, const Services& services)
{
    using Role = sdk::HttpRole;
    router.add({"GET", "/api/v4/clients", Role::Reader, "Clients, page by page and filtered",
                kClientsDoc, [&services](const Request& request, Reply& reply) {
                    listClients(services, request, reply);
                }});
    router.add({"GET", "/api/v4/clients/{clientid}", Role::Reader, "One client", kFewClientsDoc,
                [&services](const Request& request, Reply& reply) {
                    listFew(services, only(request.parameterText("clientid")), reply);
                }});
    router.add({"GET", "/api/v4/clients/username/{username}", Role::Reader,
                "The clients of one user", kFewClientsDoc,
                [&services](const Request& request, Reply& reply) {
                    sdk::Query::ClientFilter filter{};
                    filter.size = sizeof filter;
                    filter.userName = request.parameterText("username");
                    listFew(services, filter, reply);
                }});
    router.add({"DELETE", "/api/v4/clients/{clientid}", Role::Operator,
                "Disconnects a client (0x98)", "",
                [&services](const Request& request, Reply& reply) {
                    kick(services, request, reply);
                }});
    router.add({"GET", "/api/v4/subscriptions", Role::Reader, "Subscriptions, page by page",
                kSubscriptionsDoc, [&services](const Request& request, Reply& reply) {
                    listSubscriptions(services, request, reply);
                }});
    for (const char* path :
         {"/api/v4/subscriptions/{clientid}", "/api/v4/clients/{clientid}/subscriptions"})
        router.add({"GET", path, Role::Reader, "The subscriptions of one client",
                    kFewSubscriptionsDoc, [&services](const Request& request, Reply& reply) {
                        listSubscriptionsOf(services, request, reply);
                    }});
}

} // namespace rest_api
