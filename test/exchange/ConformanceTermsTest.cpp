#include "ExchangeTest.h"

namespace nanomq::test
{

/// A server that is configured to give less than it can (§3.2.2.3).
class ConformanceTermsTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceTermsTest);
    CPPUNIT_TEST(announcesWhatItLimits);
    CPPUNIT_TEST(refusesAQoSAboveItsMaximum);
    CPPUNIT_TEST(grantsSubscriptionsOfEachQoS);
    CPPUNIT_TEST(refusesAWillAboveItsMaximum);
    CPPUNIT_TEST(refusesRetainedMessages);
    CPPUNIT_TEST(refusesEveryAliasWhenItAnnouncesNone);
    CPPUNIT_TEST(holdsTheClientToTheServersKeepAlive);
    CPPUNIT_TEST(tellsTheSessionExpiryThatItGrants);
    CPPUNIT_TEST(givesResponseInformationToWhomAsksForIt);
    CPPUNIT_TEST_SUITE_END();

public:
    void announcesWhatItLimits() // [MQTT-3.2.2-9]
    {
        auto client = open();
        const auto connack = client.connect({.clientId = "a", .keepAlive = 60});
        CPPUNIT_ASSERT(connack->properties.has(PropertyId::MaximumQoS));
        CPPUNIT_ASSERT_EQUAL(1, int{connack->properties.maximumQoS});
        CPPUNIT_ASSERT(connack->properties.has(PropertyId::RetainAvailable));
        CPPUNIT_ASSERT_EQUAL(0, int{connack->properties.retainAvailable});
        CPPUNIT_ASSERT(connack->properties.has(PropertyId::ServerKeepAlive));
        CPPUNIT_ASSERT_EQUAL(1, int{connack->properties.serverKeepAlive});
        CPPUNIT_ASSERT(!connack->properties.has(PropertyId::TopicAliasMaximum));
    }

    void refusesAQoSAboveItsMaximum() // [MQTT-3.2.2-11]
    {
        client("a").publish("t", "x", {.qos = QoS::AtLeastOnce});
        client("a")
            .sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, 1)
            .expectDisconnect(ReasonCode::QoSNotSupported);
    }

    void grantsSubscriptionsOfEachQoS() // [MQTT-3.2.2-10]
    {
        auto subscriber = client("a");
        for (const auto qos : {QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce})
            CPPUNIT_ASSERT(!isFailure(subscriber.subscribe({{.topicFilter = "t", .qos = qos}})[0]));
    }

    void refusesAWillAboveItsMaximum() // [MQTT-3.2.2-12, -13]
    {
        Will will;
        will.topicName = "will";
        will.qos = QoS::ExactlyOnce;
        auto high = open();
        high.sendConnect({.clientId = "a", .will = will});
        high.expectConnack(ReasonCode::QoSNotSupported);
        high.expectClosed();
        will.qos = QoS::AtMostOnce;
        will.retain = true;
        auto retained = open();
        retained.sendConnect({.clientId = "a", .will = will});
        retained.expectConnack(ReasonCode::RetainNotSupported);
        retained.expectClosed();
    }

    void refusesRetainedMessages() // [MQTT-3.2.2-14]
    {
        client("a")
            .sendPublish("t", "x", {.retain = true})
            .expectDisconnect(ReasonCode::RetainNotSupported);
    }

    void refusesEveryAliasWhenItAnnouncesNone() // [MQTT-3.2.2-18]
    {
        client("a")
            .sendPublish("t", "x", {.properties = with(PropertyId::TopicAlias, 1)})
            .expectDisconnect(ReasonCode::TopicAliasInvalid);
    }

    void holdsTheClientToTheServersKeepAlive() // §3.2.2.3.14
    {
        auto patient = open();
        patient.connect({.clientId = "patient", .keepAlive = 600});
        auto endless = open();
        endless.connect({.clientId = "endless", .keepAlive = 0});
        patient.expectDisconnect(ReasonCode::KeepAliveTimeout);
        endless.expectDisconnect(ReasonCode::KeepAliveTimeout);
    }

    void tellsTheSessionExpiryThatItGrants() // §3.2.2.3.2
    {
        const auto wish = with(PropertyId::SessionExpiryInterval, kLong);
        auto client = open();
        const auto connack = client.connect({.clientId = "a", .properties = wish});
        CPPUNIT_ASSERT(connack->properties.has(PropertyId::SessionExpiryInterval));
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{10}, connack->properties.sessionExpiryInterval);
    }

    void givesResponseInformationToWhomAsksForIt() // [MQTT-3.1.2-28]
    {
        for (const std::uint32_t request : {0, 1})
        {
            const auto wish = with(PropertyId::RequestResponseInformation, request);
            auto client = open();
            const auto connack = client.connect({.clientId = "a", .properties = wish});
            CPPUNIT_ASSERT_EQUAL(request == 1,
                                 connack->properties.has(PropertyId::ResponseInformation));
            if (request == 1)
                CPPUNIT_ASSERT_EQUAL(std::string("answers/a"),
                                     std::string(connack->properties.responseInformation));
        }
    }

protected:
    BrokerOptions options() const override
    {
        return {.conf = {{"nanomq.conf", "maximum_qos = 1\n"
                                         "retain_available = false\n"
                                         "keepalive_maximum = 1s\n"
                                         "topic_alias_maximum = 0\n"
                                         "max_session_expiry = 10s\n"
                                         "response_information = answers/\n"}}};
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceTermsTest);

/// A server that lets nobody in without credentials, and knows none.
class ConformanceClosedDoorTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceClosedDoorTest);
    CPPUNIT_TEST(refusesWhoIsNotKnown);
    CPPUNIT_TEST(handlesNothingAfterARefusal);
    CPPUNIT_TEST_SUITE_END();

public:
    /// [MQTT-3.1.4-2], [MQTT-3.2.2-6, -7], v3.1.1 [MQTT-3.2.2-4, -5]
    void refusesWhoIsNotKnown()
    {
        for (const auto version : kVersions)
        {
            auto anonymous = open(version);
            anonymous.sendConnect({.clientId = "a", .cleanStart = false});
            CPPUNIT_ASSERT_EQUAL(
                version == ProtocolVersion::v5_0 ? 0x87 : 0x05,
                int{anonymous.expectConnack(ReasonCode::NotAuthorized).bytes()[3]});
            anonymous.expectClosed();
            auto unknown = open(version);
            unknown.sendConnect({.clientId = "a", .userName = "user", .password = "secret"});
            CPPUNIT_ASSERT_EQUAL(
                version == ProtocolVersion::v5_0 ? 0x86 : 0x04,
                int{unknown.expectConnack(ReasonCode::BadUserNameOrPassword).bytes()[3]});
            unknown.expectClosed();
        }
    }

    void handlesNothingAfterARefusal() // [MQTT-3.1.4-6], [MQTT-3.14.0-1], v3.1.1 [MQTT-3.1.4-5]
    {
        // A SUBSCRIBE stands in the same segment; CONNACK is the last that comes.
        auto newer = open();
        newer.sendBytes(hex("10 0E 00 04 'MQTT' 05 02 00 00 00 00 01 'a' "
                            "82 07 00 01 00 00 01 't' 00"));
        newer.expectConnack(ReasonCode::NotAuthorized);
        newer.expectClosed();
        auto older = open(ProtocolVersion::v3_1_1);
        older.sendBytes(hex("10 0D 00 04 'MQTT' 04 02 00 00 00 01 'a' 82 06 00 01 00 01 't' 00"));
        older.expectConnack(ReasonCode::NotAuthorized);
        older.expectClosed();
    }

protected:
    BrokerOptions options() const override
    {
        return {.conf = {{"nanomq.conf", "allow_anonymous = false\n"}}};
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceClosedDoorTest);

} // namespace nanomq::test
