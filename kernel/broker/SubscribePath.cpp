// SUBSCRIBE and UNSUBSCRIBE: all questions first, then all changes, then one answer.

#include "broker/Client.h"
#include "broker/MountPoint.h"
#include "broker/Worker.h"
#include "topic/SystemTopic.h"
#include "wire/ListedReasons.h"

#include <algorithm>

namespace nanomq
{

/// A Topic Filter as the hooks have left it, or why it was refused.
struct Client::Wanted
{
    std::string topicFilter;
    QoS qos = QoS::AtMostOnce;
    ReasonCode refused = ReasonCode::Success;
};

namespace
{

sdk::SubscribeOptions describe(const SubscriptionRequest& request, QoS qos,
                               std::uint32_t identifier) noexcept
{
    return {static_cast<std::uint8_t>(qos), request.noLocal, request.retainAsPublished,
            request.retainHandling, identifier};
}

ReasonCode refusal(const HookOutcome& outcome, PacketType answer) noexcept
{
    if (outcome.verdict != sdk::Verdict::Deny) return ReasonCode::Success;
    return refusalFor(answer, static_cast<ReasonCode>(outcome.reason), ReasonCode::NotAuthorized);
}

} // namespace

Client::Step Client::onSubscribe(const FixedHeader& header, ByteView body)
{
    auto packet = decodeSubscribe(header, body, _version);
    if (!packet) return fail(packet.error());
    std::vector<std::string> names; // behind a mount point: what the requests view
    if (!mountPoint().empty())
    {
        names.reserve(packet->requests.size());
        for (auto& request : packet->requests)
            request.topicFilter = names.emplace_back(mounted(mountPoint(), request.topicFilter));
    }
    const std::uint32_t identifier = packet->properties.has(PropertyId::SubscriptionIdentifier)
                                         ? packet->properties.subscriptionIdentifier
                                         : 0;
    std::vector<Wanted> wanted;
    if (tooManyUserProperties(packet->properties))
        return overLimit(Limit::UserProperties, ReasonCode::QuotaExceeded,
                         "too many User Properties");
    wanted.reserve(packet->requests.size());
    const std::size_t maximum = limits().filtersPerSubscribe;
    for (const auto& request : packet->requests)
    {
        if (maximum > 0 && wanted.size() >= maximum)
        {
            wanted.push_back({{}, request.qos, ReasonCode::QuotaExceeded});
            continue;
        }
        auto one = askSubscribe(request, identifier);
        if (!one) return Step::Parked;
        wanted.push_back(std::move(*one));
    }

    if (maximum > 0 && wanted.size() > maximum)
        _worker->limitReached(Limit::FiltersPerSubscribe, description(),
                              "the filters beyond are refused");
    Suback suback;
    suback.packetIdentifier = packet->packetIdentifier;
    suback.reasons.reserve(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
    {
        ReasonCode reason = subscribe(wanted[i], packet->requests[i], identifier);
        // 3.1 has no code for a refusal, and wants a positive answer in its place (v3.1 §3.8).
        if (isFailure(reason) && _version == ProtocolVersion::v3_1)
            reason = static_cast<ReasonCode>(packet->requests[i].qos);
        suback.reasons.push_back(reason);
    }
    send(suback);
    // SUBACK stands in front of what was retained.
    if (_replay) _replay->start();
    return Step::Done;
}

std::optional<Client::Wanted> Client::askSubscribe(const SubscriptionRequest& request,
                                                   std::uint32_t identifier)
{
    const QoS granted = std::min(request.qos, _worker->broker().settings.maximumQoS);
    Wanted wanted{std::string(request.topicFilter), granted};
    const HookTable& hooks = _worker->hooks();
    bool allowed = false;
    if (asks(sdk::HookPoint::ClientAuthorize))
    {
        auto event = newEvent<sdk::ClientAuthorize>();
        event.client = &_identity->info();
        event.topic = request.topicFilter;
        event.access = sdk::Access::Subscribe;
        event.qos = static_cast<std::uint8_t>(request.qos);
        const HookOutcome* const outcome = questions().ask(hooks, event, owners());
        if (!outcome) return std::nullopt;
        wanted.refused = refusal(*outcome, PacketType::Suback);
        if (isFailure(wanted.refused)) return wanted;
        allowed = outcome->verdict == sdk::Verdict::Allow;
    }
    if (!allowed && !_worker->broker().mayReceive(*_identity, request.topicFilter))
    {
        wanted.refused = ReasonCode::NotAuthorized;
        return wanted;
    }
    if (!asks(sdk::HookPoint::ClientSubscribe)) return wanted;
    auto event = newEvent<sdk::ClientSubscribe>();
    event.client = &_identity->info();
    event.topicFilter = request.topicFilter;
    event.options = describe(request, request.qos, identifier);
    const HookOutcome* const outcome = questions().ask(hooks, event, owners());
    if (!outcome) return std::nullopt;
    wanted.refused = refusal(*outcome, PacketType::Suback);
    if (outcome->topic) wanted.topicFilter = *outcome->topic;
    if (outcome->qos) wanted.qos = static_cast<QoS>(*outcome->qos);
    return wanted;
}

ReasonCode Client::subscribe(const Wanted& wanted, const SubscriptionRequest& request,
                             std::uint32_t identifier)
{
    if (isFailure(wanted.refused)) return wanted.refused;
    const auto filter = TopicFilter::parse(wanted.topicFilter);
    if (!filter) return filter.error();
    if (const auto reached = topicLimit(filter->filter()))
    {
        _worker->limitReached(*reached, description(), "the subscription is refused");
        return ReasonCode::TopicFilterInvalid;
    }
    if (const auto reached = subscriptionLimit(*filter))
    {
        _worker->limitReached(*reached, description(), "the subscription is refused");
        return ReasonCode::QuotaExceeded;
    }

    SubscriptionOptions options(wanted.qos);
    options.setNoLocal(request.noLocal && !filter->isShared());
    // 3.x knows no such option, and there RETAIN is set for what was retained only.
    options.setRetainAsPublished(request.retainAsPublished);
    options.setSubscriptionIdentifier(identifier);
    const auto inserted =
        _worker->broker().subscriptions.insert(*filter, _session->outbound().id(), options);
    if (!inserted.existed) _session->addSubscription(inserted.filter);
    _session->readsSystem = _session->readsSystem || isSystemTopic(wanted.topicFilter);
    if (inserted.first)
    {
        sdk::RouteAdded event{};
        event.topicFilter = wanted.topicFilter;
        _worker->tell(event, {}, wanted.topicFilter);
    }
    sdk::SessionSubscribed event{};
    event.client = &_identity->info();
    event.topicFilter = wanted.topicFilter;
    event.options = describe(request, wanted.qos, identifier);
    _worker->tell(event, owners(), wanted.topicFilter);

    // Inserted before retained messages are read: see RetainedStore. Nothing retained is sent for
    // a Shared Subscription (§4.8.2).
    const bool sendRetained =
        !filter->isShared() &&
        (request.retainHandling == 0 || (request.retainHandling == 1 && !inserted.existed));
    if (sendRetained && _worker->broker().retained.count() > 0)
        replayRetained(inserted.filter, *filter, options);
    return static_cast<ReasonCode>(wanted.qos);
}

ReasonCode Client::subscribeOnBehalf(std::string_view topicFilter, QoS qos)
{
    SubscriptionRequest request;
    request.topicFilter = topicFilter;
    request.qos = qos;
    const auto granted = std::min(qos, _worker->broker().settings.maximumQoS);
    const ReasonCode reason = subscribe({std::string(topicFilter), granted}, request, 0);
    if (_replay) _replay->start();
    return reason;
}

ReasonCode Client::unsubscribeOnBehalf(std::string_view topicFilter)
{
    return unsubscribe({std::string(topicFilter)});
}

/// What keeps it from one more subscription; a new one in the place of an old one takes no room.
std::optional<Limit> Client::subscriptionLimit(const TopicFilter& filter) const
{
    BrokerState& broker = _worker->broker();
    const auto& own = _session->subscriptions();
    const bool full = limits().subscriptions > 0 && own.size() >= limits().subscriptions;
    const bool scarce = broker.memory.level() >= MemoryLevel::Refuse;
    if (!full && !scarce) return std::nullopt;
    const auto existing = broker.subscriptions.find(filter);
    if (existing && own.contains(*existing)) return std::nullopt;
    return full ? Limit::Subscriptions : Limit::Memory;
}

void Client::replayRetained(FilterId id, const TopicFilter& filter, SubscriptionOptions options)
{
    if (!_replay) _replay = std::make_unique<RetainedReplay>(*_worker, *_session);
    _replay->add(id, filter, options);
}

Client::Step Client::onUnsubscribe(const FixedHeader& header, ByteView body)
{
    auto packet = decodeUnsubscribe(header, body, _version);
    if (!packet) return fail(packet.error());
    std::vector<std::string> names;
    if (!mountPoint().empty())
    {
        names.reserve(packet->topicFilters.size());
        for (auto& topicFilter : packet->topicFilters)
            topicFilter = names.emplace_back(mounted(mountPoint(), topicFilter));
    }
    std::vector<Wanted> wanted;
    if (tooManyUserProperties(packet->properties))
        return overLimit(Limit::UserProperties, ReasonCode::QuotaExceeded,
                         "too many User Properties");
    wanted.reserve(packet->topicFilters.size());
    for (const auto& topicFilter : packet->topicFilters)
    {
        auto one = askUnsubscribe(topicFilter);
        if (!one) return Step::Parked;
        wanted.push_back(std::move(*one));
    }

    Unsuback unsuback;
    unsuback.packetIdentifier = packet->packetIdentifier;
    unsuback.reasons.reserve(wanted.size());
    for (const auto& one : wanted) unsuback.reasons.push_back(unsubscribe(one));
    send(unsuback);
    return Step::Done;
}

std::optional<Client::Wanted> Client::askUnsubscribe(std::string_view topicFilter)
{
    Wanted wanted{std::string(topicFilter)};
    const HookTable& hooks = _worker->hooks();
    if (!asks(sdk::HookPoint::ClientUnsubscribe)) return wanted;
    auto event = newEvent<sdk::ClientUnsubscribe>();
    event.client = &_identity->info();
    event.topicFilter = topicFilter;
    const HookOutcome* const outcome = questions().ask(hooks, event, owners());
    if (!outcome) return std::nullopt;
    wanted.refused = refusal(*outcome, PacketType::Unsuback);
    if (outcome->topic) wanted.topicFilter = *outcome->topic;
    return wanted;
}

ReasonCode Client::unsubscribe(const Wanted& wanted)
{
    if (isFailure(wanted.refused)) return wanted.refused;
    const auto filter = TopicFilter::parse(wanted.topicFilter);
    if (!filter) return filter.error();
    auto& index = _worker->broker().subscriptions;
    const auto id = index.find(*filter);
    if (!id || !_session->removeSubscription(*id)) return ReasonCode::NoSubscriptionExisted;
    if (_replay) _replay->remove(*id); // [MQTT-3.10.4-2]
    if (index.remove(*id, _session->outbound().id()))
    {
        sdk::RouteRemoved event{};
        event.topicFilter = wanted.topicFilter;
        _worker->tell(event, {}, wanted.topicFilter);
    }
    sdk::SessionUnsubscribed event{};
    event.client = &_identity->info();
    event.topicFilter = wanted.topicFilter;
    _worker->tell(event, owners(), wanted.topicFilter);
    return ReasonCode::Success;
}

} // namespace nanomq
