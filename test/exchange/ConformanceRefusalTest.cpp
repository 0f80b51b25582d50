#include "ExchangeTest.h"

namespace nanomq::test
{

/// What a client hears when a plugin says no; the plugin is plugins/doorman.cpp.
class ConformanceRefusalTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceRefusalTest);
    CPPUNIT_TEST(sendsAClientToAnotherServer);
    CPPUNIT_TEST(refusesAClientIdentifier);
    CPPUNIT_TEST(tellsOnlyCodesOfThePacketsTable);
    CPPUNIT_TEST(leavesAReasonStringOutThatHasNoRoom);
    CPPUNIT_TEST(tellsAReasonOnlyToWhomWantsIt);
    CPPUNIT_TEST(freesTheIdentifierOfARefusedMessage);
    CPPUNIT_TEST(acknowledgesARefusedMessageOf3_1_1);
    CPPUNIT_TEST(refusesOneFilterAndGrantsTheOthers);
    CPPUNIT_TEST(hasNoCodeForARefusedFilterIn3_1);
    CPPUNIT_TEST_SUITE_END();

public:
    void sendsAClientToAnotherServer() // §4.11
    {
        for (const auto& [id, reason] : {std::pair("moved", ReasonCode::ServerMoved),
                                         std::pair("sent away", ReasonCode::UseAnotherServer)})
        {
            auto client = open();
            client.sendConnect({.clientId = id});
            const auto connack = client.expectConnack(reason);
            CPPUNIT_ASSERT(connack->properties.has(PropertyId::ServerReference));
            CPPUNIT_ASSERT_EQUAL(std::string("other.example:1883"),
                                 std::string(connack->properties.serverReference));
            client.expectClosed();
        }
        for (const auto version : {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1})
        {
            auto old = open(version);
            old.sendConnect({.clientId = "moved"});
            old.expectConnack(ReasonCode::ServerUnavailable);
            old.expectClosed();
        }
    }

    void refusesAClientIdentifier() // [MQTT-3.1.3-8], v3.1.1 [MQTT-3.1.3-9]
    {
        for (const auto version : kVersions)
        {
            auto client = open(version);
            client.sendConnect({.clientId = "id refused"});
            client.expectConnack(ReasonCode::ClientIdentifierNotValid);
            client.expectClosed();
        }
    }

    void tellsOnlyCodesOfThePacketsTable() // [MQTT-3.2.2-8], [MQTT-3.4.2-1], [MQTT-3.5.2-1],
                                           // [MQTT-3.9.3-2]
    {
        auto unlisted = open();
        unlisted.sendConnect({.clientId = "unlisted"});
        unlisted.expectConnack(ReasonCode::NotAuthorized);
        auto client = this->client("a");
        client.sendPublish("unlisted/t", "x", {.qos = QoS::AtLeastOnce}, 1)
            .expectPuback(1, ReasonCode::NotAuthorized)
            .sendPublish("unlisted/t", "x", {.qos = QoS::ExactlyOnce}, 2)
            .expectPubrec(2, ReasonCode::NotAuthorized);
        client.send(Subscribe{3, {{.topicFilter = "unlisted/t"}}, {}});
        CPPUNIT_ASSERT(client.expect<Suback>()->reasons.at(0) == ReasonCode::NotAuthorized);
    }

    /// [MQTT-3.2.2-19, -20], [MQTT-3.4.2-2, -3], [MQTT-3.5.2-2, -3]
    void leavesAReasonStringOutThatHasNoRoom()
    {
        const auto refusal = [this](std::uint32_t maximum) {
            auto client = open();
            client.sendConnect({.clientId = "id refused",
                                .properties = with(PropertyId::MaximumPacketSize, maximum)});
            return client.expectConnack(ReasonCode::ClientIdentifierNotValid);
        };
        CPPUNIT_ASSERT(refusal(100)->properties.has(PropertyId::ReasonString));
        CPPUNIT_ASSERT(refusal(15)->properties.empty());

        // Room for CONNACK, but for no PUBACK with these words.
        for (const std::uint32_t maximum : {20, 100})
        {
            auto client = open();
            client.sendConnect(
                {.clientId = "a", .properties = with(PropertyId::MaximumPacketSize, maximum)});
            client.expectConnack();
            for (const auto qos : {QoS::AtLeastOnce, QoS::ExactlyOnce})
            {
                client.sendPublish("forbidden/t", "x", {.qos = qos}, 1);
                const auto answer = client.expect<Acknowledgement>();
                CPPUNIT_ASSERT(answer->reason == ReasonCode::QuotaExceeded);
                CPPUNIT_ASSERT_EQUAL(maximum == 100,
                                     answer->properties.has(PropertyId::ReasonString));
                CPPUNIT_ASSERT(!answer->properties.has(PropertyId::UserProperty));
            }
        }
    }

    void tellsAReasonOnlyToWhomWantsIt() // [MQTT-3.1.2-29]
    {
        for (const std::uint32_t request : {0, 1})
        {
            auto client = open();
            client.connect({.clientId = "a",
                            .properties = with(PropertyId::RequestProblemInformation, request)});
            client.sendPublish("forbidden/t", "x", {.qos = QoS::AtLeastOnce}, 1);
            CPPUNIT_ASSERT_EQUAL(request == 1, client.expect<Acknowledgement>()->properties.has(
                                                   PropertyId::ReasonString));
        }
    }

    void freesTheIdentifierOfARefusedMessage() // [MQTT-4.3.3-9]
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t");
        auto publisher = client("publisher");
        publisher.sendPublish("forbidden/t", "x", {.qos = QoS::ExactlyOnce}, 7)
            .expectPubrec(7, ReasonCode::QuotaExceeded);
        publisher.sendPublish("t", "new", {.qos = QoS::ExactlyOnce}, 7).expectPubrec(7);
        publisher.sendPubrel(7).expectPubcomp(7);
        subscriber.expectPublish("t", "new");
    }

    void acknowledgesARefusedMessageOf3_1_1() // v3.1.1 [MQTT-3.3.5-2]
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("#");
        auto publisher = client("publisher", ProtocolVersion::v3_1_1);
        publisher.publish("forbidden/t", "x", {.qos = QoS::AtLeastOnce});
        publisher.publish("forbidden/t", "x", {.qos = QoS::ExactlyOnce});
        subscriber.expectNothingBeforePingresp();
    }

    /// §3.9.3: a refused filter does not affect the others. v3.1.1 [MQTT-3.8.3-2], [MQTT-3.9.3-2]
    void refusesOneFilterAndGrantsTheOthers()
    {
        for (const auto version : kNewerVersions)
        {
            auto client = this->client("a", version);
            client.send(Subscribe{
                1,
                {{.topicFilter = "forbidden/+"}, {.topicFilter = "t", .qos = QoS::AtLeastOnce}},
                {}});
            const auto suback = client.expect<Suback>();
            CPPUNIT_ASSERT(suback->reasons.at(0) == (version == ProtocolVersion::v5_0
                                                         ? ReasonCode::QuotaExceeded
                                                         : ReasonCode::UnspecifiedError));
            CPPUNIT_ASSERT(suback->reasons.at(1) == ReasonCode::GrantedQoS1);
            client.expectNothingBeforePingresp(); // the connection goes on
        }
    }

    void hasNoCodeForARefusedFilterIn3_1() // v3.1 §3.8
    {
        auto client = this->client("a", ProtocolVersion::v3_1);
        client.sendBytes(hex("82 18 00 01 00 0B 'forbidden/+' 02 00 05 'other' 01"));
        CPPUNIT_ASSERT(client.expect<Suback>().bytes() == hex("90 04 00 01 02 01"));
        this->client("publisher").publish("other", "x");
        client.expectPublish("other", "x");
    }

protected:
    BrokerOptions options() const override
    {
        return {.conf = {{"doorman.conf", "doorman.enable = true\n"}},
                .pluginFolder = NANOMQ_EXCHANGE_PLUGINS};
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceRefusalTest);

} // namespace nanomq::test
