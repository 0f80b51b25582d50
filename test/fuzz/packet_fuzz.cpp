#include "SamePacket.h"
#include "wire/Decoder.h"
#include "wire/Encoder.h"
#include "wire/ForwardedProperties.h"

#include <cstdlib>
#include <iostream>

// Feeds arbitrary bytes to the decoders, as a stream of packets. The first byte chooses the
// version. Whatever they accept must be encodable, and decode to the same again.

namespace
{

using namespace nanomq;

void require(bool condition, const char* what)
{
    if (condition) return;
    std::cerr << "packet_fuzz: " << what << '\n';
    std::abort();
}

ProtocolVersion versionOf(std::uint8_t choice)
{
    static constexpr ProtocolVersion versions[] = {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1,
                                                   ProtocolVersion::v5_0};
    return versions[choice % 3];
}

void encodeAndDecodeAgain(const Packet& packet, ProtocolVersion version)
{
    std::vector<std::uint8_t> encoded;
    encode(packet, version, encoded);
    const auto header = readFixedHeader(encoded);
    require(header && *header, "cannot read the Fixed Header it wrote");
    require((*header)->packetSize() == encoded.size(), "wrote a wrong Remaining Length");
    const auto again = decodePacket(**header, ByteView(encoded).subspan((*header)->size), version);
    require(bool(again), "refuses what it wrote");
    require(test::same(packet, *again), "reads something else than it wrote");
}

void forward(const Publish& publish)
{
    std::vector<std::uint8_t> scratch;
    const ByteView forwarded = forwardedProperties(publish.properties, scratch);
    require(forwarded.size() <= publish.properties.raw.size(), "forwards more than came");
    for (PropertyReader property(forwarded); property.next();)
    {
        const auto id = property.id();
        require(id != PropertyId::TopicAlias && id != PropertyId::MessageExpiryInterval &&
                    id != PropertyId::SubscriptionIdentifier,
                "forwards what belongs to one connection");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const ProtocolVersion version = versionOf(data[0]);
    ByteView stream(data + 1, size - 1);
    while (true)
    {
        const auto header = readFixedHeader(stream);
        if (!header || !*header || (*header)->packetSize() > stream.size()) return 0;
        const ByteView body = stream.subspan((*header)->size, (*header)->remainingLength);
        if (const auto packet = decodePacket(**header, body, version))
        {
            encodeAndDecodeAgain(*packet, version);
            if (const auto* publish = std::get_if<Publish>(&*packet)) forward(*publish);
        }
        stream = stream.subspan((*header)->packetSize());
    }
}
