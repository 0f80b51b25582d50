#include "PacketSource.h"

#include "PacketTable.h"
#include "wire/Encoder.h"

namespace nanomq::test
{

std::size_t PacketSource::below(std::size_t bound)
{
    return static_cast<std::size_t>(_random() % bound);
}

std::string PacketSource::topic(bool isFilter)
{
    static const char* const levels[] = {"a", "b", "", "c", "$x"};
    std::string text(isFilter && below(8) == 0 ? "$share/g/" : "");
    const std::size_t depth = 1 + below(4);
    for (std::size_t i = 0; i < depth; ++i)
    {
        if (i > 0) text += '/';
        if (isFilter && below(4) == 0) text += i + 1 == depth && below(2) == 0 ? "#" : "+";
        else text += levels[below(std::size(levels))];
    }
    return text.empty() ? "a" : text;
}

std::uint16_t PacketSource::identifier()
{
    return static_cast<std::uint16_t>(1 + below(8));
}

Octets PacketSource::connect()
{
    const std::string clientId = "fuzz" + std::to_string(below(40));
    const std::string willTopic = topic(false);
    Connect packet;
    packet.version = _version;
    packet.cleanStart = below(3) != 0;
    packet.clientId = clientId;
    packet.keepAlive = static_cast<std::uint16_t>(below(3) * 60);
    PropertyWriter properties;
    if (_version == ProtocolVersion::v5_0)
    {
        if (below(2) == 0) properties.add(PropertyId::SessionExpiryInterval, 100);
        if (below(4) == 0) properties.add(PropertyId::ReceiveMaximum, 1 + below(3));
        if (below(4) == 0) properties.add(PropertyId::TopicAliasMaximum, below(5));
        if (below(4) == 0) properties.add(PropertyId::MaximumPacketSize, 60 + below(200));
    }
    packet.properties.raw = properties.raw();
    if (below(4) == 0)
    {
        packet.will.emplace();
        packet.will->topicName = willTopic;
        packet.will->qos = static_cast<QoS>(below(3));
        packet.will->retain = below(4) == 0;
    }
    Octets bytes;
    encode(Packet(packet), _version, bytes);
    return bytes;
}

Octets PacketSource::fromTable()
{
    const auto& table = packetTable();
    for (;;)
    {
        const auto& row = table[below(table.size())];
        if (row.version == _version) return row.text.bytes;
    }
}

Octets PacketSource::malformed()
{
    const auto& table = malformedTable();
    return table[below(table.size())].bytes;
}

Octets PacketSource::meeting()
{
    const std::string text = topic(false);
    const std::string filter = topic(true);
    const std::string payload(below(16) == 0 ? below(20'000) : below(40), 'x');
    Packet packet;
    switch (below(8))
    {
    case 0:
    {
        Subscribe subscribe;
        subscribe.packetIdentifier = identifier();
        SubscriptionRequest request;
        request.topicFilter = filter;
        request.qos = static_cast<QoS>(below(3));
        subscribe.requests.push_back(request);
        packet = subscribe;
        break;
    }
    case 1:
    {
        Unsubscribe unsubscribe;
        unsubscribe.packetIdentifier = identifier();
        unsubscribe.topicFilters.push_back(filter);
        packet = unsubscribe;
        break;
    }
    case 2:
    case 3:
    {
        static constexpr PacketType types[] = {PacketType::Puback, PacketType::Pubrec,
                                               PacketType::Pubrel, PacketType::Pubcomp};
        Acknowledgement acknowledgement;
        acknowledgement.type = types[below(4)];
        acknowledgement.packetIdentifier = identifier();
        packet = acknowledgement;
        break;
    }
    default:
    {
        Publish publish;
        publish.topicName = text;
        publish.payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()};
        publish.qos = static_cast<QoS>(below(3));
        publish.retain = below(4) == 0;
        if (publish.qos != QoS::AtMostOnce) publish.packetIdentifier = identifier();
        packet = publish;
    }
    }
    Octets bytes;
    encode(packet, _version, bytes);
    return bytes;
}

Octets PacketSource::noise()
{
    Octets bytes(1 + below(40));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(_random());
    return bytes;
}

void PacketSource::mutate(Octets& bytes)
{
    for (std::size_t times = 1 + below(3); times > 0 && !bytes.empty(); --times)
    {
        const std::size_t at = below(bytes.size());
        const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        switch (below(5))
        {
        case 0: bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1u << below(8))); break;
        case 1: bytes[at] = static_cast<std::uint8_t>(_random()); break;
        case 2: bytes.insert(place, static_cast<std::uint8_t>(_random())); break;
        case 3: bytes.erase(place); break;
        case 4: bytes.resize(at); break; // the next packet is read as its rest
        }
    }
}

Octets PacketSource::any()
{
    Octets bytes;
    switch (below(10))
    {
    case 0: bytes = malformed(); break;
    case 1: bytes = noise(); break;
    case 2:
    case 3: bytes = fromTable(); break;
    case 4: bytes = below(4) == 0 ? connect() : fromTable(); break;
    default: bytes = meeting();
    }
    if (below(6) == 0) mutate(bytes);
    return bytes;
}

} // namespace nanomq::test
