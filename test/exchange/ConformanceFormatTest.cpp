#include "ExchangeTest.h"

#include <set>

namespace nanomq::test
{

/// How packets look, both ways (§1.5, §2).
class ConformanceFormatTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceFormatTest);
    CPPUNIT_TEST(keepsTheByteOrderMark);
    CPPUNIT_TEST(sendsLengthsInTheirShortestForm);
    CPPUNIT_TEST(sendsQoS0WithoutAnIdentifier);
    CPPUNIT_TEST(givesEachMessageAnIdentifierOfItsOwn);
    CPPUNIT_TEST(repeatsTheIdentifierOfTheRequest);
    CPPUNIT_TEST(writesALengthOfZeroWhenThereAreNoProperties);
    CPPUNIT_TEST(carriesATopicOfAnyLength);
    CPPUNIT_TEST(refusesWhatTheTextForbids);
    CPPUNIT_TEST(refusesWhatTheTextOf3_1_1Forbids);
    CPPUNIT_TEST(takesAcknowledgementsInTheirShortForms);
    CPPUNIT_TEST_SUITE_END();

public:
    void keepsTheByteOrderMark() // [MQTT-1.5.4-3], v3.1.1 [MQTT-1.5.3-3]
    {
        for (const auto version : kVersions)
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("\xEF\xBB\xBFt").subscribe("a\xEF\xBB\xBF");
            auto publisher = client("publisher", version);
            publisher.publish("t", "another topic");
            publisher.publish("\xEF\xBB\xBFt", "x");
            publisher.publish("a\xEF\xBB\xBF", "y");
            subscriber.expectPublish("\xEF\xBB\xBFt", "x");
            subscriber.expectPublish("a\xEF\xBB\xBF", "y");
        }
    }

    void sendsLengthsInTheirShortestForm() // [MQTT-1.5.5-1]
    {
        auto subscriber = client("subscriber", ProtocolVersion::v3_1_1);
        subscriber.subscribe("t");
        auto publisher = client("publisher", ProtocolVersion::v3_1_1);
        struct Case
        {
            std::size_t remainingLength;
            std::size_t header; // bytes of the Fixed Header
        };
        static constexpr Case cases[] = {{127, 2},    {128, 3},       {16'383, 3},
                                         {16'384, 4}, {2'097'151, 4}, {2'097'152, 5}};
        for (const auto& c : cases)
        {
            const std::string payload(c.remainingLength - 3, 'x');
            publisher.publish("t", payload);
            const auto size = subscriber.expectPublish("t", payload).bytes().size();
            CPPUNIT_ASSERT_EQUAL(c.header + c.remainingLength, size);
        }
    }

    void sendsQoS0WithoutAnIdentifier() // [MQTT-2.2.1-2], [MQTT-3.3.2-1], v3.1.1 [MQTT-2.3.1-5]
    {
        struct Case
        {
            ProtocolVersion version;
            const char* bytes;
        };
        static constexpr Case cases[] = {{ProtocolVersion::v3_1_1, "30 04 00 01 't' 'x'"},
                                         {ProtocolVersion::v5_0, "30 05 00 01 't' 00 'x'"}};
        for (const auto& c : cases)
        {
            auto subscriber = client("subscriber", c.version);
            subscriber.subscribe("t", QoS::ExactlyOnce);
            client("publisher", c.version).publish("t", "x");
            CPPUNIT_ASSERT(subscriber.expectPublish("t", "x").bytes() == hex(c.bytes));
        }
    }

    /// [MQTT-2.2.1-4], [MQTT-4.3.2-1], [MQTT-4.3.3-1], v3.1.1 [MQTT-2.3.1-4]
    void givesEachMessageAnIdentifierOfItsOwn()
    {
        for (const auto version : kVersions)
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("t", QoS::ExactlyOnce);
            auto publisher = client("publisher", version);
            std::set<PacketIdentifier> identifiers;
            for (int message = 0; message < 20; ++message)
            {
                const auto qos = message % 2 == 0 ? QoS::AtLeastOnce : QoS::ExactlyOnce;
                publisher.publish("t", "x", {.qos = qos});
                const auto got = subscriber.expectPublish("t", "x", qos);
                CPPUNIT_ASSERT(!got->dup && got->packetIdentifier != 0);
                CPPUNIT_ASSERT(identifiers.insert(got->packetIdentifier).second);
            }
        }
    }

    /// [MQTT-2.2.1-6], [MQTT-3.8.4-2], [MQTT-3.10.4-5], v3.1.1 [MQTT-2.3.1-7], [MQTT-3.10.4-4]
    void repeatsTheIdentifierOfTheRequest()
    {
        for (const auto version : kVersions)
        {
            auto client = this->client("a", version);
            for (const PacketIdentifier identifier : {1, 0x1234, 0xFFFF})
            {
                client.send(Subscribe{identifier, {{.topicFilter = "t"}}, {}});
                CPPUNIT_ASSERT_EQUAL(identifier, client.expect<Suback>()->packetIdentifier);
                client.send(Unsubscribe{identifier, {"t"}, {}});
                CPPUNIT_ASSERT_EQUAL(identifier, client.expect<Unsuback>()->packetIdentifier);
            }
        }
    }

    void writesALengthOfZeroWhenThereAreNoProperties() // [MQTT-2.2.2-1]
    {
        auto client = this->client("a");
        client.send(Subscribe{7, {{.topicFilter = "t"}}, {}});
        CPPUNIT_ASSERT(client.expect<Suback>().bytes() == hex("90 04 00 07 00 00"));
        client.send(Unsubscribe{8, {"t"}, {}});
        CPPUNIT_ASSERT(client.expect<Unsuback>().bytes() == hex("B0 04 00 08 00 00"));
    }

    void carriesATopicOfAnyLength() // [MQTT-4.7.3-3]
    {
        for (const auto version : kVersions)
        {
            const std::string topic(65'535, 't');
            auto client = this->client("a", version);
            client.subscribe(topic).sendPublish(topic, "x").expectPublish(topic, "x");
        }
    }

    void refusesWhatTheTextForbids()
    {
        struct Case
        {
            const char* name;
            const char* bytes;
        };
        static constexpr Case cases[] = {
            {"1.5.7-1 name of a User Property", "30 0C 00 01 't' 08 26 00 02 FF 'a' 00 01 'b'"},
            {"1.5.7-1 value of a User Property", "30 0C 00 01 't' 08 26 00 01 'a' 00 02 'b' 00"},
            {"3.3.2-13 Response Topic", "30 08 00 01 't' 04 08 00 01 FF"},
            {"3.3.2-14 Response Topic with a wildcard", "30 08 00 01 't' 04 08 00 01 '#'"},
            {"3.3.2-19 Content Type", "30 08 00 01 't' 04 03 00 01 FF"},
            {"3.4.2-1 code of PUBACK", "40 03 00 01 92"},
            {"3.5.2-1 code of PUBREC", "50 03 00 01 01"},
            {"3.6.1-1 flags of PUBREL", "60 02 00 01"},
            {"3.6.2-1 code of PUBREL", "62 03 00 01 10"},
            {"3.7.2-1 code of PUBCOMP", "70 03 00 01 80"},
            {"3.8.1-1 flags of SUBSCRIBE", "81 07 00 01 00 00 01 't' 00"},
            {"3.8.3-1 filter of SUBSCRIBE", "82 07 00 01 00 00 01 FF 00"},
            {"3.10.1-1 flags of UNSUBSCRIBE", "A0 06 00 01 00 00 01 't'"},
            {"3.10.3-1 filter of UNSUBSCRIBE", "A2 06 00 01 00 00 01 FF"},
            {"3.14.1-1 flags of DISCONNECT", "E1 00"},
            {"3.14.2-1 code of DISCONNECT", "E0 01 01"},
            {"3.15.1-1 flags of AUTH", "F1 00"},
            {"3.15.2-1 code of AUTH", "F0 02 01 00"},
            {"4.7.3-2 U+0000 in a filter", "82 08 00 01 00 00 02 't' 00 00"},
        };
        for (const auto& c : cases)
        {
            auto client = this->client("a");
            const auto answer = client.sendBytes(hex(c.bytes)).expect<Disconnect>();
            CPPUNIT_ASSERT_MESSAGE(c.name, isFailure(answer->reason)); // [MQTT-4.13.1-1]
            client.expectClosed();
        }
    }

    void refusesWhatTheTextOf3_1_1Forbids() // v3.1.1
    {
        struct Case
        {
            const char* name;
            const char* bytes;
        };
        static constexpr Case cases[] = {
            {"1.5.3-2, 4.7.3-2 U+0000 in a Topic Name", "30 05 00 02 't' 00 'x'"},
            {"2.2.2-1 flags of PUBACK", "41 02 00 01"},
            {"3.6.1-1 flags of PUBREL", "60 02 00 01"},
            {"3.8.1-1 flags of SUBSCRIBE", "80 06 00 01 00 01 't' 00"},
            {"3.8.3-1 filter of SUBSCRIBE", "82 06 00 01 00 01 FF 00"},
            {"3.10.1-1 flags of UNSUBSCRIBE", "A0 05 00 01 00 01 't'"},
            {"3.10.3-1 filter of UNSUBSCRIBE", "A2 05 00 01 00 01 FF"},
            {"3.14.1-1 flags of DISCONNECT", "E1 00"},
            {"4.7.3-2 U+0000 in a filter", "82 07 00 01 00 02 't' 00 00"},
        };
        for (const auto& c : cases)
        {
            auto watcher = client("watcher", ProtocolVersion::v3_1_1);
            watcher.subscribe("will");
            Will will;
            will.topicName = "will";
            auto mortal = open(ProtocolVersion::v3_1_1);
            mortal.connect({.clientId = "mortal", .will = will});
            CPPUNIT_ASSERT_MESSAGE(c.name, mortal.sendBytes(hex(c.bytes)).readToEnd().empty());
            watcher.expectPublish("will", ""); // closed for an error
        }
    }

    void takesAcknowledgementsInTheirShortForms() // §3.4.2.1: two bytes mean Success
    {
        auto client = this->client("a");
        client.subscribe("t", QoS::ExactlyOnce);
        client.publish("u", "", {.qos = QoS::AtLeastOnce});
        client.sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, 5)
            .expectPublish("t", "x", QoS::ExactlyOnce);
        client.expectPubrec(5).sendBytes(hex("62 02 00 05")).expectPubcomp(5);
        client.sendBytes(hex("50 02 00 01")).expectPubrel(1);
        client.sendBytes(hex("70 03 00 01 00")).expectNothingBeforePingresp();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceFormatTest);

} // namespace nanomq::test
