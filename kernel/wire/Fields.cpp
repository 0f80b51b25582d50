#include "wire/Fields.h"

namespace nanomq
{

namespace
{

constexpr ReasonCode kFine = ReasonCode::Success;

template <class Value> ReasonCode store(const Decoded<Value>& decoded, Value& field) noexcept
{
    if (!decoded) return decoded.error();
    field = *decoded;
    return kFine;
}

ReasonCode storeFlag(const Decoded<std::uint8_t>& decoded, std::uint8_t& field) noexcept
{
    if (decoded && *decoded > 1) return ReasonCode::ProtocolError;
    return store(decoded, field);
}

template <class Number>
ReasonCode storeNotZero(const Decoded<Number>& decoded, Number& field) noexcept
{
    if (decoded && *decoded == 0) return ReasonCode::ProtocolError;
    return store(decoded, field);
}

ReasonCode storeResponseTopic(Reader& in, Properties& properties) noexcept
{
    const auto topic = in.text();
    // [MQTT-3.3.2-14], and [MQTT-4.7.3-1] as for every Topic Name
    if (topic && (topic->empty() || hasWildcard(*topic))) return ReasonCode::ProtocolError;
    return store(topic, properties.responseTopic);
}

ReasonCode storeSubscriptionIdentifier(Reader& in, Properties& properties) noexcept
{
    std::uint32_t identifier = 0;
    const ReasonCode reason = storeNotZero(in.variableByteInteger(), identifier);
    if (reason == kFine && !properties.has(PropertyId::SubscriptionIdentifier))
        properties.subscriptionIdentifier = identifier;
    return reason;
}

ReasonCode checkUserProperty(Reader& in, Properties& properties) noexcept
{
    const auto name = in.text();
    if (!name) return name.error();
    const auto value = in.text();
    if (!value) return value.error();
    const bool isFirst = !properties.has(PropertyId::UserProperty);
    properties.userProperties = isFirst ? 1 : properties.userProperties + 1;
    return kFine;
}

ReasonCode decodeValue(PropertyId id, Reader& in, Properties& to) noexcept
{
    switch (id)
    {
    case PropertyId::PayloadFormatIndicator: return storeFlag(in.byte(), to.payloadFormatIndicator);
    case PropertyId::MessageExpiryInterval:
        return store(in.fourByteInteger(), to.messageExpiryInterval);
    case PropertyId::ContentType: return store(in.text(), to.contentType);
    case PropertyId::ResponseTopic: return storeResponseTopic(in, to);
    case PropertyId::CorrelationData: return store(in.binary(), to.correlationData);
    case PropertyId::SubscriptionIdentifier: return storeSubscriptionIdentifier(in, to);
    case PropertyId::SessionExpiryInterval:
        return store(in.fourByteInteger(), to.sessionExpiryInterval);
    case PropertyId::AssignedClientIdentifier: return store(in.text(), to.assignedClientIdentifier);
    case PropertyId::ServerKeepAlive: return store(in.twoByteInteger(), to.serverKeepAlive);
    case PropertyId::AuthenticationMethod: return store(in.text(), to.authenticationMethod);
    case PropertyId::AuthenticationData: return store(in.binary(), to.authenticationData);
    case PropertyId::RequestProblemInformation:
        return storeFlag(in.byte(), to.requestProblemInformation);
    case PropertyId::WillDelayInterval: return store(in.fourByteInteger(), to.willDelayInterval);
    case PropertyId::RequestResponseInformation:
        return storeFlag(in.byte(), to.requestResponseInformation);
    case PropertyId::ResponseInformation: return store(in.text(), to.responseInformation);
    case PropertyId::ServerReference: return store(in.text(), to.serverReference);
    case PropertyId::ReasonString: return store(in.text(), to.reasonString);
    case PropertyId::ReceiveMaximum: return storeNotZero(in.twoByteInteger(), to.receiveMaximum);
    case PropertyId::TopicAliasMaximum: return store(in.twoByteInteger(), to.topicAliasMaximum);
    case PropertyId::TopicAlias: return store(in.twoByteInteger(), to.topicAlias);
    case PropertyId::MaximumQoS: return storeFlag(in.byte(), to.maximumQoS);
    case PropertyId::RetainAvailable: return storeFlag(in.byte(), to.retainAvailable);
    case PropertyId::UserProperty: return checkUserProperty(in, to);
    case PropertyId::MaximumPacketSize:
        return storeNotZero(in.fourByteInteger(), to.maximumPacketSize);
    case PropertyId::WildcardSubscriptionAvailable:
        return storeFlag(in.byte(), to.wildcardSubscriptionAvailable);
    case PropertyId::SubscriptionIdentifierAvailable:
        return storeFlag(in.byte(), to.subscriptionIdentifierAvailable);
    case PropertyId::SharedSubscriptionAvailable:
        return storeFlag(in.byte(), to.sharedSubscriptionAvailable);
    }
    return ReasonCode::MalformedPacket;
}

bool mayRepeat(PropertyId id, PropertyPlace place) noexcept
{
    return id == PropertyId::UserProperty ||
           (id == PropertyId::SubscriptionIdentifier && place == placeOf(PacketType::Publish));
}

} // namespace

ReasonCode decodeProperties(ByteView raw, PropertyPlace place, Properties& properties) noexcept
{
    Reader in(raw);
    while (!in.atEnd())
    {
        // A Variable Byte Integer, but all identifiers of the standard are below 128: a first
        // byte with the high bit begins one that is unknown or too long, malformed both ways.
        const auto id = static_cast<PropertyId>(*in.byte());
        if (!shapeOf(id).fits(place)) return ReasonCode::MalformedPacket;
        if (properties.has(id) && !mayRepeat(id, place)) return ReasonCode::ProtocolError;
        if (const ReasonCode reason = decodeValue(id, in, properties); reason != kFine)
            return reason;
        properties.mark(id);
    }
    properties.raw = raw;
    return kFine;
}

} // namespace nanomq
