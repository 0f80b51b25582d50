#include "ExchangeTest.h"

namespace nanomq::test
{

/// CONNECT, CONNACK, take-over and Keep Alive (§3.1, §3.2).
class ConnectTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConnectTest);
    CPPUNIT_TEST(greetsEachVersionInItsOwnForm);
    CPPUNIT_TEST(assignsAClientIdentifierTo5_0);
    CPPUNIT_TEST(takesAnEmptyClientIdentifierOf3_1_1OnlyWithCleanSession);
    CPPUNIT_TEST(refusesAnEmptyClientIdentifierOf3_1);
    CPPUNIT_TEST(takesALongClientIdentifier);
    CPPUNIT_TEST(closesWhenTheFirstPacketIsNotConnect);
    CPPUNIT_TEST(closesOnASecondConnect);
    CPPUNIT_TEST(closesOnAVersionOrProtocolNameItDoesNotKnow);
    CPPUNIT_TEST(closesOnAMalformedConnect);
    CPPUNIT_TEST(givesTheSessionToTheNewerConnection);
    CPPUNIT_TEST(startsAnewWhenTheNewerConnectionWantsIt);
    CPPUNIT_TEST(dropsAClientThatIsSilentForOneAndAHalfKeepAlives);
    CPPUNIT_TEST(lastsAsLongAsPacketsCome);
    CPPUNIT_TEST(closesAfterDisconnect);
    CPPUNIT_TEST_SUITE_END();

public:
    void greetsEachVersionInItsOwnForm()
    {
        for (const auto version : kVersions)
        {
            auto client = open(version);
            const auto connack = client.connect({.clientId = "a", .keepAlive = 60});
            CPPUNIT_ASSERT(version == ProtocolVersion::v5_0 ||
                           connack.bytes() == hex("20 02 00 00"));
            client.expectNothingBeforePingresp().disconnect();
        }
    }

    void assignsAClientIdentifierTo5_0() // [MQTT-3.1.3-6], [MQTT-3.2.2-16]
    {
        auto first = open();
        auto second = open();
        const auto one = first.connect({.clientId = ""});
        const auto other = second.connect({.clientId = ""});
        CPPUNIT_ASSERT(one->properties.has(PropertyId::AssignedClientIdentifier));
        CPPUNIT_ASSERT(!one->properties.assignedClientIdentifier.empty());
        CPPUNIT_ASSERT(one->properties.assignedClientIdentifier !=
                       other->properties.assignedClientIdentifier);
    }

    void takesAnEmptyClientIdentifierOf3_1_1OnlyWithCleanSession() // v3.1.1 [MQTT-3.1.3-7, -8]
    {
        auto clean = open(ProtocolVersion::v3_1_1);
        clean.connect({.clientId = "", .cleanStart = true});
        auto lasting = open(ProtocolVersion::v3_1_1);
        lasting.sendConnect({.clientId = "", .cleanStart = false});
        lasting.expectConnack(ReasonCode::ClientIdentifierNotValid);
        lasting.expectClosed();
    }

    void refusesAnEmptyClientIdentifierOf3_1()
    {
        auto client = open(ProtocolVersion::v3_1);
        client.sendConnect({.clientId = ""});
        client.expectConnack(ReasonCode::ClientIdentifierNotValid);
        client.expectClosed();
    }

    void takesALongClientIdentifier() // more than the 23 bytes of [MQTT-3.1.3-5]
    {
        const std::string longId(200, 'x');
        auto first = client(longId);
        auto second = client(longId);
        first.expectDisconnect(ReasonCode::SessionTakenOver);
        second.expectNothingBeforePingresp();
    }

    void closesWhenTheFirstPacketIsNotConnect() // [MQTT-3.1.0-1], [MQTT-3.14.0-1]
    {
        for (const auto version : kNewerVersions) open(version).send(Pingreq{}).expectClosed();
    }

    void closesOnASecondConnect() // [MQTT-3.1.0-2]
    {
        for (const auto version : kVersions)
        {
            auto twice = client("a", version);
            twice.sendConnect({.clientId = "a"}).expectRefused(ReasonCode::ProtocolError);
        }
    }

    void closesOnAVersionOrProtocolNameItDoesNotKnow() // [MQTT-3.1.2-1, -2]
    {
        struct Case
        {
            const char* name;
            const char* bytes;
        };
        static constexpr Case cases[] = {
            {"version 6", "10 0E 00 04 'MQTT' 06 02 00 00 00 00 01 'a'"},
            {"version 0", "10 0D 00 04 'MQTT' 00 02 00 00 00 01 'a'"},
            {"name MQTX", "10 0D 00 04 'MQTX' 04 02 00 00 00 01 'a'"},
            {"name of 3.1 with version 4", "10 0F 00 06 'MQIsdp' 04 02 00 00 00 01 'a'"},
        };
        for (const auto& c : cases)
        {
            // At most a CONNACK that refuses, in whichever form, before the end.
            const auto answer = open().sendBytes(hex(c.bytes)).readToEnd();
            CPPUNIT_ASSERT_MESSAGE(c.name,
                                   answer.empty() || (answer.size() >= 4 && answer[0] == 0x20));
            if (!answer.empty()) CPPUNIT_ASSERT_MESSAGE(c.name, answer[3] != 0);
        }
    }

    void closesOnAMalformedConnect()
    {
        struct Case
        {
            const char* name;
            const char* bytes;
        };
        static constexpr Case cases[] = {
            {"MQTT-3.1.2-3 reserved flag", "10 0D 00 04 'MQTT' 04 03 00 00 00 01 'a'"},
            {"MQTT-3.1.2-11 Will QoS without Will", "10 0D 00 04 'MQTT' 04 0A 00 00 00 01 'a'"},
            {"MQTT-3.1.2-13 Will Retain without Will", "10 0D 00 04 'MQTT' 04 22 00 00 00 01 'a'"},
            {"MQTT-3.1.2-12 Will QoS 3",
             "10 13 00 04 'MQTT' 04 1E 00 00 00 01 'a' 00 01 't' 00 01 'm'"},
            {"v3.1.1 MQTT-3.1.2-22 password without user name",
             "10 10 00 04 'MQTT' 04 42 00 00 00 01 'a' 00 01 'p'"},
            {"MQTT-3.1.2-17 user name is missing", "10 0D 00 04 'MQTT' 04 82 00 00 00 01 'a'"},
            {"a byte too many", "10 0E 00 04 'MQTT' 04 02 00 00 00 01 'a' 00"},
            {"MQTT-1.5.4-2 U+0000 in the Client Identifier",
             "10 0E 00 04 'MQTT' 04 02 00 00 00 02 'a' 00"},
            {"fixed header flags", "11 0D 00 04 'MQTT' 04 02 00 00 00 01 'a'"},
            {"5.0: a property twice",
             "10 18 00 04 'MQTT' 05 02 00 00 0A 11 00 00 00 01 11 00 00 00 01 00 01 'a'"},
            {"5.0: Receive Maximum 0", "10 11 00 04 'MQTT' 05 02 00 00 03 21 00 00 00 01 'a'"},
            {"5.0: a property of PUBLISH", "10 10 00 04 'MQTT' 05 02 00 00 02 01 00 00 01 'a'"},
        };
        for (const auto& c : cases)
        {
            const auto answer = open().sendBytes(hex(c.bytes)).readToEnd();
            CPPUNIT_ASSERT_MESSAGE(c.name,
                                   answer.empty() || (answer.size() >= 4 && answer[0] == 0x20));
            if (!answer.empty()) CPPUNIT_ASSERT_MESSAGE(c.name, answer[3] != 0);
        }
        client("still there").expectNothingBeforePingresp();
    }

    void givesTheSessionToTheNewerConnection() // [MQTT-3.1.4-3], [MQTT-3.2.2-3]
    {
        for (const auto version : kVersions)
        {
            auto older = lastingClient("taken", version, false);
            older.subscribe("t", QoS::AtLeastOnce);
            auto newer = lastingClient("taken", version, true);
            older.expectRefused(ReasonCode::SessionTakenOver);

            client("publisher", version).publish("t", "x", {.qos = QoS::AtLeastOnce});
            newer.expectPublish("t", "x", QoS::AtLeastOnce);
            newer.drop();
            client("taken", version).disconnect(); // leaves nothing for the next version
        }
    }

    void startsAnewWhenTheNewerConnectionWantsIt() // [MQTT-3.1.2-4]
    {
        for (const auto version : kVersions)
        {
            auto older = lastingClient("taken", version, false);
            older.subscribe("t");
            auto newer = client("taken", version);
            older.expectRefused(ReasonCode::SessionTakenOver);
            client("publisher", version).publish("t", "x");
            newer.expectNothingBeforePingresp();
        }
    }

    void dropsAClientThatIsSilentForOneAndAHalfKeepAlives() // [MQTT-3.1.2-22]
    {
        using namespace std::chrono;
        auto newer = open();
        auto older = open(ProtocolVersion::v3_1_1);
        const auto start = steady_clock::now();
        newer.connect({.clientId = "5.0", .keepAlive = 1});
        older.connect({.clientId = "3.1.1", .keepAlive = 1});
        newer.expectDisconnect(ReasonCode::KeepAliveTimeout);
        older.expectClosed();
        CPPUNIT_ASSERT(steady_clock::now() - start >= milliseconds(1500));
    }

    void lastsAsLongAsPacketsCome()
    {
        auto talking = open();
        talking.connect({.clientId = "talking", .keepAlive = 1});
        auto silent = open();
        silent.connect({.clientId = "silent", .keepAlive = 2});
        // Three seconds by the broker's own clock: that is when it drops the other one.
        while (!silent.closedWithin(std::chrono::milliseconds(500)))
            talking.expectNothingBeforePingresp();
        talking.expectNothingBeforePingresp();
    }

    void closesAfterDisconnect() // [MQTT-3.14.4-1], server side of §3.14.4
    {
        for (const auto version : kVersions) client("a", version).disconnect();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConnectTest);

} // namespace nanomq::test
