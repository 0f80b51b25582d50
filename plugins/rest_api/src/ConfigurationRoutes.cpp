// Reading and writing the configuration.

#include "BrokerConfiguration.h"
#include "Routes.h"

namespace rest_api
{

namespace
{

void replyWith(Reply& reply, const Poco::JSON::Object::Ptr& data)
{
    auto body = makeObject();
    body->set("code", 0);
    body->set("data", data);
    reply.json(body);
}

/// The object behind "data".
Poco::JSON::Object::Ptr dataOf(const Request& request)
{
    const auto data = request.object()->getObject("data");
    if (!data) throw ApiError::missing("data");
    return data;
}

} // namespace

void addConfigurationRoutes(Router& router, const Services& services)
{
    using Role = nanomq::sdk::HttpRole;
    const BrokerConfiguration configuration(services);
    constexpr const char* kObjectDoc =
        R"("responses":{"200":{"$ref":"#/components/responses/object"}})";
    constexpr const char* kDataDoc =
        R"("requestBody":{"required":true,"content":{"application/json":{"schema":)"
        R"({"type":"object","required":["data"],"properties":{"data":{"type":"object"}}}}}})";

    router.add({"GET", "/api/v4/configuration", Role::Admin, "The configuration", kObjectDoc,
                [configuration](const Request&, Reply& reply) {
                    replyWith(reply, configuration.read({}));
                }});
    router.add({"GET", "/api/v4/configuration/{part}", Role::Admin,
                "A part of it: basic, tls, websocket, http_server", kObjectDoc,
                [configuration](const Request& request, Reply& reply) {
                    replyWith(reply, configuration.read(request.parameterText("part")));
                }});
    router.add({"POST", "/api/v4/configuration", Role::Admin,
                "Writes settings, for the next start", kDataDoc,
                [configuration](const Request& request, Reply& reply) {
                    configuration.write({}, *dataOf(request));
                    reply.done();
                }});
    router.add({"POST", "/api/v4/configuration/{part}", Role::Admin,
                "Writes settings of a part, for the next start", kDataDoc,
                [configuration](const Request& request, Reply& reply) {
                    const auto& part = request.parameterText("part");
                    const auto data = dataOf(request);
                    configuration.read(part); // throws for one that is none
                    configuration.write(part, *data);
                    reply.done();
                }});
    router.add({"POST", "/api/v4/config_update", Role::Admin,
                "Writes lines of key = value into nanomq.conf, for the next start",
                R"("requestBody":{"required":true,"content":{"text/plain":{"schema":{"type":"string"}}}})",
                [configuration](const Request& request, Reply& reply) {
                    configuration.writeText(request.bodyText());
                    reply.done();
                }});
    router.add({"GET", "/api/v4/reload", Role::Admin, "What POST /reload can set", kObjectDoc,
                [configuration](const Request&, Reply& reply) {
                    replyWith(reply, configuration.readReloadable());
                }});
    router.add({"POST", "/api/v4/reload", Role::Admin, "Sets it, for the next start", kDataDoc,
                [configuration](const Request& request, Reply& reply) {
                    const auto data = dataOf(request);
                    const auto known = configuration.readReloadable();
                    for (const auto& name : data->getNames())
                        if (!known->has(name) && name != "property_size" && name != "qos_duration")
                            throw ApiError::badParameter("not a setting of /reload: " + name);
                    configuration.write({}, *data);
                    reply.done();
                }});
}

} // namespace rest_api
