#include "Presence.h"

#include <Poco/JSON/Object.h>

#include <sstream>

namespace sys_topics
{

namespace sdk = nanomq::sdk;

namespace
{

using Poco::JSON::Object;

Object emptyBody()
{
    return Object(Poco::JSON_PRESERVE_KEY_ORDER);
}

std::string textOf(sdk::Str text)
{
    return std::string(text.view());
}

std::string hex(sdk::ReasonCode code)
{
    std::ostringstream text;
    text << std::hex << static_cast<unsigned>(code);
    return text.str();
}

std::string written(const Object& body)
{
    std::ostringstream text;
    body.stringify(text);
    return text.str();
}

void addUser(Object& body, const sdk::EventHeader& header, const sdk::ClientInfo& client)
{
    body.set("username", client.hasUserName ? textOf(client.userName) : std::string("undefined"));
    body.set("ts", header.timeMs);
}

void addConnection(Object& body, const sdk::ClientInfo& client)
{
    body.set("proto_name", client.protocolVersion == 3 ? "MQIsdp" : "MQTT");
    body.set("keepalive", client.keepAliveSeconds);
    body.set("return_code", "0");
    body.set("proto_ver", static_cast<unsigned>(client.protocolVersion));
    body.set("client_id", textOf(client.clientId));
    body.set("clean_start", static_cast<unsigned>(client.cleanStart));
}

void addEnd(Object& body, const sdk::ClientDisconnected& event)
{
    body.set("reason_code", hex(event.reason));
    body.set("client_id", textOf(event.client->clientId));
}

} // namespace

std::string connectedBody(const sdk::ClientConnected& event)
{
    Object body = emptyBody();
    addUser(body, event.header, *event.client);
    addConnection(body, *event.client);
    return written(body);
}

std::string disconnectedBody(const sdk::ClientDisconnected& event)
{
    Object body = emptyBody();
    addUser(body, event.header, *event.client);
    addEnd(body, event);
    return written(body);
}

std::string onlineBody(const sdk::ClientConnected& event)
{
    Object body = emptyBody();
    body.set("status", "online");
    addUser(body, event.header, *event.client);
    addConnection(body, *event.client);
    body.set("IPv4", textOf(event.client->peerAddress));
    return written(body);
}

std::string offlineBody(const sdk::ClientDisconnected& event)
{
    Object body = emptyBody();
    body.set("status", "offline");
    addUser(body, event.header, *event.client);
    addEnd(body, event);
    body.set("IPv4", textOf(event.client->peerAddress));
    return written(body);
}

} // namespace sys_topics
