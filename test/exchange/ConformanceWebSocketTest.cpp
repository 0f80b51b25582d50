#include "ExchangeTest.h"

#include <algorithm>

namespace nanomq::test
{

/// MQTT in WebSocket frames (§6), byte by byte.
class ConformanceWebSocketTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceWebSocketTest);
    CPPUNIT_TEST(selectsTheSubprotocol);
    CPPUNIT_TEST(takesPacketsHoweverTheyAreFramed);
    CPPUNIT_TEST(closesOnATextFrame);
    CPPUNIT_TEST(closesOnAFrameWithoutMask);
    CPPUNIT_TEST(answersPingAndClose);
    CPPUNIT_TEST_SUITE_END();

public:
    void selectsTheSubprotocol() // [MQTT-6.0.0-4]
    {
        const auto said = dialogue({frame(kBinary, kConnect), frame(kBinary, hex("E0 00"))});
        CPPUNIT_ASSERT(said.starts_with("HTTP/1.1 101 "));
        CPPUNIT_ASSERT(said.find("Sec-WebSocket-Protocol: mqtt\r\n") != std::string::npos);
        CPPUNIT_ASSERT(said.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") !=
                       std::string::npos); // the example of RFC 6455, section 1.3
    }

    void takesPacketsHoweverTheyAreFramed() // [MQTT-6.0.0-2]
    {
        using Bytes = std::vector<std::uint8_t>;
        const Bytes all = joined({kConnect, hex("C0 00"), hex("C0 00"), hex("E0 00")});
        std::vector<Bytes> single;
        for (const auto byte : all) single.push_back(frame(kBinary, {byte}));
        const auto half = all.begin() + 7;
        for (const auto& frames :
             {single,
              {frame(kBinary, all)}, // in as many frames as bytes, and all in one
              {frame(kBinary & 0x7F, {all.begin(), half}), frame(0x80, {half, all.end()})}})
        {
            const auto said = dialogue(frames);
            // In which frames the answers come is the broker's business.
            const auto connack = said.find(std::string("\x20\x02\x00\x00", 4));
            CPPUNIT_ASSERT(connack != std::string::npos);
            CPPUNIT_ASSERT_EQUAL(2, pingresps(said, connack));
        }
    }

    void closesOnATextFrame() // [MQTT-6.0.0-1]
    {
        // The CONNECT would be good, were the frame binary.
        const auto said = dialogue({frame(kText, kConnect)});
        CPPUNIT_ASSERT(said.starts_with("HTTP/1.1 101 "));
        CPPUNIT_ASSERT(said.find(std::string("\x20\x02\x00\x00", 4)) == std::string::npos);
    }

    void closesOnAFrameWithoutMask() // RFC 6455, section 5.1
    {
        const auto size = static_cast<std::uint8_t>(kConnect.size());
        const auto said = dialogue({joined({{kBinary, size}, kConnect})});
        CPPUNIT_ASSERT(said.find(std::string("\x20\x02\x00\x00", 4)) == std::string::npos);
        CPPUNIT_ASSERT(said.ends_with("\x88\x02\x03\xEA")); // 1002
    }

    void answersPingAndClose() // RFC 6455, sections 5.5.1 to 5.5.3
    {
        const auto pinged =
            dialogue({frame(kBinary, kConnect), frame(kPing, hex("'are you there?'")),
                      frame(kBinary, hex("E0 00"))});
        CPPUNIT_ASSERT(pinged.find("\x8A\x0E"
                                   "are you there?") != std::string::npos);
        CPPUNIT_ASSERT(dialogue({frame(kClose, hex("03 E8"))}).ends_with("\x88\x02\x03\xE8"));
    }

protected:
    BrokerOptions options() const override { return {.urls = {"nmq-ws://127.0.0.1:0/mqtt"}}; }

private:
    static constexpr std::uint8_t kText = 0x81;
    static constexpr std::uint8_t kBinary = 0x82;
    static constexpr std::uint8_t kClose = 0x88;
    static constexpr std::uint8_t kPing = 0x89;
    const std::vector<std::uint8_t> kConnect = hex("10 0D 00 04 'MQTT' 04 02 00 00 00 01 'a'");

    /// A masked frame; the key of zeros changes nothing.
    static std::vector<std::uint8_t> frame(std::uint8_t first,
                                           const std::vector<std::uint8_t>& payload)
    {
        const auto size = static_cast<std::uint8_t>(0x80 | payload.size());
        return joined({{first, size, 0, 0, 0, 0}, payload});
    }

    static std::vector<std::uint8_t> joined(const std::vector<std::vector<std::uint8_t>>& parts)
    {
        std::vector<std::uint8_t> all;
        for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
        return all;
    }

    /// All that the broker says until it closes the Network Connection.
    std::string dialogue(const std::vector<std::vector<std::uint8_t>>& frames)
    {
        constexpr std::string_view request = "GET /mqtt HTTP/1.1\r\n"
                                             "Host: localhost\r\n"
                                             "Upgrade: websocket\r\n"
                                             "Connection: Upgrade\r\n"
                                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                             "Sec-WebSocket-Version: 13\r\n"
                                             "Sec-WebSocket-Protocol: mqtt\r\n\r\n";
        const auto& url = broker().listeners().front();
        const auto colon = url.rfind(':');
        const auto port = std::stoi(url.substr(colon + 1));
        ScriptedClient client(static_cast<std::uint16_t>(port), ProtocolVersion::v3_1_1);
        client.sendBytes({request.begin(), request.end()});
        for (const auto& frame : frames) client.sendBytes(frame);
        const auto said = client.readToEnd();
        return {said.begin(), said.end()};
    }

    static int pingresps(const std::string& said, std::size_t from)
    {
        int count = 0;
        const std::string pingresp("\xD0\x00", 2);
        for (auto at = said.find(pingresp, from); at != std::string::npos;
             at = said.find(pingresp, at + 1))
            ++count;
        return count;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceWebSocketTest);

} // namespace nanomq::test
