#include "wire/Decoder.h"
#include "wire/Fields.h"
#include "wire/ListedReasons.h"

// SUBSCRIBE (§3.8), UNSUBSCRIBE (§3.10) and their answers (§3.9, §3.11).

namespace nanomq
{

namespace
{

/// What all four begin with. Success, or what is wrong with it.
template <class Packet>
ReasonCode readStart(const FixedHeader& header, Reader& in, ProtocolVersion version,
                     Packet& packet) noexcept
{
    if (!flagsFit(header, version)) return ReasonCode::MalformedPacket;
    const auto packetIdentifier = readPacketIdentifier(in);
    if (!packetIdentifier) return packetIdentifier.error();
    packet.packetIdentifier = *packetIdentifier;
    return readProperties(in, placeOf(header.type), version, packet.properties);
}

bool isShared(std::string_view topicFilter) noexcept
{
    return topicFilter.starts_with("$share/");
}

/// Subscription Options (§3.8.3.1); 3.x has only the QoS. Success, or what is wrong with them.
ReasonCode readOptions(Reader& in, ProtocolVersion version, SubscriptionRequest& request) noexcept
{
    const auto options = in.byte();
    if (!options) return options.error();
    const unsigned qos = *options & 3;
    if (version != ProtocolVersion::v5_0)
    {
        if (*options > 2) return ReasonCode::MalformedPacket; // v3.1.1 [MQTT-3.8.3-4]
    }
    else
    {
        const unsigned retainHandling = *options >> 4 & 3;
        if (*options & 0xC0) return ReasonCode::MalformedPacket; // [MQTT-3.8.3-5]
        if (qos == 3 || retainHandling == 3) return ReasonCode::ProtocolError;
        request.noLocal = (*options & 0x04) != 0;
        request.retainAsPublished = (*options & 0x08) != 0;
        request.retainHandling = static_cast<std::uint8_t>(retainHandling);
        if (request.noLocal && isShared(request.topicFilter))
            return ReasonCode::ProtocolError; // [MQTT-3.8.3-4]
    }
    request.qos = static_cast<QoS>(qos);
    return ReasonCode::Success;
}

/// One Reason Code a filter, at least one. 3.x has fewer of them (v3.1.1 §3.9.3), in SUBACK
/// only. Success, or what is wrong with them.
ReasonCode readReasons(Reader& in, PacketType type, ProtocolVersion version,
                       std::vector<ReasonCode>& reasons)
{
    const ByteView codes = in.rest();
    if (codes.empty()) return ReasonCode::ProtocolError;
    reasons.reserve(codes.size());
    for (const std::uint8_t code : codes)
    {
        const auto reason = static_cast<ReasonCode>(code);
        const bool known = version == ProtocolVersion::v5_0
                               ? isListed(reason, type)
                               : code <= 2 || reason == ReasonCode::UnspecifiedError;
        if (!known) return ReasonCode::ProtocolError; // [MQTT-3.9.3-2], [MQTT-3.11.3-2]
        reasons.push_back(reason);
    }
    return ReasonCode::Success;
}

} // namespace

Decoded<Subscribe> decodeSubscribe(const FixedHeader& header, ByteView body,
                                   ProtocolVersion version)
{
    Reader in(body);
    Subscribe subscribe;
    ReasonCode wrong = readStart(header, in, version, subscribe);
    if (wrong != ReasonCode::Success) return wrong;
    if (in.atEnd()) return ReasonCode::ProtocolError; // [MQTT-3.8.3-2]
    while (!in.atEnd())
    {
        const auto topicFilter = in.text();
        if (!topicFilter) return topicFilter.error();
        SubscriptionRequest& request = subscribe.requests.emplace_back();
        request.topicFilter = *topicFilter;
        wrong = readOptions(in, version, request);
        if (wrong != ReasonCode::Success) return wrong;
    }
    return subscribe;
}

Decoded<Suback> decodeSuback(const FixedHeader& header, ByteView body, ProtocolVersion version)
{
    Reader in(body);
    Suback suback;
    ReasonCode wrong = readStart(header, in, version, suback);
    if (wrong != ReasonCode::Success) return wrong;
    wrong = readReasons(in, header.type, version, suback.reasons);
    if (wrong != ReasonCode::Success) return wrong;
    return suback;
}

Decoded<Unsubscribe> decodeUnsubscribe(const FixedHeader& header, ByteView body,
                                       ProtocolVersion version)
{
    Reader in(body);
    Unsubscribe unsubscribe;
    const ReasonCode wrong = readStart(header, in, version, unsubscribe);
    if (wrong != ReasonCode::Success) return wrong;
    if (in.atEnd()) return ReasonCode::ProtocolError; // [MQTT-3.10.3-2]
    while (!in.atEnd())
    {
        const auto topicFilter = in.text();
        if (!topicFilter) return topicFilter.error();
        unsubscribe.topicFilters.push_back(*topicFilter);
    }
    return unsubscribe;
}

Decoded<Unsuback> decodeUnsuback(const FixedHeader& header, ByteView body, ProtocolVersion version)
{
    Reader in(body);
    Unsuback unsuback;
    ReasonCode wrong = readStart(header, in, version, unsuback);
    if (wrong != ReasonCode::Success) return wrong;
    if (version == ProtocolVersion::v5_0)
    {
        wrong = readReasons(in, header.type, version, unsuback.reasons);
        if (wrong != ReasonCode::Success) return wrong;
    }
    if (!in.atEnd()) return ReasonCode::MalformedPacket;
    return unsuback;
}

} // namespace nanomq
