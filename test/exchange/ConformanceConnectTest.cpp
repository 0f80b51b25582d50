#include "ExchangeTest.h"

namespace nanomq::test
{

/// What of CONNECT and CONNACK needs no configuration (§3.1, §3.2).
class ConformanceConnectTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceConnectTest);
    CPPUNIT_TEST(answersAnUnknownVersionInTheFormItsClientSent);
    CPPUNIT_TEST(tellsA5_0ClientWhyItsConnectIsMalformed);
    CPPUNIT_TEST(refusesFieldsThatTheFlagsDoNotAnnounce);
    CPPUNIT_TEST(readsThePayloadInItsOrder);
    CPPUNIT_TEST(takesEachClientIdentifierThatEveryServerTakes);
    CPPUNIT_TEST(takesEachCombinationOfCredentials);
    CPPUNIT_TEST(handlesWhatComesRightBehindConnect);
    CPPUNIT_TEST(forgetsAMessageThatIsNotRetained);
    CPPUNIT_TEST(keepsTheOrderOfAWillsUserProperties);
    CPPUNIT_TEST(leavesTheWillAloneWithoutWillFlag);
    CPPUNIT_TEST(refusesAnAuthenticationMethodNobodyKnows);
    CPPUNIT_TEST(speaksNoAuthWithoutAMethod);
    CPPUNIT_TEST(keepsItsAnswersWithinTheClientsMaximumPacketSize);
    CPPUNIT_TEST(announcesNothingThatItDoesNotLimit);
    CPPUNIT_TEST(sendsNoResponseInformationUnasked);
    CPPUNIT_TEST(sendsDisconnectWithoutASessionExpiryInterval);
    CPPUNIT_TEST(keepsRetainedMessagesWhenTheSessionEnds);
    CPPUNIT_TEST(keepsAWillThatIsRetained);
    CPPUNIT_TEST(refusesAnEmptyFilter);
    CPPUNIT_TEST_SUITE_END();

public:
    void
    answersAnUnknownVersionInTheFormItsClientSent() // [MQTT-3.1.2-1, -2], v3.1.1 [MQTT-3.1.2-1, -2]
    {
        struct Case
        {
            const char* name;
            const char* bytes;
            const char* answer;
        };
        static constexpr Case cases[] = {
            {"version 6", "10 0E 00 04 'MQTT' 06 02 00 00 00 00 01 'a'", "20 03 00 84 00"},
            {"version 2", "10 0D 00 04 'MQTT' 02 02 00 00 00 01 'a'", "20 02 00 01"},
            {"3.1 with version 4", "10 0F 00 06 'MQIsdp' 04 02 00 00 00 01 'a'", "20 02 00 01"},
            {"another protocol", "10 0D 00 04 'MQTX' 04 02 00 00 00 01 'a'", ""},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_MESSAGE(c.name,
                                   open().sendBytes(hex(c.bytes)).readToEnd() == hex(c.answer));
    }

    void tellsA5_0ClientWhyItsConnectIsMalformed() // [MQTT-3.1.4-1], v3.1.1 [MQTT-3.1.4-1]
    {
        // Receive Maximum 0 is a Protocol Error; the reserved flag is malformed.
        CPPUNIT_ASSERT(open()
                           .sendBytes(hex("10 11 00 04 'MQTT' 05 02 00 00 03 21 00 00 00 01 'a'"))
                           .readToEnd() == hex("20 03 00 82 00"));
        CPPUNIT_ASSERT(
            open().sendBytes(hex("10 0E 00 04 'MQTT' 05 03 00 00 00 00 01 'a'")).readToEnd() ==
            hex("20 03 00 81 00"));
        CPPUNIT_ASSERT(open() // 3.1.1 closes without CONNACK
                           .sendBytes(hex("10 0D 00 04 'MQTT' 04 03 00 00 00 01 'a'"))
                           .readToEnd()
                           .empty());
    }

    void refusesFieldsThatTheFlagsDoNotAnnounce()
    {
        struct Case
        {
            const char* name;
            const char* bytes;
        };
        static constexpr Case cases[] = {
            {"3.1.2-9 a will without its fields", "10 0D 00 04 'MQTT' 04 06 00 00 00 01 'a'"},
            {"3.1.2-16 user name without flag",
             "10 10 00 04 'MQTT' 04 02 00 00 00 01 'a' 00 01 'u'"},
            {"3.1.2-18 password without flag",
             "10 13 00 04 'MQTT' 04 82 00 00 00 01 'a' 00 01 'u' 00 01 'p'"},
            {"3.1.2-19 password is missing", "10 10 00 04 'MQTT' 04 C2 00 00 00 01 'a' 00 01 'u'"},
            {"v3.1.1 3.1.2-11 will fields without flag",
             "10 13 00 04 'MQTT' 04 02 00 00 00 01 'a' 00 01 't' 00 01 'm'"},
            {"3.1.3-3 no Client Identifier", "10 0A 00 04 'MQTT' 04 02 00 00"},
            {"3.1.3-4 Client Identifier not UTF-8", "10 0D 00 04 'MQTT' 04 02 00 00 00 01 FF"},
            {"3.1.3-11 Will Topic not UTF-8",
             "10 13 00 04 'MQTT' 04 06 00 00 00 01 'a' 00 01 FF 00 01 'm'"},
            {"3.1.3-12 user name not UTF-8", "10 10 00 04 'MQTT' 04 82 00 00 00 01 'a' 00 01 FF"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_MESSAGE(c.name, open().sendBytes(hex(c.bytes)).readToEnd().empty());
    }

    void readsThePayloadInItsOrder() // [MQTT-3.1.3-1], [MQTT-3.1.2-7], [MQTT-3.1.2-17]
    {
        auto watcher = client("watcher");
        watcher.subscribe("will/topic", QoS::AtLeastOnce);
        auto client = open();
        client.sendBytes(hex("10 2A 00 04 'MQTT' 05 8E 00 00 00 00 02 'id' "
                             "02 01 01 00 0A 'will/topic' 00 04 'gone' 00 04 'user'"));
        client.expectConnack();
        client.drop();
        const auto will = watcher.expectPublish("will/topic", "gone", QoS::AtLeastOnce);
        CPPUNIT_ASSERT(will->properties.has(PropertyId::PayloadFormatIndicator));
    }

    void takesEachClientIdentifierThatEveryServerTakes() // [MQTT-3.1.3-5]
    {
        for (const auto version : kVersions)
            for (const char* id : {"0", "9aZ", "0123456789abcdefghijklm", "nopqrstuvwxyzABCDEFGHIJ",
                                   "KLMNOPQRSTUVWXYZ"})
                client(id, version).disconnect();
    }

    void takesEachCombinationOfCredentials() // [MQTT-3.1.2-16, -17, -18, -19], v3.1.1
                                             // [MQTT-3.1.2-18 to -21]
    {
        for (const auto version : kVersions)
        {
            open(version).connect({.clientId = "a"});
            open(version).connect({.clientId = "b", .userName = "user"});
            open(version).connect({.clientId = "c", .userName = "user", .password = "secret"});
            open(version).connect({.clientId = "d", .userName = "", .password = ""});
        }
        open().connect({.clientId = "e", .password = "of 5.0 only"});
    }

    void handlesWhatComesRightBehindConnect() // §3.1.4, [MQTT-3.2.0-1]
    {
        auto client = open();
        client.sendBytes(hex("10 0E 00 04 'MQTT' 05 02 00 00 00 00 01 'a' "
                             "82 07 00 01 00 00 01 't' 00 30 05 00 01 't' 00 'x'"));
        client.expectConnack();
        client.expect<Suback>();
        client.expectPublish("t", "x");
    }

    void forgetsAMessageThatIsNotRetained() // [MQTT-3.1.2-14], [MQTT-3.3.1-8]
    {
        for (const auto version : kVersions)
        {
            auto watcher = client("watcher", version);
            watcher.subscribe("will");
            dropWithWill(version, will());
            watcher.expectPublish("will", "gone");
            client("late", version).subscribe("will").expectNothingBeforePingresp();
        }
    }

    void keepsTheOrderOfAWillsUserProperties() // [MQTT-3.1.3-10]
    {
        auto watcher = client("watcher");
        watcher.subscribe("will");
        PropertyList properties;
        properties.add("b", "1").add("a", "2").add("b", "1");
        Will will = this->will();
        will.properties = properties.view();
        dropWithWill(ProtocolVersion::v5_0, will);
        const auto message = watcher.expectPublish("will", "gone");
        const auto sent = properties.view().raw;
        const auto got = message->properties.raw;
        CPPUNIT_ASSERT(std::equal(sent.begin(), sent.end(), got.begin(), got.end()));
    }

    void leavesTheWillAloneWithoutWillFlag() // v3.1.1 [MQTT-3.1.2-12]
    {
        for (const auto version : kVersions)
        {
            auto watcher = client("watcher", version);
            watcher.subscribe("#");
            client("mortal", version).drop();
            client("mortal", version).disconnect(); // the session of the first one has ended
            watcher.expectNothingBeforePingresp();
        }
    }

    void refusesAnAuthenticationMethodNobodyKnows() // [MQTT-4.12.0-1], [MQTT-3.2.2-7]
    {
        auto client = open();
        client.sendConnect(
            {.clientId = "a", .properties = with(PropertyId::AuthenticationMethod, "unheard-of")});
        client.expectConnack(ReasonCode::BadAuthenticationMethod);
        client.expectClosed();
    }

    void speaksNoAuthWithoutAMethod() // [MQTT-4.12.0-6, -7]
    {
        auto client = open();
        const auto connack = client.connect({.clientId = "a", .userName = "u", .password = "p"});
        CPPUNIT_ASSERT(!connack->properties.has(PropertyId::AuthenticationMethod));
        client.sendBytes(hex("F0 08 18 06 15 00 03 'abc'"))
            .expectRefused(ReasonCode::ProtocolError);
    }

    /// [MQTT-3.1.2-24], [MQTT-3.9.2-1, -2], [MQTT-3.11.2-1, -2], [MQTT-3.14.2-3, -4]
    void keepsItsAnswersWithinTheClientsMaximumPacketSize()
    {
        constexpr std::uint32_t kMaximum = 40;
        const auto maximum = with(PropertyId::MaximumPacketSize, kMaximum);
        auto client = open();
        CPPUNIT_ASSERT(client.connect({.clientId = "a", .properties = maximum}).bytes().size() <=
                       kMaximum);
        client.send(Subscribe{1, {{.topicFilter = "a"}, {.topicFilter = "b"}}, {}});
        CPPUNIT_ASSERT(client.expect<Suback>()->properties.empty());
        client.send(Unsubscribe{2, {"a", "b"}, {}});
        CPPUNIT_ASSERT(client.expect<Unsuback>()->properties.empty());
        // One code for each filter: too many for a SUBACK that this client takes.
        std::vector<SubscriptionRequest> many(50, {.topicFilter = "t"});
        client.send(Subscribe{3, std::move(many), {}}).expectDisconnect(ReasonCode::PacketTooLarge);
        // Nothing that a server has to say takes less than this.
        auto tiny = open();
        tiny.sendConnect({.clientId = "b", .properties = with(PropertyId::MaximumPacketSize, 4)});
        CPPUNIT_ASSERT(tiny.readToEnd().empty());
    }

    void announcesNothingThatItDoesNotLimit() // [MQTT-3.2.2-22], §3.2.2.3
    {
        auto client = open();
        const auto connack = client.connect({.clientId = "a", .keepAlive = 60});
        for (const auto id :
             {PropertyId::ServerKeepAlive, PropertyId::MaximumQoS, PropertyId::RetainAvailable,
              PropertyId::WildcardSubscriptionAvailable, PropertyId::SharedSubscriptionAvailable,
              PropertyId::SubscriptionIdentifierAvailable, PropertyId::SessionExpiryInterval,
              PropertyId::AssignedClientIdentifier})
            CPPUNIT_ASSERT(!connack->properties.has(id));
    }

    void sendsNoResponseInformationUnasked() // [MQTT-3.1.2-28]
    {
        for (const std::uint32_t request : {0, 1}) // with 1, too: nothing is configured
        {
            const auto wish = with(PropertyId::RequestResponseInformation, request);
            auto client = open();
            const auto connack = client.connect({.clientId = "a", .properties = wish});
            CPPUNIT_ASSERT(!connack->properties.has(PropertyId::ResponseInformation));
        }
    }

    void sendsDisconnectWithoutASessionExpiryInterval() // [MQTT-3.14.2-2]
    {
        auto older = lastingClient("a", ProtocolVersion::v5_0, false);
        auto newer = lastingClient("a", ProtocolVersion::v5_0, true);
        const auto disconnect = older.expect<Disconnect>();
        CPPUNIT_ASSERT(disconnect->reason == ReasonCode::SessionTakenOver);
        CPPUNIT_ASSERT(!disconnect->properties.has(PropertyId::SessionExpiryInterval));
    }

    void keepsRetainedMessagesWhenTheSessionEnds() // v3.1.1 [MQTT-3.1.2-7]
    {
        for (const auto version : kVersions)
        {
            const auto topic = "kept/" + std::to_string(static_cast<int>(version));
            auto publisher = client("publisher", version);
            publisher.publish(topic, "x", {.qos = QoS::AtLeastOnce, .retain = true});
            publisher.disconnect();
            client("publisher", version).disconnect(); // by now the first session has ended
            auto late = client("late", version);
            late.subscribe(topic);
            CPPUNIT_ASSERT(late.expectPublish(topic, "x")->retain);
        }
    }

    void keepsAWillThatIsRetained() // [MQTT-3.1.2-15], v3.1.1 [MQTT-3.1.2-17]
    {
        for (const auto version : kVersions)
        {
            auto watcher = client("watcher", version);
            watcher.subscribe("will");
            Will retained = will();
            retained.retain = true;
            dropWithWill(version, retained);
            watcher.expectPublish("will", "gone");
            auto late = client("late", version);
            late.subscribe("will");
            CPPUNIT_ASSERT(late.expectPublish("will", "gone")->retain);
            late.publish("other", ""); // and nothing else comes
            client("cleaner", version).publish("will", "", {.retain = true});
        }
    }

    void refusesAnEmptyFilter() // [MQTT-4.7.3-1]
    {
        for (const auto version : kNewerVersions) // 3.1 has no code that says so
        {
            auto client = this->client("a", version);
            client.send(Subscribe{1, {{.topicFilter = ""}}, {}});
            CPPUNIT_ASSERT(isFailure(client.expect<Suback>()->reasons.at(0)));
        }
    }

private:
    static Will will()
    {
        Will will;
        will.topicName = "will";
        will.payload = asBytes("gone");
        return will;
    }

    void dropWithWill(ProtocolVersion version, const Will& will)
    {
        auto mortal = open(version);
        mortal.connect({.clientId = "mortal", .will = will});
        mortal.drop();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceConnectTest);

} // namespace nanomq::test
