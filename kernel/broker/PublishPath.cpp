// The trip of a message from the retained store to the recipients' output buffers. What comes
// before it (checks, hooks) stands in Client.cpp; what comes after, at the end of the turn, in
// net/EventLoop.cpp and net/Connection.cpp.

#include "broker/Worker.h"

#include "wire/Encoder.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

namespace nanomq
{

namespace
{

DeliveryOptions optionsFor(const MessageView& message, SubscriptionOptions subscription) noexcept
{
    return {std::min(message.qos, subscription.maximumQoS()),
            message.retain && subscription.retainAsPublished(),
            subscription.subscriptionIdentifier()};
}

bool isWanted(const Publication& publication, Subscriber subscriber) noexcept
{
    return subscriber.id != kNoSubscriber &&
           !(subscriber.options.noLocal() && subscriber.id == publication.publisherId());
}

/// Members of a Shared Subscription that one message is offered to, unless all of these are full.
constexpr std::size_t kMembersAsked = 64;

constexpr bool isTaken(DeliveryResult result) noexcept
{
    return result == DeliveryResult::Sent || result == DeliveryResult::Queued;
}

} // namespace

Routed Worker::route(Publication& publication, const HookTable& hooks, bool isWill)
{
    Routed routed;
    if (!publication.view().fromSystem)
    {
        _counters.messagesReceived.add();
        _counters.payloadBytesReceived.add(publication.view().payload.size());
    }

    // Stored before it is matched: who subscribes meanwhile gets it one way or the other.
    if (publication.view().retain) retain(publication, hooks);

    _matches.clear();
    _broker.subscriptions.match(publication.view().topicName, _matches);

    _observers.clear();
    const auto lists = _matches.lists();
    if (lists.size() == 1) deliverList(publication, lists.front(), hooks, routed);
    else if (lists.size() > 1)
    {
        // A session that matched by several filters gets the message once (§3.3.4).
        _targetCount = 0;
        if (++_route == 0) _stamps.assign(_stamps.size(), {}), _route = 1;
        for (const auto& list : lists) collectList(publication, list);
        deliverTargets(publication, hooks, routed);
    }
    for (const auto* group : _matches.groups()) deliverShared(publication, *group, hooks, routed);

    // Observers with topic filters are found by the index: on other topics they cost nothing.
    const bool observed =
        !hooks.on(sdk::HookPoint::MessagePublished).empty() || !_observers.empty();
    if (observed && !publication.view().fromSystem)
        tellPublished(publication, hooks, isWill);
    return routed;
}

void Worker::tellPublished(Publication& publication, const HookTable& hooks, bool isWill)
{
    const MessageRef message = publication.freeze();
    auto event = newEvent<sdk::MessagePublished>();
    event.client = ClientIdentity::infoOf(message->publisher());
    event.topic = message->topicName();
    event.payload = {message->payload().data(), message->payload().size()};
    event.properties = {message->properties().data(), message->properties().size()};
    event.qos = static_cast<std::uint8_t>(message->qos());
    event.retain = message->retainFlag();
    event.isWill = isWill;
    const EventOwners owners{message->publisher(), message.get(), nullptr};
    _broker.hooks.tellPublished(hooks, number(), event, owners, _observers);
}

void Worker::retain(Publication& publication, const HookTable& hooks)
{
    if (mayRetain(publication.view()))
    {
        _broker.retained.store(publication.freeze());
        return;
    }
    const auto* const publisher = ClientIdentity::infoOf(publication.publisher());
    limitReached(Limit::RetainedStore,
                 publisher ? "client '" + std::string(publisher->clientId.view()) + "'"
                           : std::string("the broker"),
                 "its message is not retained");
    if (!hooks.any(sdk::HookPoint::MessageDropped)) return;
    tellMessage<sdk::MessageDropped>(publication.freeze(), {}, {},
                                     "not retained: limit of the retained store");
}

bool Worker::mayRetain(const MessageView& message) const
{
    const auto& settings = _broker.settings;
    const auto& store = _broker.retained;
    const bool full =
        !message.payload.empty() &&
        ((settings.retainedMessages > 0 && store.count() >= settings.retainedMessages) ||
         (settings.retainedBytes > 0 && store.bytes() >= settings.retainedBytes) ||
         _broker.memory.level() >= MemoryLevel::NoExtras);
    return !full || store.find(message.topicName);
}

void Worker::deliverList(Publication& publication, SubscriberSpan list, const HookTable& hooks,
                         Routed& routed)
{
    std::size_t place = 0;
    for (const Subscriber subscriber : list)
    {
        flushInLongLists(++place);
        if (!isWanted(publication, subscriber)) continue;
        if (subscriber.id & kObserverBit)
        {
            _observers.push_back(subscriber.id);
            continue;
        }
        if (Outbound* const outbound = _broker.slots.find(subscriber.id))
            deliver(publication, *outbound, optionsFor(publication.view(), subscriber.options),
                    hooks, routed);
    }
}

void Worker::collectList(const Publication& publication, SubscriberSpan list)
{
    for (const Subscriber subscriber : list)
    {
        if (!isWanted(publication, subscriber)) continue;
        if (subscriber.id & kObserverBit) _observers.push_back(subscriber.id);
        else addTarget(subscriber, optionsFor(publication.view(), subscriber.options));
    }
}

void Worker::addTarget(Subscriber subscriber, DeliveryOptions options)
{
    if (subscriber.id >= _stamps.size()) _stamps.resize(subscriber.id + subscriber.id / 2 + 64);
    Stamp& stamp = _stamps[subscriber.id];
    if (stamp.route != _route)
    {
        stamp = {_route, static_cast<std::uint32_t>(_targetCount)};
        if (_targetCount == _targets.size()) _targets.emplace_back();
        Target& target = _targets[_targetCount++];
        target.id = subscriber.id;
        target.options = options;
        target.moreIdentifiers.clear();
        return;
    }
    // One copy, with the highest QoS [MQTT-3.3.4-2] and every identifier [MQTT-3.3.4-4].
    Target& target = _targets[stamp.target];
    target.options.qos = std::max(target.options.qos, options.qos);
    target.options.retain = target.options.retain || options.retain;
    if (options.subscriptionIdentifier == 0) return;
    if (target.options.subscriptionIdentifier == 0)
        target.options.subscriptionIdentifier = options.subscriptionIdentifier;
    else target.moreIdentifiers.push_back(options.subscriptionIdentifier);
}

void Worker::deliverTargets(Publication& publication, const HookTable& hooks, Routed& routed)
{
    for (std::size_t i = 0; i < _targetCount; ++i)
    {
        flushInLongLists(i + 1);
        const Target& target = _targets[i];
        Outbound* const outbound = _broker.slots.find(target.id);
        if (!outbound) continue;
        if (target.moreIdentifiers.empty())
        {
            deliver(publication, *outbound, target.options, hooks, routed);
            continue;
        }
        PropertyWriter properties;
        for (const auto identifier : target.moreIdentifiers)
            properties.add(PropertyId::SubscriptionIdentifier, identifier);
        std::vector<std::uint8_t> all(properties.raw().begin(), properties.raw().end());
        const auto forwarded = publication.view().properties;
        all.insert(all.end(), forwarded.begin(), forwarded.end());
        MessageView view = publication.view();
        view.properties = all;
        Publication own(view, publication.publisher(), publication.publisherId(), _otherFrames);
        deliver(own, *outbound, target.options, hooks, routed);
    }
}

/// Where an offer to the members of a group stands.
struct Worker::SharedOffer
{
    std::uint32_t begin;                       // whose turn it is
    std::optional<Outbound::Standing> standing; // only to such members; nothing: to any
    std::size_t most;                          // members that are looked at
    Outbound* refuser = nullptr;
    DeliveryOptions options{};
    DeliveryResult why{};
};

bool Worker::deliverShared(Publication& publication, const SharedGroup& group,
                           const HookTable& hooks, Routed& routed)
{
    // One member in turn (§4.8.2); but who can take the message at once comes before who would
    // have to queue it, and who is there before who is not. What one cannot keep, the next may.
    const auto members = group.members();
    if (members.empty()) return false;
    // Of a large group only some are looked at, since the turn goes on with the next message; all
    // of them only when those would have to drop it.
    using Standing = Outbound::Standing;
    SharedOffer offer{group.next() % static_cast<std::uint32_t>(members.size()), {}, kMembersAsked};
    for (const auto standing : {Standing::Ready, Standing::Connected, Standing::Away})
    {
        offer.standing = standing;
        if (offerShared(publication, group, offer, hooks, routed)) return true;
    }
    if (members.size() > kMembersAsked)
    {
        offer.standing.reset();
        offer.most = members.size();
        if (offerShared(publication, group, offer, hooks, routed)) return true;
    }
    if (!offer.refuser) return false;
    settle(publication, *offer.refuser, offer.options, offer.why, hooks, routed);
    return true;
}

bool Worker::offerShared(Publication& publication, const SharedGroup& group, SharedOffer& offer,
                         const HookTable& hooks, Routed& routed)
{
    const auto members = group.members();
    std::size_t asked = 0;
    for (std::uint32_t step = 0; step < members.size() && asked < offer.most; ++step)
    {
        const Subscriber member = members[(offer.begin + step) % members.size()];
        if (member.id == kNoSubscriber) continue;
        Outbound* const outbound = _broker.slots.find(member.id);
        if (!outbound) continue;
        ++asked;
        auto options = optionsFor(publication.view(), member.options);
        options.sharedGroup = group.serial();
        if (offer.standing && outbound->standing(options.qos) != *offer.standing) continue;
        const auto result = outbound->deliver(publication, options, turn());
        if (isTaken(result))
        {
            settle(publication, *outbound, options, result, hooks, routed);
            return true;
        }
        offer.refuser = outbound;
        offer.options = options;
        offer.why = result;
    }
    return false;
}

void Worker::handBack(const Delivery& left)
{
    if (left.message->expiresAt() <= _loop.now())
    {
        _broker.outbound.expiredInQueue.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    Publication publication(left.message, _frames);
    _matches.clear();
    _broker.subscriptions.match(publication.view().topicName, _matches);
    Routed routed;
    for (const auto* group : _matches.groups())
        if (group->serial() == left.options.sharedGroup &&
            deliverShared(publication, *group, hooks(), routed))
            return;
    // The last member has gone.
    _counters.dropped[static_cast<std::size_t>(DeliveryResult::SessionEnded)].add();
    if (hooks().any(sdk::HookPoint::MessageDropped))
        tellMessage<sdk::MessageDropped>(left.message, {}, left.options,
                                         dropReason(DeliveryResult::SessionEnded));
}

void Worker::deliver(Publication& publication, Outbound& outbound, DeliveryOptions options,
                     const HookTable& hooks, Routed& routed)
{
    const DeliveryResult result = outbound.deliver(publication, options, turn());
    if (result != DeliveryResult::Sent || hooks.any(sdk::HookPoint::MessageDelivered))
        return settle(publication, outbound, options, result, hooks, routed);
    ++routed.recipients;
    ++routed.taken;
    countSent(publication);
}

void Worker::settle(Publication& publication, Outbound& outbound, DeliveryOptions options,
                    DeliveryResult result, const HookTable& hooks, Routed& routed)
{
    ++routed.recipients;
    switch (result)
    {
    case DeliveryResult::Sent:
        ++routed.taken;
        countSent(publication);
        if (!hooks.any(sdk::HookPoint::MessageDelivered)) return;
        break;
    case DeliveryResult::Queued:
        ++routed.taken;
        _counters.messagesQueued.add();
        return;
    default:
        if (result == DeliveryResult::QueueFull)
        {
            ++routed.overQuota;
            queueIsFull(outbound);
        }
        _counters.dropped[static_cast<std::size_t>(result)].add();
        if (!hooks.any(sdk::HookPoint::MessageDropped)) return;
        break;
    }
    const auto receiver = outbound.identity();
    if (result == DeliveryResult::Sent)
        tellMessage<sdk::MessageDelivered>(publication.freeze(), receiver, options, {});
    else
        tellMessage<sdk::MessageDropped>(publication.freeze(), receiver, options,
                                         dropReason(result));
}

void Worker::queueIsFull(Outbound& outbound)
{
    constexpr MonotonicMs kEveryMs = 1'000;
    constexpr std::chrono::minutes kStands{1};
    if (_loop.now() < _nextQueueAlarm) return;
    _nextQueueAlarm = _loop.now() + kEveryMs;
    const auto identity = outbound.identity();
    const auto* const client = ClientIdentity::infoOf(identity.get());
    _broker.alarms.raiseFor(kStands, "session_queue", AlarmSeverity::Warning,
                            "the queue of client '" +
                                std::string(client ? client->clientId.view() : "") +
                                "' is full; its messages are dropped");
}

template <class Event>
void Worker::tellMessage(const MessageRef& message, const Ref<const Counted>& receiver,
                         DeliveryOptions options, std::string_view reason)
{
    Event event{};
    event.client = ClientIdentity::infoOf(receiver.get());
    event.publisher = ClientIdentity::infoOf(message->publisher());
    event.topic = message->topicName();
    event.payload = {message->payload().data(), message->payload().size()};
    event.properties = {message->properties().data(), message->properties().size()};
    event.reasonText = reason;
    event.qos = static_cast<std::uint8_t>(options.qos);
    event.retain = options.retain;
    const EventOwners owners{receiver.get(), message.get(), message->publisher()};
    tell(event, owners, message->topicName());
}

void Worker::tellRefused(const MessageView& view, const Counted* publisher,
                         const HookOutcome& outcome)
{
    _counters.messagesRefused.add();
    if (!hooks().any(sdk::HookPoint::MessageDropped)) return;
    std::string reason = outcome.verdict == sdk::Verdict::Drop ? "dropped" : "refused";
    reason += " by " + (outcome.plugin.empty() ? "a plugin" : outcome.plugin);
    if (!outcome.reasonText.empty()) reason += ": " + outcome.reasonText;
    tellMessage<sdk::MessageDropped>(Message::make(view, Ref<const Counted>::share(publisher)), {},
                                     {view.qos, view.retain, 0}, reason);
}

void Worker::tellNotes(Session& session)
{
    for (const auto& note : session.outbound().takeNotes())
    {
        const auto receiver = session.outbound().identity();
        const auto& [message, options] = note.delivery;
        switch (note.kind)
        {
        case OutboundNote::Kind::Delivered:
            tellMessage<sdk::MessageDelivered>(message, receiver, options, {});
            break;
        case OutboundNote::Kind::Expired:
            tellMessage<sdk::MessageExpired>(message, receiver, options, "expired");
            break;
        case OutboundNote::Kind::TooLarge:
            tellMessage<sdk::MessageDropped>(message, receiver, options,
                                             dropReason(DeliveryResult::PacketTooLarge));
            break;
        }
    }
}

void Worker::tellDropped(Session& session, const std::vector<Delivery>& dropped, DeliveryResult why)
{
    _counters.dropped[static_cast<std::size_t>(why)].add(dropped.size());
    if (!hooks().any(sdk::HookPoint::MessageDropped)) return;
    const auto receiver = session.outbound().identity();
    for (const auto& [message, options] : dropped)
        tellMessage<sdk::MessageDropped>(message, receiver, options, dropReason(why));
}

void Worker::tellAcknowledged(Session& session, const Delivery& delivery)
{
    if (!hooks().any(sdk::HookPoint::MessageAcked)) return;
    tellMessage<sdk::MessageAcked>(delivery.message, session.outbound().identity(),
                                   delivery.options, {});
}

} // namespace nanomq
