#include "net/WebSocketUpgrade.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace nanomq::test
{

class WebSocketUpgradeTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(WebSocketUpgradeTest);
    CPPUNIT_TEST(acceptsAsTheExampleOfTheStandard);
    CPPUNIT_TEST(acceptsWhatMayDiffer);
    CPPUNIT_TEST(choosesTheSubprotocolThatTheClientNamesFirst);
    CPPUNIT_TEST(refusesWhatIsNoRequestForAWebSocket);
    CPPUNIT_TEST(refusesALongRequest);
    CPPUNIT_TEST_SUITE_END();

    static std::string request(const std::string& line, const std::string& fields)
    {
        return line + "\r\n" + fields + "\r\n";
    }
    static std::string without(std::string text, const std::string& part,
                               const std::string& instead = {})
    {
        const std::size_t at = text.find(part);
        CPPUNIT_ASSERT_MESSAGE(part, at != std::string::npos);
        return text.replace(at, part.size(), instead);
    }

    const std::string _good = "GET /mqtt HTTP/1.1\r\n"
                              "Host: broker.example\r\n"
                              "Upgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Protocol: mqtt\r\n"
                              "Sec-WebSocket-Version: 13\r\n\r\n";

public:
    void acceptsAsTheExampleOfTheStandard() // RFC 6455 §1.3
    {
        CPPUNIT_ASSERT_EQUAL(std::string("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
                             webSocketAccept("dGhlIHNhbXBsZSBub25jZQ=="));
        const auto answer = answerUpgrade(_good, "/mqtt");
        CPPUNIT_ASSERT(answer.accepted);
        CPPUNIT_ASSERT_EQUAL(std::string("HTTP/1.1 101 Switching Protocols\r\n"
                                         "Upgrade: websocket\r\n"
                                         "Connection: Upgrade\r\n"
                                         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                         "Sec-WebSocket-Protocol: mqtt\r\n\r\n"),
                             answer.response);
    }

    void acceptsWhatMayDiffer()
    {
        const std::string accepted[] = {
            without(_good, "Connection: Upgrade", "connection: keep-alive,  UPGRADE"),
            without(_good, "Upgrade: websocket", "UPGRADE:\tWebSocket \t"),
            without(_good, "Host: broker.example", "hOST:[::1]:8083"),
            without(_good, "/mqtt", "/mqtt?token=x"),
            without(_good, "Host:", "Origin: https://a.example\r\nCookie: a=\xC3\xBC; b\r\nHost:"),
            without(_good, "Host:", "Sec-WebSocket-Extensions: permessage-deflate\r\nHost:"),
            without(_good, "Host:", "Content-Length: 0\r\nHost:"),
        };
        for (const auto& head : accepted)
        {
            const auto answer = answerUpgrade(head, "/mqtt");
            CPPUNIT_ASSERT_MESSAGE(head, answer.accepted);
            CPPUNIT_ASSERT_MESSAGE("no extension is agreed on",
                                   answer.response.find("Extensions") == std::string::npos);
        }
    }

    void choosesTheSubprotocolThatTheClientNamesFirst()
    {
        struct Case
        {
            const char* offer;
            const char* choice;
        };
        static constexpr Case cases[] = {
            {"mqttv3.1, mqtt", "mqttv3.1"},
            {"chat,mqtt,mqttv3.1", "mqtt"},
            {"chat\r\nSec-WebSocket-Protocol: mqtt", "mqtt"},
        };
        for (const auto& c : cases)
        {
            const auto answer = answerUpgrade(
                without(_good, "Protocol: mqtt", "Protocol: " + std::string(c.offer)), "/mqtt");
            CPPUNIT_ASSERT_MESSAGE(c.offer, answer.accepted);
            CPPUNIT_ASSERT_MESSAGE(c.offer, answer.response.find("Protocol: " + std::string(c.choice) +
                                                                 "\r\n") != std::string::npos);
        }
    }

    void refusesWhatIsNoRequestForAWebSocket()
    {
        struct Case
        {
            const char* name;
            std::string head;
            const char* status;
        };
        const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
        const Case cases[] = {
            {"nothing", "\r\n\r\n", "400"},
            {"POST", without(_good, "GET", "POST"), "400"},
            {"small letters", without(_good, "GET", "get"), "400"},
            {"HTTP/1.0", without(_good, "HTTP/1.1", "HTTP/1.0"), "400"},
            {"HTTP/2", without(_good, "HTTP/1.1", "HTTP/2"), "400"},
            {"no version", without(_good, " HTTP/1.1", ""), "400"},
            {"four words", without(_good, "/mqtt", "/mqtt /x"), "400"},
            {"two blanks", without(_good, "GET ", "GET  "), "400"},
            {"another path", without(_good, "/mqtt", "/"), "404"},
            {"a longer path", without(_good, "/mqtt", "/mqtt/"), "404"},
            {"no Host", without(_good, "Host: broker.example\r\n"), "400"},
            {"two Hosts", without(_good, "Host:", "Host: a\r\nHost:"), "400"},
            {"no Upgrade", without(_good, "Upgrade: websocket\r\n"), "426"},
            {"another Upgrade", without(_good, "websocket", "h2c"), "426"},
            {"no Connection", without(_good, "Connection: Upgrade\r\n"), "426"},
            {"Connection without upgrade", without(_good, "Connection: Upgrade", "Connection: close"),
             "426"},
            {"no version of WebSocket", without(_good, "Sec-WebSocket-Version: 13\r\n"), "426"},
            {"version 8", without(_good, "Version: 13", "Version: 8"), "426"},
            {"no key", without(_good, "Sec-WebSocket-Key: " + key + "\r\n"), "400"},
            {"two keys", without(_good, "Host:", "Sec-WebSocket-Key: " + key + "\r\nHost:"), "400"},
            {"a short key", without(_good, key, "dGhlIHNhbXBsZQ=="), "400"},
            {"a key that is not base64", without(_good, key, "dGhlIHNhbXBsZSBub25jZ!=="), "400"},
            {"no subprotocol [MQTT-6.0.0-3]",
             without(_good, "Sec-WebSocket-Protocol: mqtt\r\n"), "400"},
            {"another subprotocol", without(_good, "Protocol: mqtt", "Protocol: chat"), "400"},
            {"capitals", without(_good, "Protocol: mqtt", "Protocol: MQTT"), "400"},
            {"a body", without(_good, "Host:", "Content-Length: 5\r\nHost:"), "400"},
            {"a body of unknown length", without(_good, "Host:", "Transfer-Encoding: chunked\r\nHost:"),
             "400"},
            {"a field without colon", without(_good, "Host:", "Nonsense\r\nHost:"), "400"},
            {"a field without name", without(_good, "Host:", ": x\r\nHost:"), "400"},
            {"a blank in a name", without(_good, "Host:", "Host : y\r\nHost:"), "400"},
            {"a folded line", without(_good, "Host:", "X: y\r\n z\r\nHost:"), "400"},
            {"a bare CR", without(_good, "Host:", "X: y\rz\r\nHost:"), "400"},
            {"a bare LF", without(_good, "Host:", "X: y\nHost:"), "400"},
            {"NUL", without(_good, "broker", std::string("bro\0ker", 7)), "400"},
        };
        for (const auto& c : cases)
        {
            const auto answer = answerUpgrade(c.head, "/mqtt");
            CPPUNIT_ASSERT_MESSAGE(c.name, !answer.accepted);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, "HTTP/1.1 " + std::string(c.status),
                                         answer.response.substr(0, 12));
            CPPUNIT_ASSERT_MESSAGE(c.name, !answer.problem.empty());
            const bool tellsVersion =
                answer.response.find("Sec-WebSocket-Version: 13\r\n") != std::string::npos;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, std::string(c.status) == "426", tellsVersion);
        }
    }

    void refusesALongRequest()
    {
        CPPUNIT_ASSERT(refuseLongUpgrade().response.starts_with("HTTP/1.1 431 "));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WebSocketUpgradeTest);

} // namespace nanomq::test
