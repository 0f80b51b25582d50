#include "net/WebSocketFrames.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <vector>

namespace nanomq::test
{

namespace
{

/// A client's frame. @param first  FIN, reserved bits and opcode.
std::string frame(unsigned first, const std::string& payload, unsigned lengthForm = 0)
{
    const std::string mask = "\x12\x34\x56\x78";
    std::string bytes(1, static_cast<char>(first));
    const auto length = [&](unsigned code, int size) {
        bytes += static_cast<char>(0x80 | code);
        for (int i = size - 1; i >= 0; --i) bytes += static_cast<char>(payload.size() >> (8 * i));
    };
    if (lengthForm == 8 || (lengthForm == 0 && payload.size() > 65'535)) length(127, 8);
    else if (lengthForm == 2 || payload.size() > 125) length(126, 2);
    else length(static_cast<unsigned>(payload.size()), 0);
    bytes += mask;
    for (std::size_t i = 0; i < payload.size(); ++i)
        bytes += static_cast<char>(payload[i] ^ mask[i % 4]);
    return bytes;
}

std::string closeFrame(unsigned code, const std::string& reason = {})
{
    return frame(0x88, std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + reason);
}

struct Decoded
{
    std::string data;
    std::vector<std::string> pings;
    unsigned closeCode = 0;
    std::string problem;
};

/// @param cuts  where the bytes are cut; each part is decoded on its own.
Decoded decode(const std::string& bytes, const std::vector<std::size_t>& cuts = {})
{
    WebSocketFrames frames;
    Decoded result;
    std::size_t begin = 0;
    auto ends = cuts;
    ends.push_back(bytes.size());
    for (const std::size_t end : ends)
    {
        std::string part = bytes.substr(begin, end - begin);
        auto* const data = reinterpret_cast<std::uint8_t*>(part.data());
        const std::size_t size = frames.decode(data, part.size());
        CPPUNIT_ASSERT(size <= part.size());
        result.data.append(part, 0, size);
        ByteView ping;
        if (frames.takePing(ping)) result.pings.emplace_back(asText(ping));
        begin = end;
    }
    result.closeCode = frames.closeCode();
    result.problem = frames.problem();
    CPPUNIT_ASSERT_EQUAL(frames.ended(), result.closeCode != 0);
    return result;
}

std::string pattern(std::size_t size)
{
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

} // namespace

class WebSocketFramesTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(WebSocketFramesTest);
    CPPUNIT_TEST(handsOnThePayloadOfBinaryMessages);
    CPPUNIT_TEST(givesTheSameHoweverTheBytesAreCut);
    CPPUNIT_TEST(takesPayloadsOfEveryLength);
    CPPUNIT_TEST(answersOnlyTheLatestPing);
    CPPUNIT_TEST(endsWithTheClientsCloseFrame);
    CPPUNIT_TEST(refusesWhatBreaksTheRules);
    CPPUNIT_TEST(ignoresWhatComesAfterTheEnd);
    CPPUNIT_TEST(announcedLengthsCostNothing);
    CPPUNIT_TEST(writesHeadersOfEveryForm);
    CPPUNIT_TEST_SUITE_END();

public:
    void handsOnThePayloadOfBinaryMessages()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), decode(frame(0x82, "abc")).data);
        CPPUNIT_ASSERT_EQUAL(std::string("abcdef"),
                             decode(frame(0x82, "abc") + frame(0x82, "def")).data);
        CPPUNIT_ASSERT_EQUAL(std::string(), decode(frame(0x82, "")).data);
        // Fragments, also empty ones, with a Ping in between (§5.4).
        const auto mixed = decode(frame(0x02, "ab") + frame(0x00, "") + frame(0x89, "?") +
                                  frame(0x00, "cd") + frame(0x8A, "unasked") + frame(0x80, "ef"));
        CPPUNIT_ASSERT_EQUAL(std::string("abcdef"), mixed.data);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, mixed.pings.size());
        CPPUNIT_ASSERT_EQUAL(0U, mixed.closeCode);
    }

    void givesTheSameHoweverTheBytesAreCut()
    {
        const std::string bytes = frame(0x02, pattern(150)) + frame(0x89, "ping") +
                                  frame(0x80, pattern(9)) + frame(0x82, pattern(20)) +
                                  closeFrame(1000, "bye");
        const Decoded whole = decode(bytes);
        CPPUNIT_ASSERT_EQUAL(pattern(150) + pattern(9) + pattern(20), whole.data);
        CPPUNIT_ASSERT_EQUAL(1000U, whole.closeCode);
        const auto same = [&](const std::vector<std::size_t>& cuts) {
            const Decoded parts = decode(bytes, cuts);
            CPPUNIT_ASSERT_EQUAL(whole.data, parts.data);
            CPPUNIT_ASSERT(whole.pings == parts.pings);
            CPPUNIT_ASSERT_EQUAL(whole.closeCode, parts.closeCode);
        };
        std::vector<std::size_t> everywhere;
        for (std::size_t first = 0; first <= bytes.size(); ++first)
        {
            everywhere.push_back(first);
            for (std::size_t second = first; second <= bytes.size(); ++second)
                same({first, second});
        }
        same(everywhere); // byte by byte
    }

    void takesPayloadsOfEveryLength()
    {
        for (const std::size_t size : {0, 1, 7, 8, 9, 125, 126, 127, 65'535, 65'536, 200'000})
        {
            const std::string payload = pattern(size);
            CPPUNIT_ASSERT(payload == decode(frame(0x82, payload)).data);
            CPPUNIT_ASSERT(payload == decode(frame(0x82, payload), {3, 5, 6}).data);
        }
    }

    void answersOnlyTheLatestPing() // §5.5.3 allows it
    {
        const auto both = decode(frame(0x89, "first") + frame(0x89, "second"));
        CPPUNIT_ASSERT(both.pings == std::vector<std::string>{"second"});
        const std::string longest(125, 'x');
        CPPUNIT_ASSERT(decode(frame(0x89, longest)).pings == std::vector<std::string>{longest});
        CPPUNIT_ASSERT(decode(frame(0x89, "")).pings == std::vector<std::string>{""});
    }

    void endsWithTheClientsCloseFrame()
    {
        struct Case
        {
            std::string bytes;
            unsigned code;
        };
        const Case cases[] = {
            {frame(0x88, ""), 1000},           {closeFrame(1000), 1000},
            {closeFrame(1001, "away"), 1001},  {closeFrame(1011), 1011},
            {closeFrame(3000), 3000},          {closeFrame(4999, "\xC3\xBC"), 4999},
        };
        for (const auto& c : cases)
        {
            const auto decoded = decode(frame(0x82, "x") + c.bytes);
            CPPUNIT_ASSERT_EQUAL(std::string("x"), decoded.data);
            CPPUNIT_ASSERT_EQUAL(c.code, decoded.closeCode);
            CPPUNIT_ASSERT_EQUAL(std::string(), decoded.problem);
        }
    }

    void refusesWhatBreaksTheRules()
    {
        std::string unmasked = frame(0x82, "x");
        unmasked[1] = static_cast<char>(unmasked[1] & 0x7F);
        std::string highestBit = frame(0x82, pattern(65'536)).substr(0, 14);
        highestBit[2] = static_cast<char>(0x80);
        struct Case
        {
            const char* name;
            std::string bytes;
            unsigned code;
        };
        const Case cases[] = {
            {"text [MQTT-6.0.0-1]", frame(0x81, "x"), 1003},
            {"fragmented text", frame(0x01, "x"), 1003},
            {"no mask (§5.1)", unmasked, 1002},
            {"RSV1: compression was not agreed on", frame(0xC2, "x"), 1002},
            {"RSV2", frame(0xA2, "x"), 1002},
            {"RSV3", frame(0x92, "x"), 1002},
            {"opcode 3", frame(0x83, "x"), 1002},
            {"opcode 7", frame(0x87, "x"), 1002},
            {"opcode 11", frame(0x8B, "x"), 1002},
            {"opcode 15", frame(0x8F, "x"), 1002},
            {"a continuation of nothing", frame(0x80, "x"), 1002},
            {"a continuation after the last fragment",
             frame(0x02, "") + frame(0x80, "") + frame(0x80, "x"), 1002},
            {"a message within a message", frame(0x02, "") + frame(0x82, "x"), 1002},
            {"a fragmented Ping (§5.5)", frame(0x09, "x"), 1002},
            {"a fragmented Close", frame(0x08, ""), 1002},
            {"a Ping of 126 bytes", frame(0x89, std::string(126, 'x')), 1002},
            {"a Close of 126 bytes", frame(0x88, std::string(126, 'x')), 1002},
            {"a length of 3 in two bytes (§5.2)", frame(0x82, "abc", 2), 1002},
            {"a length of 3 in eight bytes", frame(0x82, "abc", 8), 1002},
            {"a length with the highest bit set", highestBit, 1002},
            {"a Close of one byte (§5.5.1)", frame(0x88, "x"), 1002},
            {"status 0", closeFrame(0), 1002},
            {"status 999", closeFrame(999), 1002},
            {"status 1004 (§7.4.1)", closeFrame(1004), 1002},
            {"status 1005", closeFrame(1005), 1002},
            {"status 1006", closeFrame(1006), 1002},
            {"status 1015", closeFrame(1015), 1002},
            {"status 1016", closeFrame(1016), 1002},
            {"status 2999", closeFrame(2999), 1002},
            {"status 5000", closeFrame(5000), 1002},
            {"a reason that is not UTF-8", closeFrame(1000, "\xFF"), 1007},
            {"a reason that breaks off within a character", closeFrame(1000, "\xC3"), 1007},
        };
        for (const auto& c : cases)
        {
            const auto decoded = decode(c.bytes);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, c.code, decoded.closeCode);
            CPPUNIT_ASSERT_MESSAGE(c.name, !decoded.problem.empty());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, std::string(), decoded.data);
            for (std::size_t cut = 0; cut < std::min<std::size_t>(c.bytes.size(), 40); ++cut)
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, c.code, decode(c.bytes, {cut}).closeCode);
        }
    }

    void ignoresWhatComesAfterTheEnd()
    {
        const std::string more = frame(0x82, "more") + frame(0x89, "ping") + frame(0x81, "text");
        for (const std::string& end : {closeFrame(1001), frame(0x81, "x")})
        {
            const auto decoded = decode(end + more, {end.size() + 3});
            CPPUNIT_ASSERT_EQUAL(std::string(), decoded.data);
            CPPUNIT_ASSERT(decoded.pings.empty());
            CPPUNIT_ASSERT(decoded.closeCode == 1001 || decoded.closeCode == 1003);
        }
    }

    /// CVE-2026-25627 of another broker: 4,096 announced, three sent, and the rest was read.
    void announcedLengthsCostNothing()
    {
        WebSocketFrames frames;
        std::string header = frame(0x82, pattern(65'536)).substr(0, 14);
        header[2] = 0x7F; // almost 2^63 bytes follow
        std::string bytes = header + std::string("\x73\x56\x35", 3);
        const std::size_t size =
            frames.decode(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size());
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), bytes.substr(0, size));
        CPPUNIT_ASSERT(!frames.ended());
        CPPUNIT_ASSERT(sizeof(WebSocketFrames) <= 384);
    }

    void writesHeadersOfEveryForm()
    {
        const auto text = [](const WebSocketHeader& header) {
            return std::string(header.bytes.begin(), header.bytes.begin() + header.size);
        };
        CPPUNIT_ASSERT_EQUAL(std::string("\x82\x00", 2), text(binaryHeader(0)));
        CPPUNIT_ASSERT_EQUAL(std::string("\x82\x7D", 2), text(binaryHeader(125)));
        CPPUNIT_ASSERT_EQUAL(std::string("\x82\x7E\x00\x7E", 4), text(binaryHeader(126)));
        CPPUNIT_ASSERT_EQUAL(std::string("\x82\x7E\xFF\xFF", 4), text(binaryHeader(65'535)));
        CPPUNIT_ASSERT_EQUAL(std::string("\x82\x7F\0\0\0\0\0\x01\0\0", 10),
                             text(binaryHeader(65'536)));
        CPPUNIT_ASSERT_EQUAL(std::string("\x8A\x05", 2), text(controlHeader(10, 5)));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WebSocketFramesTest);

} // namespace nanomq::test
