#include "wire/Decoder.h"
#include "wire/Fields.h"

// PUBLISH (§3.3): the one packet whose decoding is on the path of every message.

namespace nanomq
{

ReasonCode decodePublish(const FixedHeader& header, ByteView body, ProtocolVersion version,
                         Publish& publish) noexcept
{
    const unsigned qos = header.flags >> 1 & 3;
    publish.dup = (header.flags & 0b1000) != 0;
    publish.qos = static_cast<QoS>(qos);
    publish.retain = (header.flags & 0b0001) != 0;
    if (qos == 3 || (publish.dup && qos == 0)) // [MQTT-3.3.1-4], [MQTT-3.3.1-2]
        return ReasonCode::MalformedPacket;

    Reader in(body);
    const auto topicName = readTopicName(in);
    if (!topicName) return topicName.error();
    publish.topicName = *topicName;

    publish.packetIdentifier = 0;
    if (qos > 0)
    {
        const auto packetIdentifier = readPacketIdentifier(in);
        if (!packetIdentifier) return packetIdentifier.error();
        publish.packetIdentifier = *packetIdentifier;
    }

    publish.properties.present = 0;
    publish.properties.raw = {};
    const ReasonCode wrong =
        readProperties(in, placeOf(PacketType::Publish), version, publish.properties);
    if (wrong != ReasonCode::Success) return wrong;

    if (publish.topicName.empty())
    {
        if (version != ProtocolVersion::v5_0) return ReasonCode::MalformedPacket;
        if (!publish.properties.has(PropertyId::TopicAlias)) return ReasonCode::ProtocolError;
    }
    publish.payload = in.rest();
    return ReasonCode::Success;
}

Decoded<Publish> decodePublish(const FixedHeader& header, ByteView body, ProtocolVersion version)
{
    Publish publish;
    const ReasonCode wrong = decodePublish(header, body, version, publish);
    if (wrong != ReasonCode::Success) return wrong;
    return publish;
}

} // namespace nanomq
