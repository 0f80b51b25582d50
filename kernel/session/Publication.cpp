#include "session/Publication.h"

#include "wire/Encoder.h"

#include <algorithm>
#include <cstring>

namespace nanomq
{

namespace
{

std::uint8_t* writeTwo(std::uint8_t* at, std::size_t value) noexcept
{
    *at++ = static_cast<std::uint8_t>(value >> 8);
    *at++ = static_cast<std::uint8_t>(value);
    return at;
}

std::uint8_t* writeBytes(std::uint8_t* at, const void* bytes, std::size_t size) noexcept
{
    if (size > 0) std::memcpy(at, bytes, size);
    return at + size;
}

constexpr std::uint8_t firstByte(DeliveryOptions options, bool dup) noexcept
{
    return static_cast<std::uint8_t>(static_cast<unsigned>(PacketType::Publish) << 4 |
                                     (dup ? 8u : 0u) | static_cast<unsigned>(options.qos) << 1 |
                                     (options.retain ? 1u : 0u));
}

constexpr std::uint32_t kExpiryBytes = 5;
constexpr std::uint32_t kTopicAliasBytes = 3;

} // namespace

std::uint32_t PublishHead::propertyBytes() const noexcept
{
    std::uint32_t bytes = static_cast<std::uint32_t>(message->properties.size());
    if (expires()) bytes += kExpiryBytes;
    if (topicAlias.alias != 0) bytes += kTopicAliasBytes;
    if (options.subscriptionIdentifier > 0)
        bytes += 1 + static_cast<std::uint32_t>(variableByteSize(options.subscriptionIdentifier));
    return bytes;
}

std::uint32_t PublishHead::remainingLength() const noexcept
{
    std::size_t bytes = 2 + topicName().size() + message->payload.size();
    if (packetIdentifier != 0) bytes += 2;
    if (version == ProtocolVersion::v5_0)
        bytes += variableByteSize(propertyBytes()) + propertyBytes();
    return static_cast<std::uint32_t>(bytes);
}

std::size_t PublishHead::packetSize() const noexcept
{
    const auto remaining = remainingLength();
    return 1 + variableByteSize(remaining) + remaining;
}

std::size_t PublishHead::size() const noexcept
{
    return packetSize() - message->payload.size();
}

std::uint8_t* PublishHead::write(std::uint8_t* at) const noexcept
{
    *at++ = firstByte(options, dup);
    at = writeVariableByte(at, remainingLength());
    at = writeTwo(at, topicName().size());
    at = writeBytes(at, topicName().data(), topicName().size());
    if (packetIdentifier != 0) at = writeTwo(at, packetIdentifier);
    if (version != ProtocolVersion::v5_0) return at;

    at = writeVariableByte(at, propertyBytes());
    if (expires())
    {
        // What is left, in started seconds [MQTT-3.3.2-6].
        const auto left = std::max<MonotonicMs>(message->expiresAt - now, 0);
        *at++ = static_cast<std::uint8_t>(PropertyId::MessageExpiryInterval);
        const auto seconds = static_cast<std::uint32_t>((left + 999) / 1000);
        at = writeTwo(at, seconds >> 16);
        at = writeTwo(at, seconds & 0xFFFF);
    }
    if (topicAlias.alias != 0)
    {
        *at++ = static_cast<std::uint8_t>(PropertyId::TopicAlias);
        at = writeTwo(at, topicAlias.alias);
    }
    if (options.subscriptionIdentifier > 0)
    {
        *at++ = static_cast<std::uint8_t>(PropertyId::SubscriptionIdentifier);
        at = writeVariableByte(at, options.subscriptionIdentifier);
    }
    return writeBytes(at, message->properties.data(), message->properties.size());
}

const MessageRef& Publication::freeze()
{
    if (!_message) _message = Message::make(_view, Ref<const Counted>::share(_publisher));
    return _message;
}

void Publication::appendTo(OutputBuffer& output, ProtocolVersion version, DeliveryOptions options,
                           PacketIdentifier packetIdentifier, OutputTurn& turn,
                           TopicAliasUse topicAlias)
{
    const bool v5 = version == ProtocolVersion::v5_0;
    const PublishHead head{&_view, version, options, packetIdentifier, false, turn.now(),
                           topicAlias};
    const auto keep = [this] { return freeze(); };
    if (options.subscriptionIdentifier > 0 || topicAlias.alias != 0 || _view.payload.size() > kCopiedPayload)
        return appendPublish(output, head, turn, keep);

    // Recipients of one kind get the same bytes, but for the flags and the Packet Identifier.
    const std::size_t kind = (v5 ? 2 : 0) + (packetIdentifier != 0 ? 1 : 0);
    auto& frame = _frames[kind];
    if (!_encoded[kind])
    {
        frame.resize(head.packetSize());
        auto* const at = head.write(frame.data());
        writeBytes(at, _view.payload.data(), _view.payload.size());
        _encoded[kind] = true;
    }
    if (frame.size() > OutputBuffer::kMaxExtend) return appendPublish(output, head, turn, keep);
    auto* const packet = output.extend(frame.size(), turn);
    std::memcpy(packet, frame.data(), frame.size());
    packet[0] = firstByte(options, false);
    if (packetIdentifier != 0)
    {
        std::size_t at = 1;
        while (packet[at++] & 0x80) {} // Remaining Length
        writeTwo(packet + at + 2 + _view.topicName.size(), packetIdentifier);
    }
}

} // namespace nanomq
