#include "load/Frame.h"

#include <cstring>
#include <random>

namespace nanomq::load
{

namespace
{

/// The upper half tells a stamp from other payloads, the lower half one run from others.
constexpr std::uint32_t kStampMark = 0x6E620000;

} // namespace

std::uint32_t newMark() noexcept
{
    return kStampMark | (std::random_device{}() & 0xFFFF);
}

bool isMark(std::uint32_t mark) noexcept
{
    return (mark & 0xFFFF0000) == kStampMark;
}

std::optional<Stamp> stampOf(ByteView payload, std::uint32_t mark) noexcept
{
    Stamp stamp{};
    if (payload.size() < kStampSize) return std::nullopt;
    std::memcpy(&stamp, payload.data(), kStampSize);
    if (stamp.mark != mark) return std::nullopt;
    return stamp;
}

Frame::Frame(const std::string& topic, std::size_t payloadBytes, QoS qos, bool retain,
             ProtocolVersion version)
    : _payloadSize(payloadBytes)
{
    constexpr std::uint8_t kFiller = 'x';
    const std::vector<std::uint8_t> payload(payloadBytes, kFiller);
    Publish publish;
    publish.topicName = topic;
    publish.qos = qos;
    publish.retain = retain;
    publish.packetIdentifier = qos == QoS::AtMostOnce ? 0 : 1;
    publish.payload = payload;
    encode(publish, version, _bytes);
    _payloadAt = _bytes.size() - payloadBytes;
    if (qos == QoS::AtMostOnce) return;
    const auto header = readFixedHeader(_bytes);
    constexpr std::size_t kLengthOfTopic = 2;
    _identifierAt = (*header)->size + kLengthOfTopic + topic.size();
}

void Frame::send(Client& client, const Stamp& stamp) const
{
    std::uint8_t* const packet = client.append(_bytes.size());
    std::memcpy(packet, _bytes.data(), _bytes.size());
    if (_identifierAt != 0)
    {
        const PacketIdentifier identifier = client.nextIdentifier();
        packet[_identifierAt] = static_cast<std::uint8_t>(identifier >> 8);
        packet[_identifierAt + 1] = static_cast<std::uint8_t>(identifier);
    }
    if (_payloadSize >= kStampSize) std::memcpy(packet + _payloadAt, &stamp, kStampSize);
}

} // namespace nanomq::load
