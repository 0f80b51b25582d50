#include "SamePacket.h"

#include <algorithm>

namespace nanomq::test
{

namespace
{

bool sameBytes(ByteView a, ByteView b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool sameBytes(const std::optional<ByteView>& a, const std::optional<ByteView>& b)
{
    return a.has_value() == b.has_value() && (!a || sameBytes(*a, *b));
}

/// Compares fields, each only where both have it.
class Fields
{
public:
    Fields(const Properties& a, const Properties& b) : _a(a), _b(b) {}

    template <class Field> Fields& compare(PropertyId id, Field Properties::*field)
    {
        if (_a.has(id)) _same = _same && equal(_a.*field, _b.*field);
        return *this;
    }
    bool same() const { return _same; }

private:
    template <class T> static bool equal(const T& a, const T& b) { return a == b; }
    static bool equal(const ByteView& a, const ByteView& b) { return sameBytes(a, b); }

    const Properties& _a;
    const Properties& _b;
    bool _same = true;
};

bool same(const Will& a, const Will& b)
{
    return a.topicName == b.topicName && sameBytes(a.payload, b.payload) && a.qos == b.qos &&
           a.retain == b.retain && test::same(a.properties, b.properties);
}

bool same(const Connect& a, const Connect& b)
{
    if (a.will.has_value() != b.will.has_value()) return false;
    if (a.will && !same(*a.will, *b.will)) return false;
    return a.version == b.version && a.bridge == b.bridge && a.cleanStart == b.cleanStart &&
           a.keepAlive == b.keepAlive && a.clientId == b.clientId && a.userName == b.userName &&
           sameBytes(a.password, b.password) && test::same(a.properties, b.properties);
}

bool same(const Connack& a, const Connack& b)
{
    return a.sessionPresent == b.sessionPresent && a.reason == b.reason &&
           test::same(a.properties, b.properties);
}

bool same(const Publish& a, const Publish& b)
{
    return a.dup == b.dup && a.qos == b.qos && a.retain == b.retain && a.topicName == b.topicName &&
           a.packetIdentifier == b.packetIdentifier && sameBytes(a.payload, b.payload) &&
           test::same(a.properties, b.properties);
}

bool same(const Acknowledgement& a, const Acknowledgement& b)
{
    return a.type == b.type && a.packetIdentifier == b.packetIdentifier && a.reason == b.reason &&
           test::same(a.properties, b.properties);
}

bool same(const Subscribe& a, const Subscribe& b)
{
    return a.packetIdentifier == b.packetIdentifier && a.requests == b.requests &&
           test::same(a.properties, b.properties);
}

bool same(const Unsubscribe& a, const Unsubscribe& b)
{
    return a.packetIdentifier == b.packetIdentifier && a.topicFilters == b.topicFilters &&
           test::same(a.properties, b.properties);
}

template <class Answer> bool sameAnswer(const Answer& a, const Answer& b)
{
    return a.packetIdentifier == b.packetIdentifier && a.reasons == b.reasons &&
           test::same(a.properties, b.properties);
}

bool same(const Suback& a, const Suback& b)
{
    return sameAnswer(a, b);
}

bool same(const Unsuback& a, const Unsuback& b)
{
    return sameAnswer(a, b);
}

bool same(const Pingreq&, const Pingreq&)
{
    return true;
}

bool same(const Pingresp&, const Pingresp&)
{
    return true;
}

bool same(const Disconnect& a, const Disconnect& b)
{
    return a.reason == b.reason && test::same(a.properties, b.properties);
}

bool same(const Auth& a, const Auth& b)
{
    return a.reason == b.reason && test::same(a.properties, b.properties);
}

} // namespace

bool same(const Properties& a, const Properties& b)
{
    using Id = PropertyId;
    using P = Properties;
    if (a.present != b.present || !sameBytes(a.raw, b.raw)) return false;
    return Fields(a, b)
        .compare(Id::PayloadFormatIndicator, &P::payloadFormatIndicator)
        .compare(Id::MessageExpiryInterval, &P::messageExpiryInterval)
        .compare(Id::ContentType, &P::contentType)
        .compare(Id::ResponseTopic, &P::responseTopic)
        .compare(Id::CorrelationData, &P::correlationData)
        .compare(Id::SubscriptionIdentifier, &P::subscriptionIdentifier)
        .compare(Id::SessionExpiryInterval, &P::sessionExpiryInterval)
        .compare(Id::AssignedClientIdentifier, &P::assignedClientIdentifier)
        .compare(Id::ServerKeepAlive, &P::serverKeepAlive)
        .compare(Id::AuthenticationMethod, &P::authenticationMethod)
        .compare(Id::AuthenticationData, &P::authenticationData)
        .compare(Id::RequestProblemInformation, &P::requestProblemInformation)
        .compare(Id::WillDelayInterval, &P::willDelayInterval)
        .compare(Id::RequestResponseInformation, &P::requestResponseInformation)
        .compare(Id::ResponseInformation, &P::responseInformation)
        .compare(Id::ServerReference, &P::serverReference)
        .compare(Id::ReasonString, &P::reasonString)
        .compare(Id::ReceiveMaximum, &P::receiveMaximum)
        .compare(Id::TopicAliasMaximum, &P::topicAliasMaximum)
        .compare(Id::TopicAlias, &P::topicAlias)
        .compare(Id::MaximumQoS, &P::maximumQoS)
        .compare(Id::RetainAvailable, &P::retainAvailable)
        .compare(Id::MaximumPacketSize, &P::maximumPacketSize)
        .compare(Id::WildcardSubscriptionAvailable, &P::wildcardSubscriptionAvailable)
        .compare(Id::SubscriptionIdentifierAvailable, &P::subscriptionIdentifierAvailable)
        .compare(Id::SharedSubscriptionAvailable, &P::sharedSubscriptionAvailable)
        .same();
}

bool same(const Packet& a, const Packet& b)
{
    return a.index() == b.index() && std::visit(
                                         [&b](const auto& one) {
                                             using P = std::decay_t<decltype(one)>;
                                             return same(one, std::get<P>(b));
                                         },
                                         a);
}

} // namespace nanomq::test
