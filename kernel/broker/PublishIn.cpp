// PUBLISH as it comes in, and the acknowledgements that come back for what was sent.

#include "broker/Client.h"
#include "broker/MountPoint.h"
#include "broker/PublishHook.h"
#include "broker/Worker.h"
#include "topic/SystemTopic.h"
#include "topic/TopicName.h"
#include "wire/ForwardedProperties.h"
#include "wire/ListedReasons.h"

namespace nanomq
{

namespace
{

/// PUBACK or PUBREC with a Reason String, at most, without its text.
constexpr std::size_t kRefusalBytes = 1 + 4 + 2 + 1 + 4 + 3;

} // namespace

Client::Step Client::onPublish(const FixedHeader& header, ByteView body)
{
    Publish publish;
    const ReasonCode decoded = decodePublish(header, body, _version, publish);
    if (isFailure(decoded)) return fail(decoded);

    const auto& settings = _worker->broker().settings;
    if (publish.qos > settings.maximumQoS) return fail(ReasonCode::QoSNotSupported);
    if (publish.retain && !settings.retainAvailable) return fail(ReasonCode::RetainNotSupported);
    if (_version == ProtocolVersion::v5_0)
    {
        if (publish.properties.has(PropertyId::SubscriptionIdentifier)) // [MQTT-3.3.4-6]
            return fail(ReasonCode::ProtocolError, "a Subscription Identifier in PUBLISH");
        if (publish.properties.has(PropertyId::TopicAlias))
            if (const Step step = resolveAlias(publish); step != Step::Done) return step;
        if (tooManyUserProperties(publish.properties))
            return overLimit(Limit::UserProperties, ReasonCode::QuotaExceeded,
                             "too many User Properties");
    }
    if (!mountPoint().empty() && !publish.topicName.empty()) [[unlikely]]
        publish.topicName = _mounted = mounted(mountPoint(), publish.topicName);
    if (!isValidTopicName(publish.topicName)) return fail(ReasonCode::TopicNameInvalid);
    if (const auto reached = topicLimit(publish.topicName))
        return overLimit(*reached, ReasonCode::TopicNameInvalid, "the Topic Name is too long");

    auto& unreleased = _session->receivedExactlyOnce();
    if (publish.qos == QoS::ExactlyOnce && !replaying())
    {
        // Sent again, and taken already: answered, not routed a second time [MQTT-4.3.3-10].
        if (unreleased.contains(publish.packetIdentifier))
            return acknowledge(publish, ReasonCode::Success), Step::Done;
        if (_version == ProtocolVersion::v5_0 &&
            unreleased.size() >= _worker->broker().settings.receiveMaximum)
            return fail(ReasonCode::ReceiveMaximumExceeded); // [MQTT-3.3.4-9]
    }
    if (publish.qos != QoS::AtMostOnce && !replaying() &&
        _worker->broker().memory.level() >= MemoryLevel::Wait)
        if (const Step step = shortOfMemory(publish); step != Step::Waits || !_mayPass)
            return step;
    _mayPass = false;

    MessageView view;
    view.topicName = publish.topicName;
    view.payload = publish.payload;
    view.qos = publish.qos;
    view.retain = publish.retain;
    view.receivedAt = _worker->loop().wallClock();
    if (!publish.properties.empty())
    {
        view.properties = forwardedProperties(publish.properties, _worker->propertyScratch());
        if (publish.properties.has(PropertyId::MessageExpiryInterval))
            view.expiresAt = _worker->loop().now() +
                             MonotonicMs{publish.properties.messageExpiryInterval} * 1000;
    }
    if (isSystemTopic(view.topicName)) // clients cannot speak for the broker
    {
        _worker->counters().messagesRefused.add();
        return acknowledge(publish, ReasonCode::NotAuthorized), Step::Done;
    }

    const HookTable& hooks = _worker->hooks();
    if (hooks.any(sdk::HookPoint::ClientAuthorize) || hooks.any(sdk::HookPoint::MessagePublish) ||
        replaying())
        return publishThroughHooks(view, publish);
    routeAndAcknowledge(view, publish);
    return Step::Done;
}

/// Waits; or, when that has not helped, is told to try again later: the message stays the client's.
Client::Step Client::shortOfMemory(const Publish& publish)
{
    if (_worker->broker().memory.level() < MemoryLevel::Refuse) return Step::Waits;
    _worker->limitReached(Limit::Memory, description(), "its message is refused");
    if (_version == ProtocolVersion::v5_0)
    {
        _worker->counters().messagesRefused.add();
        acknowledge(publish, ReasonCode::QuotaExceeded);
        return Step::Done;
    }
    // 3.x has no answer that says no: what is not acknowledged comes again with the client.
    disconnect(ReasonCode::QuotaExceeded, "memory is short");
    return Step::Closed;
}

Client::Step Client::resolveAlias(Publish& publish)
{
    const auto alias = publish.properties.topicAlias;
    const auto maximum = _worker->broker().settings.topicAliasMaximum;
    if (alias == 0 || alias > maximum) // [MQTT-3.3.2-8], [MQTT-3.3.2-9]
        return fail(ReasonCode::TopicAliasInvalid);
    if (!_aliases) _aliases = std::make_unique<std::vector<std::string>>();
    if (_aliases->size() < alias) _aliases->resize(alias);
    auto& topicName = (*_aliases)[alias - 1u];
    if (!publish.topicName.empty()) topicName = publish.topicName;
    if (topicName.empty()) return fail(ReasonCode::ProtocolError, "a Topic Alias that was never set");
    publish.topicName = topicName;
    return Step::Done;
}

const HookOutcome* Client::askPublish(const MessageView& view)
{
    static const HookOutcome kNothing;
    const HookTable& hooks = _worker->hooks();
    if (asks(sdk::HookPoint::ClientAuthorize))
    {
        auto event = newEvent<sdk::ClientAuthorize>();
        event.client = &_identity->info();
        event.topic = view.topicName;
        event.access = sdk::Access::Publish;
        event.qos = static_cast<std::uint8_t>(view.qos);
        event.retain = view.retain;
        const HookOutcome* const outcome = questions().ask(hooks, event, owners());
        if (!outcome || outcome->verdict == sdk::Verdict::Deny) return outcome;
    }
    if (!asks(sdk::HookPoint::MessagePublish)) return &kNothing;
    auto event = publishEvent(view, &_identity->info(), _worker->loop().now());
    return questions().ask(hooks, event, owners());
}

Client::Step Client::publishThroughHooks(const MessageView& view, const Publish& publish)
{
    const HookOutcome* const outcome = askPublish(view);
    if (!outcome) return Step::Parked;
    if (outcome->verdict == sdk::Verdict::Deny || outcome->verdict == sdk::Verdict::Drop)
    {
        _worker->tellRefused(view, _identity.get(), *outcome);
        if (outcome->verdict == sdk::Verdict::Drop)
            return acknowledge(publish, ReasonCode::Success), Step::Done;
        const auto reason =
            refusalFor(PacketType::Puback, static_cast<ReasonCode>(outcome->reason),
                       ReasonCode::NotAuthorized);
        return acknowledge(publish, reason, outcome->reasonText), Step::Done;
    }
    const RewrittenMessage rewritten(view, *outcome);
    if (!rewritten.valid())
    {
        _worker->counters().messagesRefused.add();
        return acknowledge(publish, ReasonCode::TopicNameInvalid), Step::Done;
    }
    routeAndAcknowledge(rewritten.view(), publish);
    return Step::Done;
}

void Client::routeAndAcknowledge(const MessageView& view, const Publish& publish)
{
    if (view.retain && publish.qos != QoS::AtMostOnce && _version == ProtocolVersion::v5_0 &&
        !_worker->mayRetain(view))
    {
        _worker->limitReached(Limit::RetainedStore, description(), "its message is refused");
        return acknowledge(publish, ReasonCode::QuotaExceeded);
    }
    ++_published;
    _worker->latency().publishBegins();
    Publication publication(view, _identity.get(), _session->outbound().id(), _worker->frames());
    const Routed routed = _worker->route(publication, _worker->hooks());
    if (publish.qos == QoS::AtMostOnce) return;
    ReasonCode reason = ReasonCode::Success;
    if (routed.recipients == 0) reason = ReasonCode::NoMatchingSubscribers;
    else if (routed.taken == 0 && routed.overQuota > 0) reason = ReasonCode::QuotaExceeded;
    acknowledge(publish, reason);
}

void Client::acknowledge(const Publish& publish, ReasonCode reason, std::string_view text)
{
    if (publish.qos == QoS::AtMostOnce) return;
    const bool exactlyOnce = publish.qos == QoS::ExactlyOnce;
    // A refused one is settled with PUBREC [MQTT-4.3.3-9]; to 3.x clients, which know no refusal,
    // it is acknowledged.
    if (exactlyOnce && !(isFailure(reason) && _version == ProtocolVersion::v5_0))
        _session->receivedExactlyOnce().insert(publish.packetIdentifier);
    const auto type = exactlyOnce ? PacketType::Pubrec : PacketType::Puback;
    if (_version == ProtocolVersion::v5_0 && reason != ReasonCode::Success)
    {
        Acknowledgement packet;
        packet.type = type;
        packet.packetIdentifier = publish.packetIdentifier;
        packet.reason = reason;
        // [MQTT-3.1.2-29], [MQTT-3.4.2-2], [MQTT-3.5.2-2]
        PropertyWriter properties;
        const std::size_t size = kRefusalBytes + text.size();
        if (!text.empty() && _wantsProblemInformation && size <= _maximumPacketSize)
            properties.add(PropertyId::ReasonString, text);
        packet.properties.raw = properties.raw();
        return send(packet);
    }
    const std::uint8_t packet[] = {static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4), 2,
                                   static_cast<std::uint8_t>(publish.packetIdentifier >> 8),
                                   static_cast<std::uint8_t>(publish.packetIdentifier)};
    sendBytes(packet);
}

Client::Step Client::onAcknowledgement(const FixedHeader& header, ByteView body)
{
    const auto packet = decodeAcknowledgement(header, body, _version);
    if (!packet) return fail(packet.error());
    if (tooManyUserProperties(packet->properties))
        return overLimit(Limit::UserProperties, ReasonCode::QuotaExceeded,
                         "too many User Properties");
    if (packet->type == PacketType::Pubrel) return onPubrel(*packet);

    const auto result = _session->outbound().acknowledge(packet->type, packet->packetIdentifier,
                                                         packet->reason, _worker->turn());
    if (result.settled) _worker->tellAcknowledged(*_session, result.delivery);
    else if (result.known) _worker->counters().answersSent.add(); // PUBREL
    if (result.known || packet->type != PacketType::Pubrec || isFailure(packet->reason))
        return Step::Done;
    // Nothing is known of it, so nothing is to be released; the answer lets the client forget it.
    Acknowledgement pubrel;
    pubrel.type = PacketType::Pubrel;
    pubrel.packetIdentifier = packet->packetIdentifier;
    pubrel.reason = ReasonCode::PacketIdentifierNotFound;
    send(pubrel);
    return Step::Done;
}

Client::Step Client::onPubrel(const Acknowledgement& pubrel)
{
    const bool known = _session->receivedExactlyOnce().erase(pubrel.packetIdentifier);
    Acknowledgement pubcomp;
    pubcomp.type = PacketType::Pubcomp;
    pubcomp.packetIdentifier = pubrel.packetIdentifier;
    if (!known) pubcomp.reason = ReasonCode::PacketIdentifierNotFound;
    send(pubcomp);
    return Step::Done;
}

} // namespace nanomq
