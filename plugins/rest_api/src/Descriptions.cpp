// The API about itself: the list of NanoMQ, and the OpenAPI document.

#include "Routes.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

using Poco::JSON::Object;

/// Schemas, parameters and answers that operations refer to.
constexpr const char* kComponents = R"json({
"securitySchemes":{"basic":{"type":"http","scheme":"basic"},
 "bearer":{"type":"http","scheme":"bearer","bearerFormat":"JWT"}},
"parameters":{
 "page":{"name":"_page","in":"query","description":"From 1; with it the answer has meta","schema":{"type":"integer","minimum":1}},
 "limit":{"name":"_limit","in":"query","description":"Items a page","schema":{"type":"integer","minimum":1,"maximum":10000}}},
"responses":{
 "done":{"description":"Done","content":{"application/json":{"schema":{"$ref":"#/components/schemas/done"}}}},
 "error":{"description":"What is wrong","content":{"application/json":{"schema":{"$ref":"#/components/schemas/error"}}}},
 "object":{"description":"One thing","content":{"application/json":{"schema":{"type":"object","required":["code","data"],"properties":{"code":{"type":"integer"},"data":{"type":"object"}}}}}},
 "list":{"description":"A list","content":{"application/json":{"schema":{"type":"object","required":["code","data"],"properties":{"code":{"type":"integer"},"data":{"type":"array","items":{"type":"object"}},"meta":{"$ref":"#/components/schemas/meta"}}}}}},
 "clients":{"description":"Clients","content":{"application/json":{"schema":{"type":"object","required":["code","data"],"properties":{"code":{"type":"integer"},"data":{"type":"array","items":{"$ref":"#/components/schemas/client"}},"meta":{"$ref":"#/components/schemas/meta"}}}}}},
 "subscriptions":{"description":"Subscriptions","content":{"application/json":{"schema":{"type":"object","required":["code","data"],"properties":{"code":{"type":"integer"},"data":{"type":"array","items":{"$ref":"#/components/schemas/subscription"}},"meta":{"$ref":"#/components/schemas/meta"}}}}}},
 "bans":{"description":"Bans","content":{"application/json":{"schema":{"type":"object","required":["code","data"],"properties":{"code":{"type":"integer"},"data":{"type":"array","items":{"$ref":"#/components/schemas/ban"}},"meta":{"$ref":"#/components/schemas/meta"}}}}}},
 "ban":{"description":"The ban as it stands","content":{"application/json":{"schema":{"type":"object","required":["code","data"],"properties":{"code":{"type":"integer"},"data":{"$ref":"#/components/schemas/ban"}}}}}},
 "alarms":{"description":"Alarms of the one node","content":{"application/json":{"schema":{"type":"object","required":["code","data"],"properties":{"code":{"type":"integer"},"data":{"type":"array","items":{"type":"object","required":["node","alarms"],"properties":{"node":{"type":"string"},"alarms":{"type":"array","items":{"$ref":"#/components/schemas/alarm"}}}}}}}}}},
 "topicTree":{"description":"Levels of nodes","content":{"application/json":{"schema":{"type":"object","required":["code","data"],"properties":{"code":{"type":"integer"},"data":{"type":"array","items":{"type":"array","items":{"$ref":"#/components/schemas/node"}}}}}}}}},
"schemas":{
 "done":{"type":"object","required":["code"],"properties":{"code":{"type":"integer","description":"0"}}},
 "error":{"type":"object","required":["code","message"],"properties":{"code":{"type":"integer","description":"101 to 118"},"message":{"type":"string"}}},
 "meta":{"type":"object","properties":{"page":{"type":"integer"},"limit":{"type":"integer"},"count":{"type":"integer"}}},
 "client":{"type":"object","required":["client_id","username","keepalive","conn_state","clean_start","proto_name","proto_ver"],"properties":{"client_id":{"type":"string"},"username":{"type":"string"},"keepalive":{"type":"integer"},"conn_state":{"enum":["connected","disconnected"]},"clean_start":{"type":"boolean"},"proto_name":{"type":"string"},"proto_ver":{"type":"integer"},"recv_msg":{"type":"integer"}}},
 "subscription":{"type":"object","required":["clientid","topic","qos"],"properties":{"clientid":{"type":"string"},"topic":{"type":"string"},"qos":{"type":"integer"}}},
 "node":{"type":"object","required":["topic","cld_cnt"],"properties":{"topic":{"type":"string"},"cld_cnt":{"type":"integer"},"clientid":{"type":"array","items":{"type":"string"}}}},
 "ban":{"type":"object","required":["who","as","reason","by","at","until"],"properties":{"who":{"type":"string"},"as":{"enum":["clientid","username","peerhost"]},"reason":{"type":"string"},"by":{"type":"string"},"at":{"type":"integer","description":"Unix time, in seconds"},"until":{"description":"Unix time, in seconds, or infinity","oneOf":[{"type":"integer"},{"enum":["infinity"]}]}}},
 "newBan":{"type":"object","required":["who","as"],"properties":{"who":{"type":"string","description":"A name; for peerhost an address or a network"},"as":{"enum":["clientid","username","peerhost"]},"reason":{"type":"string"},"by":{"type":"string","description":"The caller when absent"},"until":{"description":"Unix time, in seconds, or infinity; in five minutes when absent","oneOf":[{"type":"integer"},{"enum":["infinity"]}]}}},
 "alarm":{"type":"object","required":["name","message","details","activated","activate_at","deactivate_at","duration"],"properties":{"name":{"type":"string"},"message":{"type":"string"},"details":{"type":"object","required":["severity","raised"],"properties":{"severity":{"enum":["warning","error"]},"raised":{"type":"integer","description":"How often"}}},"activated":{"type":"boolean"},"activate_at":{"type":"integer","description":"Unix time, in microseconds"},"deactivate_at":{"description":"Unix time, in microseconds, or infinity","oneOf":[{"type":"integer"},{"enum":["infinity"]}]},"duration":{"type":"integer","description":"In microseconds"}}},
 "publish":{"type":"object","required":["payload"],"properties":{"topic":{"type":"string"},"topics":{"type":"string","description":"Between commas"},"clientid":{"type":"string"},"payload":{"type":"string"},"encoding":{"enum":["plain","base64"]},"qos":{"type":"integer"},"retain":{"type":"boolean"},"properties":{"type":"object"}}},
 "subscribe":{"type":"object","required":["clientid"],"properties":{"clientid":{"type":"string"},"topic":{"type":"string"},"topics":{"type":"string","description":"Between commas"},"qos":{"type":"integer"}}}}
})json";

constexpr std::array<const char*, 4> kRoles = {"anybody", "reader", "operator", "admin"};

Poco::JSON::Object::Ptr parsed(const std::string& text)
{
    Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true));
    return parser.parse(text).extract<Object::Ptr>();
}

/// The names between braces.
std::vector<std::string> parametersOf(std::string_view path)
{
    std::vector<std::string> names;
    for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1))
        names.emplace_back(path.substr(open + 1, path.find('}', open) - open - 1));
    return names;
}

/// One operation. @param fragment  its own members, which stand above what is made here.
Object::Ptr describe(std::string_view path, std::string_view summary, sdk::HttpRole role,
                     const Object::Ptr& fragment)
{
    auto operation = makeObject();
    operation->set("summary", std::string(summary));
    operation->set("x-role", kRoles[static_cast<std::size_t>(role)]);
    for (const auto& name : fragment->getNames()) operation->set(name, fragment->get(name));

    Poco::JSON::Array::Ptr parameters = fragment->getArray("parameters");
    if (!parameters) parameters = new Poco::JSON::Array;
    for (const auto& name : parametersOf(path))
    {
        auto parameter = parsed(R"({"in":"path","required":true,"schema":{"type":"string"}})");
        parameter->set("name", name);
        parameters->add(parameter);
    }
    if (parameters->size() > 0) operation->set("parameters", parameters);

    Object::Ptr responses = fragment->getObject("responses");
    if (!responses) responses = parsed(R"({"200":{"$ref":"#/components/responses/done"}})");
    responses->set("default", parsed(R"({"$ref":"#/components/responses/error"})"));
    operation->set("responses", responses);
    if (role == sdk::HttpRole::Anybody) operation->set("security", Poco::JSON::Array::Ptr(new Poco::JSON::Array));
    return operation;
}

void add(Object& paths, const std::string& path, const std::string& method, Object::Ptr operation)
{
    if (!paths.has(path)) paths.set(path, makeObject());
    std::string lower(method);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    paths.getObject(path)->set(lower, std::move(operation));
}

/// Routes of other plugins.
class ForeignPaths final : public sdk::HttpRoutes::Visitor
{
public:
    explicit ForeignPaths(Object& paths) noexcept : _paths(paths) {}

    void route(const sdk::HttpRoutes::Route& route, sdk::Str plugin) override
    {
        Object::Ptr fragment;
        try
        {
            fragment = parsed(std::string(route.openapi.view()));
        }
        catch (const Poco::Exception&)
        {
            fragment = makeObject(); // its author's mistake costs the description alone
        }
        Object::Ptr operation =
            describe(route.path.view(), route.summary.view(), route.role, fragment);
        operation->set("x-plugin", std::string(plugin.view()));
        add(_paths, std::string(route.path.view()), std::string(route.method.view()), operation);
    }

private:
    Object& _paths;
};

void writeOpenApi(const Router& router, const Services& services, Reply& reply)
{
    auto paths = makeObject();
    for (const auto& operation : router.operations())
        add(*paths, operation.path, operation.method,
            describe(operation.path, operation.summary, operation.role,
                     parsed("{" + operation.openapi + "}")));
    if (router.others())
    {
        ForeignPaths foreign(*paths);
        router.others()->visit(&foreign);
    }
    sdk::BrokerAdmin::Info broker{};
    services.admin.info(&broker);
    auto info = makeObject();
    info->set("title", "NanoMQ");
    info->set("version", std::string(broker.version.view()));
    auto document = makeObject();
    document->set("openapi", "3.0.3");
    document->set("info", info);
    Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true));
    document->set("security", parser.parse(R"([{"basic":[]},{"bearer":[]}])"));
    document->set("paths", paths);
    document->set("components", parsed(kComponents));
    reply.json(document);
}

/// NanoMQ's list: `[{"path","name","method","descr"}]`.
class Listing final : public sdk::HttpRoutes::Visitor
{
public:
    explicit Listing(Reply& reply) : _list(reply) {}

    void add(const std::string& path, const std::string& method, const std::string& summary)
    {
        constexpr std::string_view kBase = "/api/v4";
        const auto begin = path.starts_with(kBase) ? kBase.size() : 0;
        auto item = makeObject();
        item->set("path", path.size() == begin ? "/" : path.substr(begin));
        item->set("name", path.size() == begin ? "list" : path.substr(path.rfind('/') + 1));
        item->set("method", method);
        item->set("descr", summary);
        _list.add(item);
    }
    void route(const sdk::HttpRoutes::Route& route, sdk::Str) override
    {
        add(std::string(route.path.view()), std::string(route.method.view()),
            std::string(route.summary.view()));
    }
    void end() { _list.end({}); }

private:
    DataList _list;
};

void list(const Router& router, Reply& reply)
{
    reply.keepWhole(); // a visitor of the broker must not throw what a socket does
    Listing listing(reply);
    for (const auto& operation : router.operations())
        listing.add(operation.path, operation.method, operation.summary);
    if (router.others()) router.others()->visit(&listing);
    listing.end();
}

} // namespace

void addDescriptions(Router& router, const Services& services)
{
    router.add({"GET", "/api/v4", sdk::HttpRole::Reader, "What there is",
                R"("responses":{"200":{"$ref":"#/components/responses/list"}})",
                [&router](const Request&, Reply& reply) { list(router, reply); }});
    router.add({"GET", "/api/openapi.json", sdk::HttpRole::Anybody, "This document",
                R"("responses":{"200":{"description":"An OpenAPI document","content":)"
                R"({"application/json":{"schema":{"type":"object","required":["openapi","paths"]}}}}})",
                [&router, &services](const Request&, Reply& reply) {
                    writeOpenApi(router, services, reply);
                }});
}

} // namespace rest_api
