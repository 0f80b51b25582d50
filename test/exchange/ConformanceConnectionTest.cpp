#include "ExchangeTest.h"

#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>

namespace nanomq::test
{

/// What the standards ask of Network Connections without giving it a number: how they end, and
/// what is left of them (§2.1.2, §3.1.2, §3.14, §4.1, §4.2, §4.9).
class ConformanceConnectionTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceConnectionTest);
    CPPUNIT_TEST(refusesPacketsThatOnlyAServerSends);
    CPPUNIT_TEST(forgetsThePartOfAPacket);
    CPPUNIT_TEST(servesAClientThatHasShutItsSendingSide);
    CPPUNIT_TEST(cleansUpAfterAClientThatDoesNotWaitForConnack);
    CPPUNIT_TEST(handlesWhatOldClientsSendRightBehindConnect);
    CPPUNIT_TEST(takesAnyBytesAsPassword);
    CPPUNIT_TEST(letsAClientWithoutKeepAliveBeSilent);
    CPPUNIT_TEST(sendsTheWillOfADisplacedOldClient);
    CPPUNIT_TEST(sendsTheWillAfterADisconnectThatTellsOfAnError);
    CPPUNIT_TEST(sendsTheWillAtOnceWithAllItsProperties);
    CPPUNIT_TEST(keepsASessionThatNeverExpires);
    CPPUNIT_TEST(startsTheSendQuotaAnewWithEachConnection);
    CPPUNIT_TEST_SUITE_END();

public:
    void refusesPacketsThatOnlyAServerSends() // v3.1.1 §2.2.1; MalformedTest has those of 5.0
    {
        for (const auto version : {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1})
            for (const char* bytes :
                 {"00 00", "20 02 00 00", "90 03 00 01 00", "B0 02 00 01", "D0 00", "F0 00"})
                CPPUNIT_ASSERT_MESSAGE(
                    bytes, client("a", version).sendBytes(hex(bytes)).readToEnd().empty());
    }

    void forgetsThePartOfAPacket() // §4.2
    {
        for (const auto version : kVersions)
        {
            auto watcher = client("watcher", version);
            watcher.subscribe("#");
            auto mortal = this->mortal(version);
            mortal.sendBytes(hex("30 04 00 01 't' 00 30 09 00 01 't' 00 'p'")).drop();
            if (version == ProtocolVersion::v5_0) watcher.expectPublish("t", "");
            else watcher.expectPublish("t", std::string_view("\0", 1));
            watcher.expectPublish("will", "gone");
            watcher.expectNothingBeforePingresp();
        }
    }

    void servesAClientThatHasShutItsSendingSide() // §4.2
    {
        auto watcher = client("watcher");
        watcher.subscribe("#");
        Poco::Net::StreamSocket mortal(Poco::Net::SocketAddress("127.0.0.1", broker().port()));
        mortal.setReceiveTimeout(Poco::Timespan(kPatience.count() * 1'000));
        const auto packets = hex("10 19 00 04 'MQTT' 04 06 00 00 00 01 'a' "
                                 "00 04 'will' 00 04 'gone' 30 04 00 01 't' 'x'");
        mortal.sendBytes(packets.data(), static_cast<int>(packets.size()));
        mortal.shutdownSend();
        std::string said;
        char bytes[64];
        for (int size; (size = mortal.receiveBytes(bytes, sizeof bytes)) > 0;)
            said.append(bytes, static_cast<std::size_t>(size));
        CPPUNIT_ASSERT_EQUAL(std::string("\x20\x02\x00\x00", 4), said);
        watcher.expectPublish("t", "x");
        watcher.expectPublish("will", "gone");
    }

    void cleansUpAfterAClientThatDoesNotWaitForConnack() // §4.2
    {
        for (const auto version : kVersions)
        {
            auto watcher = client("watcher", version);
            watcher.subscribe("will");
            open(version).drop();
            open(version).sendBytes(hex("10")).drop();
            auto hasty = open(version);
            hasty.sendConnect({.clientId = "mortal", .will = will()}).drop();
            watcher.expectPublish("will", "gone");
            mortal(version).disconnect();
            watcher.expectNothingBeforePingresp();
        }
    }

    void handlesWhatOldClientsSendRightBehindConnect() // v3.1.1 §3.1.4
    {
        for (const auto& [version, connect] :
             {std::pair(ProtocolVersion::v3_1, "10 0F 00 06 'MQIsdp' 03 02 00 00 00 01 'a' "),
              std::pair(ProtocolVersion::v3_1_1, "10 0D 00 04 'MQTT' 04 02 00 00 00 01 'a' ")})
        {
            auto client = open(version);
            client.sendBytes(
                hex(std::string(connect) + "82 06 00 01 00 01 't' 00 30 04 00 01 't' 'x'"));
            client.expectConnack();
            client.expect<Suback>();
            client.expectPublish("t", "x");
        }
    }

    void takesAnyBytesAsPassword() // §3.1.3.6, v3.1.1 §3.1.3.5
    {
        std::string everyByte;
        for (int byte = 0; byte < 256; ++byte) everyByte += static_cast<char>(byte);
        for (const auto version : kVersions)
            for (const auto& password : {std::string(), everyByte, std::string(65'000, '\xFF')})
            {
                auto client = open(version);
                client.connect({.clientId = "a", .userName = "u", .password = password});
                client.expectNothingBeforePingresp().disconnect();
            }
    }

    void letsAClientWithoutKeepAliveBeSilent() // §3.1.2.10
    {
        std::vector<ScriptedClient> silent;
        for (const auto version : kVersions)
            silent.push_back(client("silent" + std::to_string(static_cast<int>(version)), version));
        auto limited = open(ProtocolVersion::v3_1_1);
        limited.connect({.clientId = "limited", .keepAlive = 1});
        limited.expectClosed();
        for (auto& client : silent) client.expectNothingBeforePingresp();
    }

    void sendsTheWillOfADisplacedOldClient() // v3.1.1 §3.1.2.5: closed without DISCONNECT
    {
        for (const auto version : {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1})
        {
            auto watcher = client("watcher", version);
            watcher.subscribe("will");
            auto older = open(version);
            older.connect({.clientId = "mortal", .cleanStart = false, .will = will()});
            auto newer = lastingClient("mortal", version, true);
            older.expectClosed();
            watcher.expectPublish("will", "gone");
            newer.drop();
            client("mortal", version).disconnect();
            watcher.expectNothingBeforePingresp();
        }
    }

    void sendsTheWillAfterADisconnectThatTellsOfAnError() // §3.14.2.1
    {
        auto watcher = client("watcher");
        watcher.subscribe("will");
        for (const char* normal : {"E0 00", "E0 01 00", "E0 02 00 00"})
        {
            mortal().sendBytes(hex(normal)).expectClosed();
            watcher.expectNothingBeforePingresp();
        }
        for (const char* error : {"E0 01 04", "E0 01 80", "E0 02 81 00", "E0 01 97"})
        {
            mortal().sendBytes(hex(error)).expectClosed();
            watcher.expectPublish("will", "gone");
        }
    }

    void sendsTheWillAtOnceWithAllItsProperties() // §3.1.3.2, §3.1.3.2.2: no delay means 0
    {
        auto watcher = client("watcher");
        watcher.subscribe("will");
        PropertyList properties;
        properties.add(PropertyId::PayloadFormatIndicator, 1)
            .add(PropertyId::MessageExpiryInterval, kLong)
            .add(PropertyId::ContentType, "text/plain")
            .add(PropertyId::ResponseTopic, "answers/here")
            .add(PropertyId::CorrelationData, asBytes("\x01\xFF"))
            .add("name", "value");
        Will rich = will();
        rich.properties = properties.view();
        auto mortal = open();
        mortal.connect({.clientId = "mortal",
                        .properties = with(PropertyId::SessionExpiryInterval, kLong),
                        .will = rich});
        mortal.drop(); // the session goes on
        const auto message = watcher.expectPublish("will", "gone");
        const auto& got = message->properties;
        CPPUNIT_ASSERT_EQUAL(1, int{got.payloadFormatIndicator});
        CPPUNIT_ASSERT(got.has(PropertyId::MessageExpiryInterval));
        CPPUNIT_ASSERT_EQUAL(std::string("text/plain"), std::string(got.contentType));
        CPPUNIT_ASSERT_EQUAL(std::string("answers/here"), std::string(got.responseTopic));
        CPPUNIT_ASSERT_EQUAL(std::string("\x01\xFF"), std::string(asText(got.correlationData)));
        CPPUNIT_ASSERT(got.has(PropertyId::UserProperty));
        CPPUNIT_ASSERT(!got.has(PropertyId::WillDelayInterval));
    }

    void keepsASessionThatNeverExpires() // §3.1.2.11.2
    {
        const auto never = with(PropertyId::SessionExpiryInterval, 0xFFFF'FFFF);
        auto lasting = open();
        const auto connack =
            lasting.connect({.clientId = "lasting", .cleanStart = false, .properties = never});
        CPPUNIT_ASSERT(!connack->properties.has(PropertyId::SessionExpiryInterval)); // granted
        lasting.drop();
        // The end of another session, one second after it, shows that the broker looks for them.
        auto watcher = client("watcher");
        watcher.subscribe("will");
        const auto delay = with(PropertyId::WillDelayInterval, kLong);
        Will late = will();
        late.properties = delay.view();
        auto brief = open();
        brief.connect({.clientId = "brief",
                       .properties = with(PropertyId::SessionExpiryInterval, 1),
                       .will = late});
        brief.drop();
        watcher.expectPublish("will", "gone");
        open().connect({.clientId = "lasting", .cleanStart = false, .properties = never}, true);
    }

    void startsTheSendQuotaAnewWithEachConnection() // §3.1.2.11.3, §4.9
    {
        PropertyList narrow = with(PropertyId::ReceiveMaximum, 1);
        narrow.add(PropertyId::SessionExpiryInterval, kLong);
        auto first = open();
        first.connect({.clientId = "a", .cleanStart = false, .properties = narrow});
        first.subscribe("t", QoS::AtLeastOnce);
        auto publisher = client("publisher");
        for (const char* payload : {"1", "2", "3"})
            publisher.publish("t", payload, {.qos = QoS::AtLeastOnce});
        first.expectPublish("t", "1", QoS::AtLeastOnce);
        first.expectNothingBeforePingresp().drop();
        auto wide = lastingClient("a", ProtocolVersion::v5_0, true);
        for (const char* payload : {"1", "2", "3"})
            wide.expectPublish("t", payload, QoS::AtLeastOnce);
        wide.drop();
        auto again = open();
        again.connect({.clientId = "a", .cleanStart = false, .properties = narrow}, true);
        const auto one = again.expectPublish("t", "1", QoS::AtLeastOnce);
        again.expectNothingBeforePingresp();
        again.sendPuback(one->packetIdentifier).expectPublish("t", "2", QoS::AtLeastOnce);
    }

private:
    static Will will()
    {
        Will will;
        will.topicName = "will";
        will.payload = asBytes("gone");
        return will;
    }

    ScriptedClient mortal(ProtocolVersion version = ProtocolVersion::v5_0)
    {
        auto mortal = open(version);
        mortal.connect({.clientId = "mortal", .will = will()});
        return mortal;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceConnectionTest);

} // namespace nanomq::test
