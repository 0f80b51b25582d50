#include "EventBody.h"
#include "nanomq/testing.h"

#include <Poco/JSON/Parser.h>

#include <cppunit/extensions/HelperMacros.h>

#include <functional>

namespace
{

using namespace nanomq::sdk;
using namespace nanomq::sdk::testing;
using namespace webhook;

Bytes bytes(std::string_view text)
{
    return {text.data(), text.size()};
}

std::string encoded(std::string_view payload, PayloadEncoding encoding)
{
    std::string out;
    appendPayload(out, payload, encoding);
    return out;
}

/// The reader's side of base62, as the README describes it.
std::string decodedBase62(std::string text)
{
    const auto replace = [&text](std::string_view from, char to) {
        for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; ++at)
            text.replace(at, from.size(), 1, to);
    };
    replace("ic", '/');
    replace("ib", '+');
    replace("ia", 'i');
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    unsigned bits = 0;
    int count = 0;
    for (const char c : text)
    {
        bits = bits << 6 | static_cast<unsigned>(alphabet.find(c));
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out += static_cast<char>(bits >> count & 0xFF);
    }
    return out;
}

class BodyTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(BodyTest);
    CPPUNIT_TEST(bodiesAreTheseBytes);
    CPPUNIT_TEST(connackSaysSuccessOrFail);
    CPPUNIT_TEST(disconnectedIsNormalForTheClientsOwnDisconnectOnly);
    CPPUNIT_TEST(absentUserNameIsUndefinedAndEmptyOneIsEmpty);
    CPPUNIT_TEST(messageOfNobodyHasNullClient);
    CPPUNIT_TEST(payloadEncodings);
    CPPUNIT_TEST(base62IsReversible);
    CPPUNIT_TEST(illFormedUtf8IsReplacedByMaximalSubparts);
    CPPUNIT_TEST(anyBytesGiveOneJsonString);
    CPPUNIT_TEST_SUITE_END();

public:
    void bodiesAreTheseBytes()
    {
        const FakeClient client("nanomq-6ecb0b61", "alice");
        const FakeClient sender("sensor-1");
        auto subscribe = event<ClientSubscribe>(client);
        subscribe.topicFilter = "a/#";
        subscribe.options = {2, 1, 0, 1, 0};
        auto unsubscribe = event<ClientUnsubscribe>(client);
        unsubscribe.topicFilter = "a/#";
        auto subscribed = event<SessionSubscribed>(client);
        subscribed.topicFilter = "a/+";
        subscribed.options = {1, 0, 1, 2, 7};
        auto unsubscribed = event<SessionUnsubscribed>(client);
        unsubscribed.topicFilter = "a/+";
        auto terminated = event<SessionTerminated>(client);
        terminated.reasonText = "expired";
        auto published = event<MessagePublished>(client);
        published.topic = "webhook/msg/123";
        published.payload = bytes("hello \"you\"/");
        published.qos = 1;
        published.retain = 1;

        const auto message = [&]<class Event>(Event e) {
            e.publisher = sender.get();
            e.topic = "t";
            e.payload = bytes("hi");
            e.qos = 2;
            return e;
        };
        const auto delivered = message(event<MessageDelivered>(client));
        const auto acked = message(event<MessageAcked>(client));

        const struct
        {
            const char* name;
            std::string body;
            std::string expected;
        } cases[] = {
            {"client_connect", bodyOf(event<ClientConnect>(client)),
             R"({"action":"client_connect","clientid":"nanomq-6ecb0b61","username":"alice",)"
             R"("ipaddress":"192.0.2.7","keepalive":60,"proto_ver":4})"},
            {"client_connack", bodyOf(event<ClientConnack>(client)),
             R"({"proto_ver":4,"keepalive":60,"conn_ack":"success","username":"alice",)"
             R"("clientid":"nanomq-6ecb0b61","action":"client_connack"})"},
            {"client_connected", bodyOf(event<ClientConnected>(client)),
             R"({"action":"client_connected","clientid":"nanomq-6ecb0b61","username":"alice",)"
             R"("ipaddress":"192.0.2.7","keepalive":60,"proto_ver":4,"connected_at":1650609266000})"},
            {"client_disconnected", bodyOf(event<ClientDisconnected>(client)),
             R"({"reason":"normal","username":"alice","clientid":"nanomq-6ecb0b61",)"
             R"("action":"client_disconnected"})"},
            {"client_subscribe", bodyOf(subscribe),
             R"({"action":"client_subscribe","clientid":"nanomq-6ecb0b61","username":"alice",)"
             R"("topic":"a/#","opts":{"qos":2,"nl":1,"rap":0,"rh":1}})"},
            {"client_unsubscribe", bodyOf(unsubscribe),
             R"({"action":"client_unsubscribe","clientid":"nanomq-6ecb0b61","username":"alice",)"
             R"("topic":"a/#","opts":{}})"},
            {"session_subscribed", bodyOf(subscribed),
             R"({"action":"session_subscribed","clientid":"nanomq-6ecb0b61","username":"alice",)"
             R"("topic":"a/+","opts":{"qos":1,"nl":0,"rap":1,"rh":2}})"},
            {"session_unsubscribed", bodyOf(unsubscribed),
             R"({"action":"session_unsubscribed","clientid":"nanomq-6ecb0b61","username":"alice",)"
             R"("topic":"a/+"})"},
            {"session_terminated", bodyOf(terminated),
             R"({"action":"session_terminated","clientid":"nanomq-6ecb0b61","username":"alice",)"
             R"("reason":"expired"})"},
            {"message_publish", bodyOf(published, PayloadEncoding::Plain),
             R"({"ts":1650609267123,"topic":"webhook/msg/123","retain":true,"qos":1,)"
             R"("action":"message_publish","from_username":"alice",)"
             R"("from_client_id":"nanomq-6ecb0b61","payload":"hello \"you\"/"})"},
            {"message_delivered", bodyOf(delivered, PayloadEncoding::Base64),
             R"({"action":"message_delivered","clientid":"nanomq-6ecb0b61","username":"alice",)"
             R"("from_client_id":"sensor-1","from_username":"undefined","topic":"t","qos":2,)"
             R"("retain":false,"payload":"aGk=","ts":1650609267123})"},
            {"message_acked", bodyOf(acked, PayloadEncoding::Plain),
             R"({"action":"message_acked","clientid":"nanomq-6ecb0b61","username":"alice",)"
             R"("from_client_id":"sensor-1","from_username":"undefined","topic":"t","qos":2,)"
             R"("retain":false,"payload":"hi","ts":1650609267123})"},
        };
        for (const auto& c : cases) CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, c.expected, c.body);
    }

    void connackSaysSuccessOrFail()
    {
        const FakeClient client("nanomq-6ecb0b61");
        auto connack = event<ClientConnack>(client);
        connack.reason = 0x87;
        CPPUNIT_ASSERT_EQUAL(
            std::string(R"({"proto_ver":4,"keepalive":60,"conn_ack":"fail","username":"undefined",)"
                        R"("clientid":"nanomq-6ecb0b61","action":"client_connack"})"),
            bodyOf(connack));
    }

    void disconnectedIsNormalForTheClientsOwnDisconnectOnly()
    {
        const FakeClient client("c");
        for (const int reason : {0x00, 0x04, 0x80, 0x8E, 0x01})
        {
            auto disconnected = event<ClientDisconnected>(client);
            disconnected.reason = static_cast<ReasonCode>(reason);
            const bool normal = reason == 0x00 || reason == 0x04;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(
                std::to_string(reason),
                std::string(R"({"reason":")") + (normal ? "normal" : "abnormal") +
                    R"(","username":"undefined","clientid":"c","action":"client_disconnected"})",
                bodyOf(disconnected));
        }
    }

    void absentUserNameIsUndefinedAndEmptyOneIsEmpty()
    {
        const FakeClient absent("c");
        const FakeClient empty("c", "");
        const auto has = [](const FakeClient& client, const char* text) {
            return bodyOf(event<ClientConnected>(client)).find(text) != std::string::npos;
        };
        CPPUNIT_ASSERT(has(absent, R"("username":"undefined")"));
        CPPUNIT_ASSERT(has(empty, R"("username":"")"));
    }

    void messageOfNobodyHasNullClient()
    {
        auto published = event<MessagePublished>();
        published.topic = "t";
        CPPUNIT_ASSERT_EQUAL(
            std::string(R"({"ts":1650609267123,"topic":"t","retain":false,"qos":0,)"
                        R"("action":"message_publish","from_username":"undefined",)"
                        R"("from_client_id":null,"payload":""})"),
            bodyOf(published, PayloadEncoding::Plain));
    }

    void payloadEncodings()
    {
        using enum PayloadEncoding;
        static constexpr char nul[] = {'a', '\0', 'b'};
        static constexpr char high[] = {'\xFB', '\xEF', '\xFF', '\x8A'};
        const struct
        {
            const char* name;
            std::string_view payload;
            PayloadEncoding encoding;
            std::string expected;
        } cases[] = {
            {"plain", "hello", Plain, R"("hello")"},
            {"plain, empty", "", Plain, R"("")"},
            {"plain goes on behind a NUL", {nul, 3}, Plain, R"("a\u0000b")"},
            {"plain keeps UTF-8", "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80", Plain,
             "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\""},
            {"plain escapes", "\"\\\n\t\r\b\f\x1F/", Plain, R"("\"\\\n\t\r\b\f\u001F/")"},
            {"plain, not UTF-8", "a\xFFz", Plain, "\"a\xEF\xBF\xBDz\""},
            {"base64, empty is null as in NanoMQ", "", Base64, "null"},
            {"base64, one byte", "f", Base64, R"("Zg==")"},
            {"base64, two bytes", "fo", Base64, R"("Zm8=")"},
            {"base64, three bytes", "foo", Base64, R"("Zm9v")"},
            {"base64, NUL", {nul, 3}, Base64, R"("YQBi")"},
            {"base64, both odd letters", {high, 4}, Base64, R"("++//ig==")"},
            {"base62, empty", "", Base62, R"("")"},
            {"base62, no padding", "f", Base62, R"("Zg")"},
            {"base62, three bytes", "foo", Base62, R"("Zm9v")"},
            {"base62, all three escapes", {high, 4}, Base62, R"("ibibiciciag")"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, c.expected, encoded(c.payload, c.encoding));
    }

    void base62IsReversible()
    {
        std::string all;
        for (int i = 0; i < 256; ++i) all += static_cast<char>(i * 7);
        for (std::size_t length = 0; length <= all.size(); ++length)
        {
            const std::string payload = all.substr(0, length);
            const std::string quoted = encoded(payload, PayloadEncoding::Base62);
            CPPUNIT_ASSERT_EQUAL(payload, decodedBase62(quoted.substr(1, quoted.size() - 2)));
        }
    }

    void illFormedUtf8IsReplacedByMaximalSubparts()
    {
        const struct
        {
            const char* name;
            std::string text;
            std::string expected; // '?' for U+FFFD
        } cases[] = {
            {"lone continuation", "\x80", "?"},
            {"overlong of two", "\xC0\xAF", "??"},
            {"overlong of three", "\xE0\x80\xAF", "???"},
            {"surrogate", "\xED\xA0\x80", "???"},
            {"above U+10FFFF", "\xF4\x90\x80\x80", "????"},
            {"cut short is one", "\xF0\x9F\x98", "?"},
            {"cut short, then a letter", "\xE2\x82z", "?z"},
            {"cut short, then a character", "\xE2\xC3\xBC", "?\xC3\xBC"},
            {"F5 and up", "\xF5\xFF", "??"},
            {"last of each length", "\x7F\xDF\xBF\xEF\xBF\xBF\xF4\x8F\xBF\xBF",
             "\x7F\xDF\xBF\xEF\xBF\xBF\xF4\x8F\xBF\xBF"},
        };
        for (const auto& c : cases)
        {
            std::string expected;
            for (const char letter : c.expected)
                expected += letter == '?' ? std::string("\xEF\xBF\xBD") : std::string(1, letter);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, expected, wellFormed(c.text));
        }
    }

    void anyBytesGiveOneJsonString()
    {
        std::uint32_t seed = 42;
        for (int round = 0; round < 500; ++round)
        {
            std::string text;
            for (int i = 0; i < round % 40; ++i)
            {
                seed = seed * 1'664'525 + 1'013'904'223;
                text += static_cast<char>(seed >> 24);
            }
            const std::string json = "[" + encoded(text, PayloadEncoding::Plain) + "]";
            const auto parsed = Poco::JSON::Parser().parse(json).extract<Poco::JSON::Array::Ptr>();
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, parsed->size());
            CPPUNIT_ASSERT_EQUAL(wellFormed(text), parsed->getElement<std::string>(0));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BodyTest);

} // namespace
