#include "ExchangeTest.h"

#include <algorithm>

namespace nanomq::test
{

/// Delivery with QoS 0, 1 and 2, and flow control (§4.3, §4.4, §4.9).
class QoSTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(QoSTest);
    CPPUNIT_TEST(deliversWithTheLowerOfBothQoS);
    CPPUNIT_TEST(completesExactlyOnce);
    CPPUNIT_TEST(takesTheSameIdentifierAgainAfterPubcomp);
    CPPUNIT_TEST(answersPubrelForAnIdentifierItDoesNotKnow);
    CPPUNIT_TEST(takesQoS1WithDupAsItComes);
    CPPUNIT_TEST(acknowledgesInTheOrderOfThePublishes);
    CPPUNIT_TEST(sendsNoMoreThanTheClientsReceiveMaximum);
    CPPUNIT_TEST(freesASlotOnPubrecWithAFailure);
    CPPUNIT_TEST(refusesMoreThanItsOwnReceiveMaximum);
    CPPUNIT_TEST_SUITE_END();

public:
    void deliversWithTheLowerOfBothQoS() // [MQTT-3.8.4-8]
    {
        static constexpr QoS all[] = {QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce};
        for (const auto version : kVersions)
        {
            auto publisher = client("publisher", version);
            auto subscriber = client("subscriber", version);
            for (const QoS granted : all)
            {
                subscriber.subscribe("t", granted);
                for (const QoS published : all)
                {
                    publisher.publish("t", "payload", {.qos = published});
                    const auto message = subscriber.receiveMessage();
                    CPPUNIT_ASSERT_EQUAL(std::string("payload"),
                                         std::string(asText(message->payload)));
                    CPPUNIT_ASSERT(message->qos == std::min(granted, published));
                    CPPUNIT_ASSERT(!message->dup && !message->retain);
                    subscriber.expectNothingBeforePingresp();
                }
            }
        }
    }

    void completesExactlyOnce() // [MQTT-4.3.3-8, -10, -11]
    {
        for (const auto version : kVersions)
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("t", QoS::AtMostOnce);
            auto publisher = client("publisher", version);
            publisher.sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, 7).expectPubrec(7);
            publisher.sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, 7, true).expectPubrec(7);
            publisher.sendPubrel(7).expectPubcomp(7);
            subscriber.expectPublish("t", "x");
            subscriber.expectNothingBeforePingresp();
        }
    }

    void takesTheSameIdentifierAgainAfterPubcomp() // [MQTT-4.3.3-12]
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t", QoS::AtMostOnce);
        auto publisher = client("publisher");
        for (const char* payload : {"first", "second"})
        {
            publisher.sendPublish("t", payload, {.qos = QoS::ExactlyOnce}, 7).expectPubrec(7);
            publisher.sendPubrel(7).expectPubcomp(7);
            subscriber.expectPublish("t", payload);
        }
    }

    void answersPubrelForAnIdentifierItDoesNotKnow() // [MQTT-4.3.3-11], §3.7.2.1
    {
        client("3.1.1", ProtocolVersion::v3_1_1).sendPubrel(9).expectPubcomp(9);
        client("5.0").sendPubrel(9).expectPubcomp(9, ReasonCode::PacketIdentifierNotFound);
    }

    void takesQoS1WithDupAsItComes() // [MQTT-4.3.2-5]: a new message, whatever DUP says
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t", QoS::AtMostOnce);
        auto publisher = client("publisher");
        publisher.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, 5);
        publisher.expect<Acknowledgement>();
        publisher.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, 5, true);
        publisher.expect<Acknowledgement>();
        subscriber.expectPublish("t", "x");
        CPPUNIT_ASSERT(!subscriber.expectPublish("t", "x")->dup); // [MQTT-3.3.1-3]
    }

    void acknowledgesInTheOrderOfThePublishes() // §4.6
    {
        auto publisher = client("publisher", ProtocolVersion::v3_1_1);
        for (PacketIdentifier id = 1; id <= 20; ++id)
            publisher.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, id);
        for (PacketIdentifier id = 1; id <= 20; ++id) publisher.expectPuback(id);
        for (PacketIdentifier id = 1; id <= 20; ++id)
            publisher.sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, id);
        for (PacketIdentifier id = 1; id <= 20; ++id) publisher.expectPubrec(id);
        for (PacketIdentifier id = 1; id <= 20; ++id) publisher.sendPubrel(id);
        for (PacketIdentifier id = 1; id <= 20; ++id) publisher.expectPubcomp(id);
    }

    void sendsNoMoreThanTheClientsReceiveMaximum() // [MQTT-3.3.4-9], §4.9
    {
        auto subscriber = open();
        subscriber.connect(
            {.clientId = "subscriber", .properties = with(PropertyId::ReceiveMaximum, 2)});
        subscriber.subscribe("t", QoS::ExactlyOnce);
        auto publisher = client("publisher");
        for (const char* payload : {"1", "2", "3", "4"})
            publisher.publish("t", payload, {.qos = QoS::ExactlyOnce});

        const auto first = subscriber.expectPublish("t", "1", QoS::ExactlyOnce);
        const auto second = subscriber.expectPublish("t", "2", QoS::ExactlyOnce);
        subscriber.expectNothingBeforePingresp();

        // PUBREC frees nothing, PUBCOMP does.
        subscriber.sendPubrec(first->packetIdentifier).expectPubrel(first->packetIdentifier);
        subscriber.expectNothingBeforePingresp();
        subscriber.sendPubcomp(first->packetIdentifier);
        subscriber.expectPublish("t", "3", QoS::ExactlyOnce);
        subscriber.expectNothingBeforePingresp();
    }

    void freesASlotOnPubrecWithAFailure() // §4.9
    {
        auto subscriber = open();
        subscriber.connect(
            {.clientId = "subscriber", .properties = with(PropertyId::ReceiveMaximum, 1)});
        subscriber.subscribe("t", QoS::ExactlyOnce);
        auto publisher = client("publisher");
        publisher.publish("t", "1", {.qos = QoS::ExactlyOnce});
        publisher.publish("t", "2", {.qos = QoS::ExactlyOnce});
        const auto first = subscriber.expectPublish("t", "1", QoS::ExactlyOnce);
        subscriber.expectNothingBeforePingresp();
        subscriber.sendPubrec(first->packetIdentifier, ReasonCode::QuotaExceeded);
        subscriber.expectPublish("t", "2", QoS::ExactlyOnce);
    }

    void refusesMoreThanItsOwnReceiveMaximum() // [MQTT-3.3.4-7], §3.3.4
    {
        auto publisher = open();
        const auto connack = publisher.connect({.clientId = "publisher"});
        CPPUNIT_ASSERT(connack->properties.has(PropertyId::ReceiveMaximum));
        const PacketIdentifier maximum = connack->properties.receiveMaximum;
        CPPUNIT_ASSERT(maximum < 65'535); // else no identifier is left to exceed it with
        for (PacketIdentifier id = 1; id <= maximum; ++id)
            publisher.sendPublish("t", "", {.qos = QoS::ExactlyOnce}, id).expect<Acknowledgement>();
        publisher.sendPublish("t", "", {.qos = QoS::ExactlyOnce},
                              static_cast<PacketIdentifier>(maximum + 1));
        publisher.expectDisconnect(ReasonCode::ReceiveMaximumExceeded);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(QoSTest);

} // namespace nanomq::test
