#include "broker/PublishHook.h"

#include "broker/Worker.h"
#include "topic/TopicName.h"
#include "wire/Encoder.h"

#include <algorithm>

namespace nanomq
{

sdk::MessagePublish publishEvent(const MessageView& view, const sdk::ClientInfo* client,
                                 MonotonicMs now) noexcept
{
    auto event = newEvent<sdk::MessagePublish>();
    event.client = client;
    event.topic = view.topicName;
    event.payload = {view.payload.data(), view.payload.size()};
    event.properties = {view.properties.data(), view.properties.size()};
    event.qos = static_cast<std::uint8_t>(view.qos);
    event.retain = view.retain;
    event.expirySeconds = view.expiresAt == kNever
                              ? 0xFFFFFFFF
                              : static_cast<std::uint32_t>(
                                    std::max<MonotonicMs>(view.expiresAt - now, 0) / 1000);
    return event;
}

RewrittenMessage::RewrittenMessage(const MessageView& view, const HookOutcome& outcome)
    : _view(view)
{
    if (outcome.topic)
    {
        _view.topicName = *outcome.topic;
        _valid = isValidTopicName(*outcome.topic);
    }
    if (outcome.payload) _view.payload = asBytes(*outcome.payload);
    if (outcome.qos) _view.qos = static_cast<QoS>(*outcome.qos);
    if (outcome.userProperties.empty()) return;
    PropertyWriter writer;
    for (const auto& [name, value] : outcome.userProperties)
        writer.add(UserProperty{name, value});
    _properties.assign(view.properties.begin(), view.properties.end());
    _properties.insert(_properties.end(), writer.raw().begin(), writer.raw().end());
    _view.properties = _properties;
}

} // namespace nanomq
