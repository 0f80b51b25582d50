#include "EventBody.h"

#include "EventKind.h"

namespace webhook
{

namespace sdk = nanomq::sdk;

namespace
{

/// Writes one JSON object, key by key. Keys are our own and need no escaping.
class Body
{
public:
    Body() { _text.reserve(256); }

    Body& text(std::string_view key, std::string_view value)
    {
        name(key);
        appendString(_text, value);
        return *this;
    }
    Body& number(std::string_view key, std::uint64_t value)
    {
        return raw(key, std::to_string(value));
    }
    Body& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
    Body& raw(std::string_view key, std::string_view json)
    {
        name(key);
        _text += json;
        return *this;
    }
    Body& payload(sdk::Bytes bytes, PayloadEncoding encoding)
    {
        name("payload");
        appendPayload(_text, bytes.view(), encoding);
        return *this;
    }

    // Which keys name a client depends on its part in the event.
    Body& clientId(std::string_view key, const sdk::ClientInfo* client)
    {
        return client ? text(key, client->clientId.view()) : raw(key, "null");
    }
    Body& userName(std::string_view key, const sdk::ClientInfo* client)
    {
        const bool known = client && client->hasUserName;
        return text(key, known ? client->userName.view() : "undefined");
    }

    std::string done()
    {
        _text += '}';
        return std::move(_text);
    }

private:
    void name(std::string_view key)
    {
        _text += _text.empty() ? "{\"" : ",\"";
        _text += key;
        _text += "\":";
    }

    std::string _text;
};

/// What the events that only EMQX defines begin with.
Body begin(EventKind kind, const sdk::ClientInfo* client)
{
    Body body;
    body.text("action", actionName(kind)).clientId("clientid", client).userName("username", client);
    return body;
}

void appendConnection(Body& body, const sdk::ClientInfo* client)
{
    body.text("ipaddress", client ? client->peerAddress.view() : std::string_view())
        .number("keepalive", client ? client->keepAliveSeconds : 0)
        .number("proto_ver", client ? client->protocolVersion : 0);
}

std::string optionsJson(const sdk::SubscribeOptions& options)
{
    return "{\"qos\":" + std::to_string(options.qos) +
           ",\"nl\":" + std::to_string(options.noLocal) +
           ",\"rap\":" + std::to_string(options.retainAsPublished) +
           ",\"rh\":" + std::to_string(options.retainHandling) + "}";
}

std::string receiverBody(EventKind kind, const sdk::MessageOfReceiver& event,
                         PayloadEncoding encoding)
{
    return begin(kind, event.client)
        .clientId("from_client_id", event.publisher)
        .userName("from_username", event.publisher)
        .text("topic", event.topic.view())
        .number("qos", event.qos)
        .boolean("retain", event.retain != 0)
        .payload(event.payload, encoding)
        .number("ts", event.header.timeMs)
        .done();
}

} // namespace

std::string bodyOf(const sdk::ClientConnect& event)
{
    Body body = begin(EventKind::ClientConnect, event.client);
    appendConnection(body, event.client);
    return body.done();
}

std::string bodyOf(const sdk::ClientConnack& event)
{
    return Body()
        .number("proto_ver", event.client ? event.client->protocolVersion : 0)
        .number("keepalive", event.client ? event.client->keepAliveSeconds : 0)
        .text("conn_ack", event.reason == 0 ? "success" : "fail")
        .userName("username", event.client)
        .clientId("clientid", event.client)
        .text("action", actionName(EventKind::ClientConnack))
        .done();
}

std::string bodyOf(const sdk::ClientConnected& event)
{
    Body body = begin(EventKind::ClientConnected, event.client);
    appendConnection(body, event.client);
    return body.number("connected_at", event.client ? event.client->connectedAtMs : 0).done();
}

std::string bodyOf(const sdk::ClientDisconnected& event)
{
    // 0x04 is a client's own DISCONNECT too, one that asks for its Will Message (§3.14.2.1).
    const bool normal = event.reason == 0x00 || event.reason == 0x04;
    return Body()
        .text("reason", normal ? "normal" : "abnormal")
        .userName("username", event.client)
        .clientId("clientid", event.client)
        .text("action", actionName(EventKind::ClientDisconnected))
        .done();
}

std::string bodyOf(const sdk::ClientSubscribe& event)
{
    return begin(EventKind::ClientSubscribe, event.client)
        .text("topic", event.topicFilter.view())
        .raw("opts", optionsJson(event.options))
        .done();
}

std::string bodyOf(const sdk::ClientUnsubscribe& event)
{
    return begin(EventKind::ClientUnsubscribe, event.client)
        .text("topic", event.topicFilter.view())
        .raw("opts", "{}") // UNSUBSCRIBE carries none
        .done();
}

std::string bodyOf(const sdk::SessionSubscribed& event)
{
    return begin(EventKind::SessionSubscribed, event.client)
        .text("topic", event.topicFilter.view())
        .raw("opts", optionsJson(event.options))
        .done();
}

std::string bodyOf(const sdk::SessionUnsubscribed& event)
{
    return begin(EventKind::SessionUnsubscribed, event.client)
        .text("topic", event.topicFilter.view())
        .done();
}

std::string bodyOf(const sdk::SessionTerminated& event)
{
    return begin(EventKind::SessionTerminated, event.client)
        .text("reason", event.reasonText.view())
        .done();
}

std::string bodyOf(const sdk::MessagePublished& event, PayloadEncoding encoding)
{
    return Body()
        .number("ts", event.header.timeMs)
        .text("topic", event.topic.view())
        .boolean("retain", event.retain != 0)
        .number("qos", event.qos)
        .text("action", actionName(EventKind::MessagePublish))
        .userName("from_username", event.client)
        .clientId("from_client_id", event.client)
        .payload(event.payload, encoding)
        .done();
}

std::string bodyOf(const sdk::MessageDelivered& event, PayloadEncoding encoding)
{
    return receiverBody(EventKind::MessageDelivered, event, encoding);
}

std::string bodyOf(const sdk::MessageAcked& event, PayloadEncoding encoding)
{
    return receiverBody(EventKind::MessageAcked, event, encoding);
}

} // namespace webhook
