#include "PacketTable.h"
#include "SamePacket.h"
#include "wire/Decoder.h"
#include "wire/Encoder.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <iomanip>
#include <memory>
#include <sstream>

namespace nanomq::test
{

namespace
{

std::string hex(ByteView bytes)
{
    std::ostringstream text;
    text << std::hex << std::uppercase << std::setfill('0');
    for (const auto byte : bytes) text << std::setw(2) << unsigned{byte} << ' ';
    return text.str();
}

/// A copy in memory of exactly its size, so that the address sanitizer sees every byte too far.
class Exact
{
public:
    explicit Exact(ByteView bytes)
        : _bytes(std::make_unique<std::uint8_t[]>(bytes.size())),
          _size(bytes.size())
    {
        std::copy(bytes.begin(), bytes.end(), _bytes.get());
    }
    operator ByteView() const { return {_bytes.get(), _size}; }

private:
    std::unique_ptr<std::uint8_t[]> _bytes;
    std::size_t _size;
};

FixedHeader headerOf(ByteView packet)
{
    const auto header = readFixedHeader(packet);
    CPPUNIT_ASSERT(header && *header);
    return **header;
}

/// Decodes a whole packet. The views in it show `packet`.
Decoded<Packet> decode(ByteView packet, ProtocolVersion version)
{
    const FixedHeader header = headerOf(packet);
    CPPUNIT_ASSERT_EQUAL(packet.size(), std::size_t{header.packetSize()});
    return decodePacket(header, packet.subspan(header.size), version);
}

std::vector<PacketRow> allRows()
{
    std::vector<PacketRow> rows = packetTable();
    rows.insert(rows.end(), toleratedTable().begin(), toleratedTable().end());
    return rows;
}

/// That what was decoded can be encoded, and then says the same.
void assertSurvivesEncoding(const std::string& name, const Packet& packet, ProtocolVersion version)
{
    std::vector<std::uint8_t> encoded;
    encode(packet, version, encoded);
    const auto again = decode(encoded, version);
    CPPUNIT_ASSERT_MESSAGE(name + ": " + hex(encoded), again && same(*again, packet));
}

} // namespace

class PacketTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PacketTest);
    CPPUNIT_TEST(decodesEveryPacketOfTheTable);
    CPPUNIT_TEST(encodesEveryPacketOfTheTableByteForByte);
    CPPUNIT_TEST(decodesWhatItWouldNotWriteItself);
    CPPUNIT_TEST(appendsBehindWhatIsThere);
    CPPUNIT_TEST(tableHoldsEveryPacketInEveryVersion);
    CPPUNIT_TEST(refusesEveryTruncation);
    CPPUNIT_TEST(asksForMoreWhileThePacketIsNotWhole);
    CPPUNIT_TEST(survivesEveryFlippedBit);
    CPPUNIT_TEST(givesMalformedPacketsTheirReasonCode);
    CPPUNIT_TEST(decodesPublishIntoAPacketUsedBefore);
    CPPUNIT_TEST(tellsOldClientsWhatTheyUnderstand);
    CPPUNIT_TEST_SUITE_END();

public:
    void decodesEveryPacketOfTheTable()
    {
        for (const auto& row : packetTable())
        {
            const auto decoded = decode(row.text.bytes, row.version);
            CPPUNIT_ASSERT_MESSAGE(row.name, decoded);
            CPPUNIT_ASSERT_MESSAGE(row.name, same(*decoded, row.packet));
        }
    }

    void encodesEveryPacketOfTheTableByteForByte()
    {
        for (const auto& row : packetTable())
        {
            std::vector<std::uint8_t> encoded;
            encode(row.packet, row.version, encoded);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(row.name, hex(row.text.bytes), hex(encoded));
        }
    }

    void decodesWhatItWouldNotWriteItself()
    {
        for (const auto& row : toleratedTable())
        {
            const auto decoded = decode(row.text.bytes, row.version);
            CPPUNIT_ASSERT_MESSAGE(row.name, decoded);
            CPPUNIT_ASSERT_MESSAGE(row.name, same(*decoded, row.packet));
            assertSurvivesEncoding(row.name, *decoded, row.version);

            std::vector<std::uint8_t> encoded;
            encode(*decoded, row.version, encoded);
            CPPUNIT_ASSERT_MESSAGE(row.name, encoded != row.text.bytes);
        }
    }

    void appendsBehindWhatIsThere()
    {
        std::vector<std::uint8_t> out{0xAA};
        encode(Pingreq{}, out);
        encode(Pingresp{}, out);
        CPPUNIT_ASSERT_EQUAL(std::string("AA C0 00 D0 00 "), hex(out));
    }

    void tableHoldsEveryPacketInEveryVersion()
    {
        for (const auto version :
             {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1, ProtocolVersion::v5_0})
        {
            for (unsigned type = 1; type <= 15; ++type)
            {
                const bool wanted = type < 15 || version == ProtocolVersion::v5_0;
                const bool held = std::any_of(
                    packetTable().begin(), packetTable().end(), [&](const PacketRow& row) {
                        return row.version == version && row.text.bytes[0] >> 4 == int(type);
                    });
                CPPUNIT_ASSERT_EQUAL_MESSAGE(
                    std::string(packetTypeText(static_cast<PacketType>(type))), wanted, held);
            }
        }
    }

    void refusesEveryTruncation()
    {
        for (const auto& row : allRows())
        {
            FixedHeader header = headerOf(row.text.bytes);
            const ByteView body = ByteView(row.text.bytes).subspan(header.size);
            for (std::size_t size = 0; size < body.size(); ++size)
            {
                const Exact part(body.first(size));
                header.remainingLength = static_cast<std::uint32_t>(size);
                const auto decoded = decodePacket(header, part, row.version);
                const std::string name = row.name + ", body of " + std::to_string(size);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(name, row.mayEndAt(size), bool(decoded));
                if (decoded) assertSurvivesEncoding(name, *decoded, row.version);
            }
        }
    }

    void asksForMoreWhileThePacketIsNotWhole()
    {
        for (const auto& row : packetTable())
        {
            const ByteView packet = row.text.bytes;
            for (std::size_t size = 0; size < packet.size(); ++size)
            {
                const Exact part(packet.first(size));
                const auto header = readFixedHeader(part);
                CPPUNIT_ASSERT_MESSAGE(row.name, header);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(row.name, size >= row.headerSize(),
                                             header->has_value());
                if (*header) CPPUNIT_ASSERT_MESSAGE(row.name, (*header)->packetSize() > size);
            }
        }
    }

    void survivesEveryFlippedBit()
    {
        for (const auto& row : allRows())
        {
            for (std::size_t bit = 0; bit < row.text.bytes.size() * 8; ++bit)
            {
                auto flipped = row.text.bytes;
                flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
                const Exact packet(flipped);
                const auto header = readFixedHeader(packet);
                if (!header || !*header || (*header)->packetSize() > flipped.size()) continue;
                const auto body =
                    ByteView(packet).subspan((*header)->size, (*header)->remainingLength);
                const auto decoded = decodePacket(**header, body, row.version);
                if (!decoded) continue;
                assertSurvivesEncoding(row.name + ", bit " + std::to_string(bit), *decoded,
                                       row.version);
            }
        }
    }

    void givesMalformedPacketsTheirReasonCode()
    {
        for (const auto& row : malformedTable())
        {
            const Exact packet(row.bytes);
            const auto decoded = decode(packet, row.version);
            CPPUNIT_ASSERT_MESSAGE(row.name, !decoded);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(row.name, std::string(reasonText(row.reason)),
                                         std::string(reasonText(decoded.error())));
        }
    }

    void decodesPublishIntoAPacketUsedBefore()
    {
        Publish publish; // one for all rows: nothing of a row may show in the next
        for (const auto& row : packetTable())
        {
            const auto* const expected = std::get_if<Publish>(&row.packet);
            if (!expected) continue;
            const FixedHeader header = headerOf(row.text.bytes);
            const ByteView body = ByteView(row.text.bytes).subspan(header.size);
            const ReasonCode reason = decodePublish(header, body, row.version, publish);
            CPPUNIT_ASSERT_MESSAGE(row.name, reason == ReasonCode::Success);
            CPPUNIT_ASSERT_MESSAGE(row.name, same(Packet(publish), row.packet));
        }
    }

    void tellsOldClientsWhatTheyUnderstand()
    {
        const auto encoded = [](const Packet& packet, ProtocolVersion version) {
            std::vector<std::uint8_t> out;
            encode(packet, version, out);
            return hex(out);
        };
        const auto properties = bytesOf("1F <why>");
        Properties given;
        given.raw = properties;

        Connack connack{true, ReasonCode::Banned, given};
        CPPUNIT_ASSERT_EQUAL(hex(bytesOf("20 (01 05)")), encoded(connack, ProtocolVersion::v3_1_1));
        CPPUNIT_ASSERT_EQUAL(hex(bytesOf("20 (00 05)")), encoded(connack, ProtocolVersion::v3_1));

        const Suback suback{1, {ReasonCode::GrantedQoS2, ReasonCode::QuotaExceeded}, given};
        CPPUNIT_ASSERT_EQUAL(hex(bytesOf("90 (0001 02 80)")),
                             encoded(suback, ProtocolVersion::v3_1_1));

        const Unsuback unsuback{1, {ReasonCode::NoSubscriptionExisted}, given};
        CPPUNIT_ASSERT_EQUAL(hex(bytesOf("B0 (0001)")), encoded(unsuback, ProtocolVersion::v3_1_1));

        const Acknowledgement puback{PacketType::Puback, 1, ReasonCode::NotAuthorized, given};
        CPPUNIT_ASSERT_EQUAL(hex(bytesOf("40 (0001)")), encoded(puback, ProtocolVersion::v3_1_1));

        const Disconnect disconnect{ReasonCode::ServerBusy, given};
        CPPUNIT_ASSERT_EQUAL(hex(bytesOf("E0 ()")), encoded(disconnect, ProtocolVersion::v3_1));

        Publish publish;
        publish.topicName = "a";
        publish.properties = given;
        CPPUNIT_ASSERT_EQUAL(hex(bytesOf("30 (<a>)")), encoded(publish, ProtocolVersion::v3_1_1));

        Subscribe subscribe{1, {{"a", QoS::AtLeastOnce, true, true, 2}}, given};
        CPPUNIT_ASSERT_EQUAL(hex(bytesOf("82 (0001 <a> 01)")),
                             encoded(subscribe, ProtocolVersion::v3_1_1));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PacketTest);

} // namespace nanomq::test
