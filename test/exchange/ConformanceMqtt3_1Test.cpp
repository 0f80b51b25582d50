#include "ExchangeTest.h"

namespace nanomq::test
{

/// Where MQTT 3.1 (MQIsdp, level 3) has rules of its own. Most dialogues of the other tests are
/// held in 3.1, too; CONFORMANCE.md lists them.
class ConformanceMqtt3_1Test : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceMqtt3_1Test);
    CPPUNIT_TEST(takesALongClientIdentifier);
    CPPUNIT_TEST(hasNoSessionPresentFlag);
    CPPUNIT_TEST(takesFlagsOfCredentialsThatAreMissing);
    CPPUNIT_TEST(takesRequestsThatAreSentAgain);
    CPPUNIT_TEST(dropsAClientThatIsSilent);
    CPPUNIT_TEST(closesOnWhatIsMalformed);
    CPPUNIT_TEST(matchesAsAppendixASays);
    CPPUNIT_TEST(sendsWhatIsRetainedWithEachSubscribe);
    CPPUNIT_TEST(acknowledgesInTheOrderOfThePublishes);
    CPPUNIT_TEST(exchangesMessagesWithNewerClients);
    CPPUNIT_TEST_SUITE_END();

public:
    /// v3.1 §3.1: a server may refuse more than 23 characters; this one takes them, and all of
    /// them count.
    void takesALongClientIdentifier()
    {
        const std::string same(23, 'x');
        auto one = client(same + "1");
        auto other = client(same + "2");
        one.expectNothingBeforePingresp();
        auto again = client(same + "1");
        one.expectClosed();
        other.expectNothingBeforePingresp();
        client(std::string(60'000, 'x')).expectNothingBeforePingresp();
    }

    void hasNoSessionPresentFlag() // v3.1 §3.2: the byte is reserved
    {
        for (const bool again : {false, true})
        {
            auto client = open(ProtocolVersion::v3_1);
            CPPUNIT_ASSERT(client.connect({.clientId = "a", .cleanStart = false}).bytes() ==
                           hex("20 02 00 00"));
            if (!again) client.subscribe("t", QoS::AtLeastOnce);
            else client.expectPublish("t", "x", QoS::AtLeastOnce); // and yet it was resumed
            client.drop();
            this->client("publisher").publish("t", "x", {.qos = QoS::AtLeastOnce});
        }
    }

    void takesFlagsOfCredentialsThatAreMissing() // v3.1 §3.1: the Remaining Length counts
    {
        for (const char* bytes : {"10 0F 00 06 'MQIsdp' 03 C2 00 00 00 01 'a'",
                                  "10 12 00 06 'MQIsdp' 03 C2 00 00 00 01 'a' 00 01 'u'"})
        {
            auto client = open(ProtocolVersion::v3_1);
            client.sendBytes(hex(bytes)).expectConnack();
            client.expectNothingBeforePingresp();
        }
    }

    void takesRequestsThatAreSentAgain() // v3.1 §2.1: with DUP; later versions know none there
    {
        auto subscriber = client("subscriber");
        subscriber.sendBytes(hex("8A 06 00 01 00 01 't' 01")).expect<Suback>();
        auto publisher = client("publisher");
        publisher.sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, 7).expectPubrec(7);
        publisher.sendBytes(hex("6A 02 00 07")).expectPubcomp(7);
        subscriber.expectPublish("t", "x", QoS::AtLeastOnce);
        subscriber.sendBytes(hex("AA 05 00 02 00 01 't'")).expect<Unsuback>();
    }

    void dropsAClientThatIsSilent() // v3.1 §3.1: one and a half Keep Alives; then the will
    {
        using namespace std::chrono;
        auto watcher = client("watcher");
        watcher.subscribe("will");
        Will will;
        will.topicName = "will";
        auto silent = open(ProtocolVersion::v3_1);
        const auto start = steady_clock::now();
        silent.connect({.clientId = "silent", .keepAlive = 1, .will = will});
        silent.expectClosed();
        CPPUNIT_ASSERT(steady_clock::now() - start >= milliseconds(1500));
        watcher.expectPublish("will", "");
    }

    void closesOnWhatIsMalformed()
    {
        struct Case
        {
            const char* name;
            const char* bytes;
        };
        static constexpr Case cases[] = {
            {"2.1 QoS 3 is reserved", "36 05 00 01 't' 00 01"},
            {"2.1 QoS 3 requested", "82 06 00 01 00 01 't' 03"},
            {"2.1 type 0", "00 00"},
            {"2.1 type 15", "F0 00"},
            {"2.1 Remaining Length of five bytes", "30 FF FF FF FF 01"},
            {"2.4 identifier 0", "32 05 00 01 't' 00 00"},
            {"2.5 not UTF-8", "30 03 00 01 FF"},
            {"3.3 a wildcard in a Topic Name", "30 03 00 01 '#'"},
            {"3.8 SUBSCRIBE without a filter", "82 02 00 01"},
            {"3.10 UNSUBSCRIBE without a filter", "A2 02 00 01"},
            {"the topic is longer than the packet", "30 03 00 09 't'"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_MESSAGE(c.name, client("a").sendBytes(hex(c.bytes)).readToEnd().empty());
        client("still there").expectNothingBeforePingresp();
    }

    void matchesAsAppendixASays()
    {
        struct Case
        {
            const char* filter;
            const char* name;
            bool match;
        };
        static constexpr Case cases[] = {
            {"finance/stock/ibm/#", "finance/stock/ibm", true},
            {"finance/stock/ibm/#", "finance/stock/ibm/currentprice", true},
            {"finance/stock/ibm/#", "finance/stock/ibmx", false},
            {"#", "finance", true},
            {"finance/+/ibm", "finance/stock/ibm", true},
            {"finance/+/ibm", "finance/stock/xyz", false},
            {"finance/+", "finance", false},
            {"finance/+", "finance/", true},
            {"/finance", "finance", false},
            {"+/+", "/finance", true},
            {"FINANCE", "finance", false},
        };
        auto publisher = client("publisher");
        for (const auto& c : cases)
        {
            auto subscriber = client("subscriber");
            subscriber.subscribe(c.filter);
            publisher.publish(c.name, "x");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.filter, c.match,
                                         !subscriber.receiveMessagesBeforePingresp().empty());
        }
    }

    void sendsWhatIsRetainedWithEachSubscribe() // v3.1 §3.3, §3.8
    {
        auto publisher = client("publisher");
        publisher.publish("t", "old", {.qos = QoS::ExactlyOnce, .retain = true});
        publisher.publish("t", "kept", {.qos = QoS::AtLeastOnce, .retain = true});
        auto subscriber = client("subscriber");
        for (const auto qos : {QoS::AtMostOnce, QoS::AtLeastOnce})
        {
            subscriber.subscribe("t", qos);
            CPPUNIT_ASSERT(subscriber.expectPublish("t", "kept", qos)->retain);
        }
        publisher.publish("t", "live", {.retain = true});
        CPPUNIT_ASSERT(!subscriber.expectPublish("t", "live")->retain);
        publisher.publish("t", "", {.retain = true});
        auto late = client("late");
        late.subscribe("t").expectNothingBeforePingresp();
    }

    void acknowledgesInTheOrderOfThePublishes() // v3.1 §4.1
    {
        auto publisher = client("publisher");
        for (PacketIdentifier id = 1; id <= 20; ++id)
            publisher.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, id);
        for (PacketIdentifier id = 1; id <= 20; ++id) publisher.expectPuback(id);
        for (PacketIdentifier id = 1; id <= 20; ++id)
            publisher.sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, id);
        for (PacketIdentifier id = 1; id <= 20; ++id) publisher.expectPubrec(id);
    }

    void exchangesMessagesWithNewerClients()
    {
        auto old = client("old");
        old.subscribe("t", QoS::AtLeastOnce);
        PropertyList properties = with(PropertyId::MessageExpiryInterval, kLong);
        properties.add("name", "value");
        auto newest = client("newest", ProtocolVersion::v5_0);
        newest.subscribe("u");
        newest.publish("t", "x", {.qos = QoS::AtMostOnce, .properties = properties});
        CPPUNIT_ASSERT(old.expectPublish("t", "x").bytes() == hex("30 04 00 01 't' 'x'"));
        client("newer", ProtocolVersion::v3_1_1).publish("t", "y");
        old.expectPublish("t", "y");
        old.publish("u", "z");
        CPPUNIT_ASSERT(newest.expectPublish("u", "z")->properties.empty());
    }

private:
    ScriptedClient client(std::string_view clientId,
                          ProtocolVersion version = ProtocolVersion::v3_1)
    {
        return ExchangeTest::client(clientId, version);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceMqtt3_1Test);

} // namespace nanomq::test
