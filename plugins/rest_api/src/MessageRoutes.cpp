// Publishing, subscribing for clients, and retained messages.

#include "PublishProperties.h"
#include "Routes.h"
#include "Times.h"
#include "Walks.h"

#include <Poco/Base64Decoder.h>
#include <Poco/Base64Encoder.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/StreamCopier.h>

#include <cerrno>
#include <sstream>
#include <type_traits>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr std::size_t kMaximumBatch = 1'000;
constexpr std::uint32_t kNoExpiry = 0xFFFFFFFF;

std::string fromBase64(const std::string& text)
{
    std::istringstream in(text);
    std::ostringstream out;
    try
    {
        Poco::Base64Decoder decoder(in);
        Poco::StreamCopier::copyStream(decoder, out);
        if (!decoder.eof() && decoder.fail()) throw Poco::DataFormatException();
    }
    catch (const Poco::Exception&)
    {
        throw ApiError::badParameter("payload: not base64");
    }
    return std::move(out).str();
}

std::string toBase64(std::string_view bytes)
{
    std::ostringstream out;
    Poco::Base64Encoder encoder(out);
    encoder.rdbuf()->setLineLength(0);
    encoder.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    encoder.close();
    return std::move(out).str();
}

/// A member that must be of a kind. Throws ApiError (400, 108) when it is of another.
template <class T> T member(const Object& object, const std::string& name, T absent)
{
    try
    {
        if (!object.has(name) || object.isNull(name)) return absent;
        // Anything can be made a text of.
        if (std::is_same_v<T, std::string> && !object.get(name).isString())
            throw Poco::BadCastException();
        return object.getValue<T>(name);
    }
    catch (const Poco::Exception&)
    {
        throw ApiError::badParameter(name + ": not of the kind that is expected");
    }
}

std::uint8_t qosOf(const Object& object)
{
    const int qos = member<int>(object, "qos", 0);
    if (qos < 0 || qos > 2) throw ApiError::badParameter("qos: expected 0, 1 or 2");
    return static_cast<std::uint8_t>(qos);
}

/// `topic`, or `topics` between commas.
std::vector<std::string> topicsOf(const Object& object)
{
    const auto one = member<std::string>(object, "topic", "");
    if (!one.empty()) return {one};
    std::vector<std::string> topics;
    std::istringstream list(member<std::string>(object, "topics", ""));
    for (std::string topic; std::getline(list, topic, ',');)
        if (!topic.empty()) topics.push_back(topic);
    if (topics.empty()) throw ApiError::missing("topic");
    if (topics.size() > kMaximumBatch) throw ApiError::badParameter("too many topics");
    return topics;
}

std::string payloadOf(const Object& object)
{
    if (!object.has("payload")) throw ApiError::missing("payload");
    const auto value = object.get("payload");
    std::string payload;
    if (value.isString()) payload = value.extract<std::string>();
    else
    {
        std::ostringstream out;
        Poco::JSON::Stringifier::stringify(value, out); // an object or a number is sent as JSON
        payload = std::move(out).str();
    }
    for (const char* name : {"encoding", "decoding"})
    {
        const auto encoding = member<std::string>(object, name, "plain");
        if (encoding == "base64") return fromBase64(payload);
        if (encoding != "plain")
            throw ApiError::badParameter(std::string(name) + ": expected plain or base64");
    }
    return payload;
}

void publish(const Services& services, const Object& message)
{
    const auto topics = topicsOf(message);
    const std::string payload = payloadOf(message);
    const PublishProperties properties(
        message.has("properties") ? message.getObject("properties") : Object::Ptr());
    sdk::Broker::Publication publication{};
    publication.size = sizeof publication;
    publication.qos = qosOf(message);
    publication.retain = member<bool>(message, "retain", false);
    publication.payload = {payload.data(), payload.size()};
    publication.properties = {properties.encoded().data(), properties.encoded().size()};
    publication.expirySeconds = kNoExpiry;
    for (const auto& topic : topics)
    {
        publication.topic = topic;
        const sdk::Status status = services.broker.publish(&publication);
        if (status == -EINVAL)
            throw ApiError::badParameter("not a Topic Name, or properties that MQTT does not allow: " +
                                         topic);
        if (status != 0)
            throw ApiError(500, Code::RpcError, "too many messages wait to be published");
    }
}

/// Whether this client has a connection now.
void requireConnected(const Services& services, const std::string& clientId)
{
    sdk::Query::ClientFilter filter{};
    filter.size = sizeof filter;
    filter.clientId = clientId;
    bool connected = false;
    Walks(services).clients(filter, [&connected](const sdk::Query::Client& client) {
        connected = client.connected != 0;
        return false;
    });
    if (!connected) throw ApiError(404, Code::ClientOffline, "not connected: " + clientId);
}

void subscribe(const Services& services, const Object& wish)
{
    const auto clientId = member<std::string>(wish, "clientid", "");
    if (clientId.empty()) throw ApiError::missing("clientid");
    const auto topics = topicsOf(wish);
    const auto qos = qosOf(wish);
    requireConnected(services, clientId);
    for (const auto& topic : topics)
        if (services.clients.subscribe(clientId, topic, qos) != 0)
            throw ApiError::badParameter("not a Topic Filter: " + topic);
}

void unsubscribe(const Services& services, const Object& wish)
{
    const auto clientId = member<std::string>(wish, "clientid", "");
    if (clientId.empty()) throw ApiError::missing("clientid");
    const auto topics = topicsOf(wish);
    requireConnected(services, clientId);
    for (const auto& topic : topics)
        if (services.clients.unsubscribe(clientId, topic) != 0)
            throw ApiError::badParameter("not a Topic Filter: " + topic);
}

using Act = void (*)(const Services& services, const Object& wish);

/// Each item for itself: `{"data":[{"topic":…,"code":…}],"code":0}`.
void batch(const Services& services, const Request& request, Reply& reply, Act act)
{
    const auto value = request.json();
    if (value.type() != typeid(Array::Ptr))
        throw ApiError(400, Code::BadJson, "the body is not a JSON array");
    const auto& items = *value.extract<Array::Ptr>();
    if (items.size() > kMaximumBatch)
        throw ApiError::badParameter("more than " + std::to_string(kMaximumBatch) + " items");
    Array::Ptr results = new Array;
    for (const auto& item : items)
    {
        auto result = makeObject();
        Code code = Code::Ok;
        if (item.type() != typeid(Object::Ptr))
        {
            code = Code::BadParameter;
            result->set("topic", "");
        }
        else
        {
            const auto& wish = *item.extract<Object::Ptr>();
            try
            {
                act(services, wish);
            }
            catch (const ApiError& error)
            {
                code = error.code;
            }
            result->set("topic", wish.has("topic") ? wish.get("topic") : wish.get("topics"));
        }
        result->set("code", static_cast<int>(code));
        results->add(result);
    }
    auto body = makeObject();
    body->set("data", results);
    body->set("code", 0);
    reply.json(body);
}

Object::Ptr describe(const sdk::Query::Retained& message, bool withPayload)
{
    auto item = makeObject();
    item->set("topic", std::string(message.topic.view()));
    item->set("qos", static_cast<int>(message.qos));
    item->set("publish_at", dateTime(message.receivedAtMs));
    item->set("from_clientid", std::string(message.clientId.view()));
    if (message.expirySeconds != kNoExpiry) item->set("expiry_interval", message.expirySeconds);
    item->set("size", message.payload.size);
    if (withPayload) item->set("payload", toBase64(message.payload.view()));
    return item;
}

void listRetained(const Services& services, const Request& request, Reply& reply)
{
    request.allowQuery({"topic", "_page", "_limit"});
    const std::string* const filter = request.queryText("topic");
    Page page(request);
    DataList list(reply);
    Walks(services).retained(filter ? *filter : std::string("#"),
                             [&](const sdk::Query::Retained& message) {
                                 if (page.take()) list.add(describe(message, false));
                                 return filter || !page.full();
                             });
    list.end(filter ? page.meta()
                    : page.meta(Figures(services.metrics).count("nanomq_retained_messages")));
}

/// A filter that means one topic alone.
const std::string& oneTopic(const Request& request)
{
    const std::string& topic = request.parameterText("topic");
    if (topic.find_first_of("+#") != std::string::npos)
        throw ApiError::badParameter("not a Topic Name: " + topic);
    return topic;
}

void showRetained(const Services& services, const Request& request, Reply& reply)
{
    const std::string& topic = oneTopic(request);
    Object::Ptr found;
    Walks(services).retained(topic, [&found](const sdk::Query::Retained& message) {
        found = describe(message, true);
        return false;
    });
    if (!found) throw ApiError::notFound("nothing is retained for " + topic);
    auto body = makeObject();
    body->set("code", 0);
    body->set("data", found);
    reply.json(body);
}

void deleteRetained(const Services& services, const Request& request, Reply& reply)
{
    sdk::Broker::Publication publication{};
    publication.size = sizeof publication;
    publication.retain = 1;
    publication.topic = oneTopic(request);
    publication.expirySeconds = kNoExpiry;
    if (services.broker.publish(&publication) != 0)
        throw ApiError::badParameter("not a Topic Name");
    reply.done();
}

void addAction(Router& router, const Services& services, const std::string& path, Act act,
               const char* summary, const char* schema)
{
    const std::string item = std::string(R"({"$ref":"#/components/schemas/)") + schema + "\"}";
    router.add({"POST", path, sdk::HttpRole::Operator, summary,
                R"("requestBody":{"required":true,"content":{"application/json":{"schema":)" +
                    item + "}}}",
                [&services, act](const Request& request, Reply& reply) {
                    act(services, *request.object());
                    reply.done();
                }});
    router.add({"POST", path + "_batch", sdk::HttpRole::Operator,
                std::string(summary) + ", many at once",
                R"("requestBody":{"required":true,"content":{"application/json":{"schema":)"
                R"({"type":"array","items":)" +
                    item + "}}}},\"responses\":{\"200\":{\"$ref\":\"#/components/responses/list\"}}",
                [&services, act](const Request& request, Reply& reply) {
                    batch(services, request, reply, act);
                }});
}

} // namespace

void addMessageRoutes(Router& router, const Services& services)
{
    using Role = sdk::HttpRole;
    addAction(router, services, "/api/v4/mqtt/publish", publish, "Publishes a message", "publish");
    addAction(router, services, "/api/v4/mqtt/subscribe", subscribe, "Subscribes for a client",
              "subscribe");
    addAction(router, services, "/api/v4/mqtt/unsubscribe", unsubscribe,
              "Unsubscribes for a client", "subscribe");
    router.add({"GET", "/api/v4/retained", Role::Reader, "Retained messages, without payloads",
                R"("parameters":[{"$ref":"#/components/parameters/page"},)"
                R"({"$ref":"#/components/parameters/limit"},)"
                R"({"name":"topic","in":"query","schema":{"type":"string"}}],)"
                R"("responses":{"200":{"$ref":"#/components/responses/list"}})",
                [&services](const Request& request, Reply& reply) {
                    listRetained(services, request, reply);
                }});
    router.add({"GET", "/api/v4/retained/{topic}", Role::Reader,
                "One retained message, its payload as base64",
                R"("responses":{"200":{"$ref":"#/components/responses/object"}})",
                [&services](const Request& request, Reply& reply) {
                    showRetained(services, request, reply);
                }});
    router.add({"DELETE", "/api/v4/retained/{topic}", Role::Operator, "Forgets a retained message",
                "", [&services](const Request& request, Reply& reply) {
                    deleteRetained(services, request, reply);
                }});
}

} // namespace rest_api
