#include "broker/PluginBroker.h"

#include "broker/Client.h"
#include "hook/KeptMessage.h"
#include "topic/TopicName.h"
#include "wire/ListedReasons.h"

#include <cerrno>

namespace nanomq
{

sdk::Status PluginBroker::publish(const Publication* publication)
{
    if (publication->qos > 2 || !isValidTopicName(publication->topic.view())) return -EINVAL;
    if (_waiting.fetch_add(1, std::memory_order_relaxed) >= kMaximumWaiting)
    {
        _waiting.fetch_sub(1, std::memory_order_relaxed);
        return -ENOBUFS;
    }
    MessageView view;
    view.topicName = publication->topic.view();
    view.payload = asBytes(publication->payload.view());
    view.properties = asBytes(publication->properties.view());
    view.qos = static_cast<QoS>(publication->qos);
    view.retain = publication->retain;
    view.receivedAt = unixNow();
    if (publication->expirySeconds != 0xFFFFFFFF)
        view.expiresAt = monotonicNow() + MonotonicMs{publication->expirySeconds} * 1000;

    // The same topic always goes to the same worker, so what a plugin says of it keeps its order.
    Worker& worker = _broker.workerOf(view.topicName);
    worker.loop().mailbox().post([this, &worker, message = Message::make(view)]() mutable {
        _waiting.fetch_sub(1, std::memory_order_relaxed);
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
    view->retain = kept->retain();
    return 0;
}

} // namespace nanomq
