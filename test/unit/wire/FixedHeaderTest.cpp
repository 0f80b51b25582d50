#include "PacketText.h"
#include "wire/Decoder.h"
#include "wire/Encoder.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <string>

namespace nanomq::test
{

class FixedHeaderTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(FixedHeaderTest);
    CPPUNIT_TEST(readsTypeFlagsAndLength);
    CPPUNIT_TEST(readsAndWritesLengthsAroundEachBoundary);
    CPPUNIT_TEST(asksForMoreBytes);
    CPPUNIT_TEST(refusesPacketTypeZeroAtItsFirstByte);
    CPPUNIT_TEST(refusesRemainingLengthOfFiveBytes);
    CPPUNIT_TEST(refusesRemainingLengthThatIsNotTheShortest);
    CPPUNIT_TEST(writesTheLengthInFrontOfLongPackets);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsTypeFlagsAndLength()
    {
        const auto packet = bytesOf("3D 05 <a/b> FF FF FF");
        const auto header = readFixedHeader(packet);
        CPPUNIT_ASSERT(header && *header);
        CPPUNIT_ASSERT((*header)->type == PacketType::Publish);
        CPPUNIT_ASSERT_EQUAL(0x0D, int{(*header)->flags});
        CPPUNIT_ASSERT_EQUAL(2, int{(*header)->size});
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{5}, (*header)->remainingLength);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{7}, (*header)->packetSize());
    }

    void readsAndWritesLengthsAroundEachBoundary()
    {
        struct Case
        {
            std::uint32_t length;
            const char* text;
        };
        static constexpr Case cases[] = {
            {0, "00"},
            {127, "7F"},
            {128, "8001"},
            {16'383, "FF7F"},
            {16'384, "808001"},
            {2'097'151, "FFFF7F"},
            {2'097'152, "80808001"},
            {268'435'455, "FFFFFF7F"},
        };
        for (const auto& c : cases)
        {
            const auto bytes = bytesOf(std::string("10") + c.text);
            const auto header = readFixedHeader(bytes);
            CPPUNIT_ASSERT_MESSAGE(c.text, header && *header);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, c.length, (*header)->remainingLength);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, bytes.size(), std::size_t{(*header)->size});

            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, bytes.size() - 1, variableByteSize(c.length));
            std::uint8_t written[4];
            std::uint8_t* const end = writeVariableByte(written, c.length);
            CPPUNIT_ASSERT_MESSAGE(c.text,
                                   std::equal(written, end, bytes.begin() + 1, bytes.end()));
        }
    }

    void asksForMoreBytes()
    {
        for (const char* text : {"", "10", "10 80", "10 80 80", "10 FF FF FF", "F0"})
        {
            const auto header = readFixedHeader(bytesOf(text));
            CPPUNIT_ASSERT_MESSAGE(text, header && !*header);
        }
    }

    void refusesPacketTypeZeroAtItsFirstByte()
    {
        for (const char* text : {"00", "0F", "00 00", "02 80 80"})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(text, 0x81, refusal(text));
    }

    void refusesRemainingLengthOfFiveBytes()
    {
        for (const char* text : {"10 FF FF FF FF", "10 80 80 80 80", "10 80 80 80 80 01"})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(text, 0x81, refusal(text));
    }

    void refusesRemainingLengthThatIsNotTheShortest()
    {
        for (const char* text : {"10 80 00", "10 FF 80 00", "10 80 80 80 00"})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(text, 0x81, refusal(text));
    }

    void writesTheLengthInFrontOfLongPackets()
    {
        const std::vector<std::uint8_t> payload(2'097'152, 0x55);
        for (const std::size_t size : {0, 124, 125, 16'380, 16'381, 2'097'148, 2'097'149})
        {
            Publish publish;
            publish.topicName = "t";
            publish.payload = ByteView(payload).first(size);
            std::vector<std::uint8_t> out;
            encode(publish, ProtocolVersion::v3_1_1, out);

            const auto header = readFixedHeader(out);
            CPPUNIT_ASSERT(header && *header);
            CPPUNIT_ASSERT_EQUAL(size + 3, std::size_t{(*header)->remainingLength});
            CPPUNIT_ASSERT_EQUAL(out.size(), std::size_t{(*header)->packetSize()});
            const auto decoded = decodePublish(**header, ByteView(out).subspan((*header)->size),
                                               ProtocolVersion::v3_1_1);
            CPPUNIT_ASSERT(decoded);
            CPPUNIT_ASSERT(std::equal(decoded->payload.begin(), decoded->payload.end(),
                                      publish.payload.begin(), publish.payload.end()));
        }
    }

private:
    static int refusal(const char* text)
    {
        const auto header = readFixedHeader(bytesOf(text));
        return header ? -1 : static_cast<int>(header.error());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FixedHeaderTest);

} // namespace nanomq::test
