#include "wire/Message.h"

#include "base/HeldMemory.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace nanomq
{

Ref<const Message> Message::make(const MessageView& view, Ref<const Counted> publisher)
{
    const std::size_t size = view.topicName.size() + view.properties.size() + view.payload.size();
    void* const memory = std::malloc(sizeof(Message) + size);
    if (!memory) throw std::bad_alloc();
    HeldMemory::add(static_cast<std::ptrdiff_t>(sizeof(Message) + size));
    char* const text = static_cast<char*>(memory) + sizeof(Message);
    return Ref<const Message>::adopt(new (memory) Message(view, std::move(publisher), text));
}

Message::Message(const MessageView& view, Ref<const Counted> publisher, char* text) noexcept
    : _publisher(std::move(publisher)),
      _text(text),
      _expiresAt(view.expiresAt),
      _receivedAt(view.receivedAt),
      _payloadSize(static_cast<std::uint32_t>(view.payload.size())),
      _propertiesSize(static_cast<std::uint32_t>(view.properties.size())),
      _topicSize(static_cast<std::uint16_t>(view.topicName.size())),
      _qos(view.qos),
      _retain(view.retain),
      _fromSystem(view.fromSystem)
{
    const auto put = [&text](const void* bytes, std::size_t size) {
        if (size > 0) std::memcpy(text, bytes, size);
        text += size;
    };
    put(view.topicName.data(), view.topicName.size());
    put(view.properties.data(), view.properties.size());
    put(view.payload.data(), view.payload.size());
}

void Message::destroy() const noexcept
{
    HeldMemory::subtract(static_cast<std::ptrdiff_t>(footprint()));
    auto* const self = const_cast<Message*>(this);
    self->~Message();
    std::free(self);
}

ByteView Message::properties() const noexcept
{
    return {reinterpret_cast<const std::uint8_t*>(_text) + _topicSize, _propertiesSize};
}

ByteView Message::payload() const noexcept
{
    return {reinterpret_cast<const std::uint8_t*>(_text) + _topicSize + _propertiesSize,
            _payloadSize};
}

MessageView Message::view() const noexcept
{
    return {topicName(), payload(),  properties(), _qos,
            _retain,     _fromSystem, _expiresAt,   _receivedAt};
}

} // namespace nanomq
