#include "sandbox/EventCodec.h"

#include <cstring>
#include <stdexcept>

namespace nanomq::sandbox
{

namespace
{

using sdk::HookPoint;

/// Calls `visit` for each view of an event of any kind.
template <class Visit> void forEachText(sdk::EventHeader& event, Visit visit)
{
    switch (event.point)
    {
    case HookPoint::ClientConnect: visit(eventAs<sdk::ClientConnect>(event).willTopic); break;
    case HookPoint::ClientAuthenticate:
        visit(eventAs<sdk::ClientAuthenticate>(event).password);
        break;
    case HookPoint::ClientAuthorize: visit(eventAs<sdk::ClientAuthorize>(event).topic); break;
    case HookPoint::ClientSubscribe:
        visit(eventAs<sdk::ClientSubscribe>(event).topicFilter);
        break;
    case HookPoint::ClientUnsubscribe:
        visit(eventAs<sdk::ClientUnsubscribe>(event).topicFilter);
        break;
    case HookPoint::MessagePublish:
    {
        auto& message = eventAs<sdk::MessagePublish>(event);
        visit(message.topic);
        visit(message.payload);
        visit(message.properties);
        break;
    }
    default: forEachView(event, [&visit](auto& view, bool) { visit(view); });
    }
}

template <class Visit> void forEachText(sdk::ClientInfo& client, Visit visit)
{
    for (sdk::Str* text : {&client.clientId, &client.userName, &client.peerAddress,
                           &client.listener, &client.certificateCommonName,
                           &client.certificateSubject})
        visit(*text);
}

void writeClient(const sdk::ClientInfo* client, WordWriter& words)
{
    words << static_cast<std::uint8_t>(client != nullptr);
    if (!client) return;
    sdk::ClientInfo copy = *client;
    words.raw(&copy, sizeof copy);
    forEachText(copy, [&words](const sdk::Str& text) { words << text.view(); });
}

const sdk::ClientInfo* readClient(sdk::ClientInfo& client, WordReader& words)
{
    if (words.number<std::uint8_t>() == 0) return nullptr;
    words.raw(&client, sizeof client);
    forEachText(client, [&words](sdk::Str& text) { text = words.text(); });
    return &client;
}

} // namespace

void writeEvent(const sdk::EventHeader& event, WordWriter& words)
{
    alignas(std::max_align_t) std::array<std::byte, kMaxEventSize> bytes;
    const std::size_t size = std::min<std::size_t>(event.size, bytes.size());
    std::memcpy(bytes.data(), &event, size);
    auto& copy = *reinterpret_cast<sdk::EventHeader*>(bytes.data());
    words << static_cast<std::uint32_t>(size);
    words.raw(bytes.data(), size);
    if (hasClient(copy.point)) writeClient(clientOf(copy), words);
    if (isMessageOfReceiver(copy.point))
        writeClient(eventAs<sdk::MessageOfReceiver>(copy).publisher, words);
    forEachText(copy, [&words](const auto& view) { words << view.view(); });
}

ReadEvent::ReadEvent(WordReader& words)
{
    const auto size = words.number<std::uint32_t>();
    if (size < sizeof(sdk::EventHeader) || size > _event.size())
        throw std::out_of_range("an event of " + std::to_string(size) + " bytes");
    words.raw(_event.data(), size);
    auto& event = *reinterpret_cast<sdk::EventHeader*>(_event.data());
    if (hasClient(event.point)) clientOf(event) = readClient(_client, words);
    if (isMessageOfReceiver(event.point))
        eventAs<sdk::MessageOfReceiver>(event).publisher = readClient(_publisher, words);
    forEachText(event, [&words](auto& view) {
        const std::string_view text = words.text();
        view.data = text.data();
        view.size = text.size();
    });
}

} // namespace nanomq::sandbox
