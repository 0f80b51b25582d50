#include "ExchangeTest.h"

namespace nanomq::test
{

/// What a Session keeps while its client is away, and for how long (§3.1.2.4, §4.1, §4.4).
class SessionTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(SessionTest);
    CPPUNIT_TEST(keepsSubscriptionsAndMessages);
    CPPUNIT_TEST(keepsTheOrderOfQueuedMessages);
    CPPUNIT_TEST(sendsUnacknowledgedMessagesAgainWithDup);
    CPPUNIT_TEST(goesOnWithPubrelAfterPubrec);
    CPPUNIT_TEST(remembersQoS2MessagesOfItsClient);
    CPPUNIT_TEST(endsWithTheConnectionByDefaultIn5_0);
    CPPUNIT_TEST(endsWithTheConnectionOfCleanSession3_1_1);
    CPPUNIT_TEST(endsWhenItsExpiryIntervalPasses);
    CPPUNIT_TEST(endsAtOnceWhenDisconnectSaysSo);
    CPPUNIT_TEST(refusesAnExpiryThatDisconnectBringsUpFromZero);
    CPPUNIT_TEST(isThrownAwayByCleanStart);
    CPPUNIT_TEST_SUITE_END();

public:
    void keepsSubscriptionsAndMessages() // [MQTT-3.1.2-5, -23], [MQTT-3.2.2-3]
    {
        for (const auto version : kVersions)
        {
            auto away = lastingClient("away", version, false);
            away.subscribe("t", QoS::ExactlyOnce);
            away.disconnect();
            auto publisher = client("publisher", version);
            publisher.publish("t", "one", {.qos = QoS::AtLeastOnce});
            publisher.publish("t", "two", {.qos = QoS::ExactlyOnce});

            auto back = lastingClient("away", version, true);
            CPPUNIT_ASSERT_EQUAL(std::string("one"),
                                 std::string(asText(back.receiveMessage()->payload)));
            CPPUNIT_ASSERT_EQUAL(std::string("two"),
                                 std::string(asText(back.receiveMessage()->payload)));
            publisher.publish("t", "live", {.qos = QoS::AtLeastOnce});
            CPPUNIT_ASSERT_EQUAL(std::string("live"),
                                 std::string(asText(back.receiveMessage()->payload)));
            back.expectNothingBeforePingresp();
            back.drop();
            client("away", version).disconnect(); // nothing is left for the next version
        }
    }

    void keepsTheOrderOfQueuedMessages() // [MQTT-4.6.0-5, -6]
    {
        auto away = lastingClient("away", ProtocolVersion::v5_0, false);
        away.subscribe("t", QoS::AtLeastOnce);
        away.drop();
        auto publisher = client("publisher");
        for (int number = 0; number < 1000; ++number)
            publisher.publish("t", std::to_string(number), {.qos = QoS::AtLeastOnce});
        auto back = lastingClient("away", ProtocolVersion::v5_0, true);
        for (int number = 0; number < 1000; ++number)
            CPPUNIT_ASSERT_EQUAL(std::to_string(number),
                                 std::string(asText(back.receiveMessage()->payload)));
    }

    void sendsUnacknowledgedMessagesAgainWithDup() // [MQTT-4.4.0-1], [MQTT-3.3.1-1]
    {
        for (const auto version : kVersions)
        {
            for (const QoS qos : {QoS::AtLeastOnce, QoS::ExactlyOnce})
            {
                auto first = lastingClient("away", version, false);
                first.subscribe("t", qos);
                auto publisher = client("publisher", version);
                publisher.publish("t", "one", {.qos = qos});
                publisher.publish("t", "two", {.qos = qos});
                const auto one = first.expectPublish("t", "one", qos)->packetIdentifier;
                const auto two = first.expectPublish("t", "two", qos)->packetIdentifier;
                first.drop();

                auto back = lastingClient("away", version, true);
                const auto again = back.expectPublish("t", "one", qos);
                CPPUNIT_ASSERT(again->dup);
                CPPUNIT_ASSERT_EQUAL(one, again->packetIdentifier);
                const auto next = back.expectPublish("t", "two", qos);
                CPPUNIT_ASSERT(next->dup);
                CPPUNIT_ASSERT_EQUAL(two, next->packetIdentifier);
                back.drop();
                client("away", version).disconnect();
            }
        }
    }

    void goesOnWithPubrelAfterPubrec() // [MQTT-4.4.0-1], §4.3.3
    {
        for (const auto version : kVersions)
        {
            auto first = lastingClient("away", version, false);
            first.subscribe("t", QoS::ExactlyOnce);
            client("publisher", version).publish("t", "x", {.qos = QoS::ExactlyOnce});
            const auto id = first.expectPublish("t", "x", QoS::ExactlyOnce)->packetIdentifier;
            first.sendPubrec(id).expectPubrel(id);
            first.drop();

            auto back = lastingClient("away", version, true);
            back.expectPubrel(id).sendPubcomp(id).expectNothingBeforePingresp();
            back.drop();
            lastingClient("away", version, true).expectNothingBeforePingresp();
            client("away", version).disconnect();
        }
    }

    void remembersQoS2MessagesOfItsClient() // §4.1: received, but not completely acknowledged
    {
        for (const auto version : kVersions)
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("t", QoS::AtMostOnce);
            auto publisher = lastingClient("publisher", version, false);
            publisher.sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, 3).expectPubrec(3);
            publisher.drop();

            auto back = lastingClient("publisher", version, true);
            back.sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, 3, true).expectPubrec(3);
            back.sendPubrel(3).expectPubcomp(3);
            subscriber.expectPublish("t", "x");
            subscriber.expectNothingBeforePingresp();
            back.drop();
            client("publisher", version).disconnect();
        }
    }

    void endsWithTheConnectionByDefaultIn5_0() // §3.1.2.11.2
    {
        client("away").drop();
        expectNoSession("away", ProtocolVersion::v5_0);
    }

    void endsWithTheConnectionOfCleanSession3_1_1() // v3.1.1 [MQTT-3.1.2-6]
    {
        client("away", ProtocolVersion::v3_1_1).drop();
        expectNoSession("away", ProtocolVersion::v3_1_1);
    }

    void endsWhenItsExpiryIntervalPasses() // [MQTT-3.1.2-23]
    {
        // A delayed will is published when the session ends, and so tells when it has.
        auto watcher = client("watcher");
        watcher.subscribe("will");
        const auto delayed = with(PropertyId::WillDelayInterval, kLong);
        Will will;
        will.topicName = "will";
        will.properties = delayed.view();
        auto away = open();
        away.connect({.clientId = "away",
                      .cleanStart = false,
                      .properties = with(PropertyId::SessionExpiryInterval, 1),
                      .will = will});
        away.drop();
        watcher.expectPublish("will", "");
        expectNoSession("away", ProtocolVersion::v5_0);
    }

    void endsAtOnceWhenDisconnectSaysSo() // §3.14.2.2.2
    {
        auto away = lastingClient("away", ProtocolVersion::v5_0, false);
        away.disconnect(ReasonCode::Success, with(PropertyId::SessionExpiryInterval, 0));
        expectNoSession("away", ProtocolVersion::v5_0);
    }

    void refusesAnExpiryThatDisconnectBringsUpFromZero() // §3.14.2.2.2
    {
        auto client = this->client("a");
        const auto properties = with(PropertyId::SessionExpiryInterval, 10);
        client.send(Disconnect{ReasonCode::Success, properties.view()});
        client.expectRefused(ReasonCode::ProtocolError);
        expectNoSession("a", ProtocolVersion::v5_0);
    }

    void isThrownAwayByCleanStart() // [MQTT-3.1.2-4]
    {
        for (const auto version : kVersions)
        {
            auto away = lastingClient("away", version, false);
            away.subscribe("t", QoS::AtLeastOnce);
            away.disconnect();
            auto publisher = client("publisher", version);
            publisher.publish("t", "queued", {.qos = QoS::AtLeastOnce});
            auto back = client("away", version);
            publisher.publish("t", "live", {.qos = QoS::AtLeastOnce});
            back.expectNothingBeforePingresp();
        }
    }

private:
    void expectNoSession(std::string_view clientId, ProtocolVersion version)
    {
        auto back = open(version);
        back.connect({.clientId = clientId, .cleanStart = false}, false);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SessionTest);

} // namespace nanomq::test
