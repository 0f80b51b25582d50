#include "broker/PluginBroker.h"

#include "broker/Client.h"
#include "hook/KeptMessage.h"
#include "topic/SystemTopic.h"
#include "topic/TopicName.h"
#include "wire/Fields.h"
#include "wire/ForwardedProperties.h"
#include "wire/ListedReasons.h"

#include <cerrno>

namespace nanomq
{

namespace
{

/// Topic Name, payload and properties together: what fits into a packet (§2.1.4) with all that
/// the broker adds to it.
constexpr std::uint64_t kMaximumMessageBytes = 268'000'000;

constexpr std::uint32_t kNoExpiry = 0xFFFFFFFF;

} // namespace

sdk::Status PluginBroker::publish(const Publication* publication)
{
    const sdk::Str topic = publication->topic;
    const sdk::Bytes payload = publication->payload;
    const sdk::Bytes raw = publication->properties;
    Properties properties;
    if (publication->qos > 2 || topic.size > 65'535 || raw.size > kMaximumMessageBytes ||
        payload.size > kMaximumMessageBytes - raw.size - topic.size ||
        !isValidTopicName(topic.view()) ||
        decodeProperties(asBytes(raw.view()), placeOf(PacketType::Publish), properties) !=
            ReasonCode::Success)
        return -EINVAL;

    std::vector<std::uint8_t> scratch;
    MessageView view;
    view.topicName = topic.view();
    view.payload = asBytes(payload.view());
    view.properties = forwardedProperties(properties, scratch);
    view.qos = static_cast<QoS>(publication->qos);
    view.retain = publication->retain;
    view.fromSystem = isSystemTopic(view.topicName);
    view.receivedAt = unixNow();
    std::uint32_t expirySeconds = publication->expirySeconds;
    if (expirySeconds == kNoExpiry && properties.has(PropertyId::MessageExpiryInterval))
        expirySeconds = properties.messageExpiryInterval;
    if (expirySeconds != kNoExpiry)
        view.expiresAt = monotonicNow() + MonotonicMs{expirySeconds} * 1000;

    const std::size_t bytes = topic.size + payload.size + raw.size;
    const bool isTooMuch =
        _waiting.fetch_add(1, std::memory_order_relaxed) >= kMaximumWaiting ||
        _waitingBytes.load(std::memory_order_relaxed) >= kMaximumWaitingBytes;
    if (isTooMuch)
    {
        _waiting.fetch_sub(1, std::memory_order_relaxed);
        return -ENOBUFS;
    }
    _waitingBytes.fetch_add(bytes, std::memory_order_relaxed);
    // The same topic always goes to the same worker, so what a plugin says of it keeps its order.
    Worker& worker = _broker.workerOf(view.topicName);
    worker.loop().mailbox().post([this, &worker, bytes, message = Message::make(view)]() mutable {
        _waiting.fetch_sub(1, std::memory_order_relaxed);
        _waitingBytes.fetch_sub(bytes, std::memory_order_relaxed);
        worker.publishLoose(std::move(message), false);
        worker.loop().flushIfMuch();
    });
    return 0;
}

sdk::Status PluginBroker::kick(sdk::Str clientId, sdk::ReasonCode reason)
{
    Worker& worker = _broker.workerOf(clientId.view());
    worker.loop().mailbox().post([&worker, id = std::string(clientId.view()), reason] {
        Session* const session = worker.find(id);
        if (session && session->client)
            session->client->disconnect(refusalFor(PacketType::Disconnect,
                                                   static_cast<ReasonCode>(reason),
                                                   ReasonCode::AdministrativeAction),
                                        "kicked");
    });
    return 0;
}

sdk::Status PluginBroker::reauthorize(sdk::Str clientId)
{
    const auto post = [id = std::string(clientId.view())](Worker& worker) {
        worker.loop().mailbox().post([&worker, id] { worker.reauthorize(id); });
    };
    if (clientId.size > 0) post(_broker.workerOf(clientId.view()));
    else
        for (const auto& worker : _broker.workers) post(*worker);
    return 0;
}

sdk::Status PluginBroker::subscribe(sdk::Str clientId, sdk::Str topicFilter, std::uint8_t qos)
{
    if (qos > 2) return -EINVAL;
    return onBehalf(clientId, topicFilter,
                    [qos, filter = std::string(topicFilter.view())](Client& client) {
                        client.subscribeOnBehalf(filter, static_cast<QoS>(qos));
                    });
}

sdk::Status PluginBroker::unsubscribe(sdk::Str clientId, sdk::Str topicFilter)
{
    return onBehalf(clientId, topicFilter,
                    [filter = std::string(topicFilter.view())](Client& client) {
                        client.unsubscribeOnBehalf(filter);
                    });
}

template <class Act>
sdk::Status PluginBroker::onBehalf(sdk::Str clientId, sdk::Str topicFilter, Act act)
{
    const auto filter = TopicFilter::parse(topicFilter.view());
    if (!isUtf8(topicFilter.view()) || !filter || _broker.tooDeep(filter->filter()))
        return -EINVAL;
    Worker& worker = _broker.workerOf(clientId.view());
    worker.loop().mailbox().post([&worker, id = std::string(clientId.view()), act = std::move(act)] {
        Session* const session = worker.find(id);
        if (session && session->client) act(*session->client);
    });
    return 0;
}

sdk::Status PluginBroker::message(const sdk::Message* message, sdk::MessagePublished* view)
{
    const auto* const kept = static_cast<const Message*>(keptMessage(message));
    if (!kept || !view) return -EINVAL;
    *view = newEvent<sdk::MessagePublished>();
    view->header.timeMs = static_cast<std::uint64_t>(kept->receivedAt());
    view->client = ClientIdentity::infoOf(kept->publisher());
    view->topic = kept->topicName();
    view->payload = {kept->payload().data(), kept->payload().size()};
    view->properties = {kept->properties().data(), kept->properties().size()};
    view->qos = static_cast<std::uint8_t>(kept->qos());
    view->retain = kept->retainFlag();
    return 0;
}

} // namespace nanomq
