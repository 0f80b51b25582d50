#include "ExchangeTest.h"

namespace nanomq::test
{

/// Will Messages (§3.1.2.5, §3.1.3.2, §3.14.4).
class WillTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(WillTest);
    CPPUNIT_TEST(comesWhenTheConnectionFails);
    CPPUNIT_TEST(doesNotComeAfterDisconnect);
    CPPUNIT_TEST(comesAfterDisconnectThatAsksForIt);
    CPPUNIT_TEST(comesWhenKeepAlivePasses);
    CPPUNIT_TEST(comesWhenThePacketIsMalformed);
    CPPUNIT_TEST(comesWhenANewerConnectionEndsTheSession);
    CPPUNIT_TEST(isRetainedIfItSaysSo);
    CPPUNIT_TEST(comesWithItsQoSAndProperties);
    CPPUNIT_TEST(waitsForItsDelay);
    CPPUNIT_TEST(doesNotWaitLongerThanTheSession);
    CPPUNIT_TEST(isCancelledWhenTheClientComesBackInTime);
    CPPUNIT_TEST_SUITE_END();

public:
    void comesWhenTheConnectionFails() // [MQTT-3.1.2-8]
    {
        for (const auto version : kVersions)
        {
            auto watcher = watch(version);
            mortal(version).drop();
            CPPUNIT_ASSERT(!watcher.expectPublish("will", "gone")->retain);
        }
    }

    void doesNotComeAfterDisconnect() // [MQTT-3.1.2-10]
    {
        for (const auto version : kVersions)
        {
            auto watcher = watch(version);
            mortal(version).disconnect();
            watcher.expectNothingBeforePingresp();
        }
    }

    void comesAfterDisconnectThatAsksForIt() // §3.14.2.1, 0x04
    {
        auto watcher = watch();
        mortal().disconnect(ReasonCode::DisconnectWithWill);
        watcher.expectPublish("will", "gone");
    }

    void comesWhenKeepAlivePasses()
    {
        auto watcher = watch();
        auto silent = open(ProtocolVersion::v3_1_1);
        silent.connect({.clientId = "mortal", .keepAlive = 1, .will = will()});
        watcher.expectPublish("will", "gone");
        silent.expectClosed();
    }

    void comesWhenThePacketIsMalformed() // §4.13.1
    {
        auto watcher = watch();
        auto broken = mortal();
        broken.sendBytes(hex("00 00"));
        watcher.expectPublish("will", "gone");
    }

    void comesWhenANewerConnectionEndsTheSession() // [MQTT-3.1.4-3], §3.1.3.2.2
    {
        for (const auto version : kVersions)
        {
            auto watcher = watch(version);
            auto older = mortal(version);
            client("mortal", version);
            watcher.expectPublish("will", "gone");
        }
    }

    void isRetainedIfItSaysSo() // [MQTT-3.1.2-14, -15]
    {
        auto watcher = watch();
        Will retained = will();
        retained.retain = true;
        auto mortal = open();
        mortal.connect({.clientId = "mortal", .will = retained});
        mortal.drop();
        CPPUNIT_ASSERT(!watcher.expectPublish("will", "gone")->retain);
        auto late = client("late");
        late.subscribe("will");
        CPPUNIT_ASSERT(late.expectPublish("will", "gone")->retain);
    }

    void comesWithItsQoSAndProperties() // §3.1.3.2
    {
        auto watcher = watch();
        PropertyList properties;
        properties.add(PropertyId::WillDelayInterval, 0)
            .add(PropertyId::PayloadFormatIndicator, 1)
            .add("name", "value");
        Will exactlyOnce = will();
        exactlyOnce.qos = QoS::ExactlyOnce;
        exactlyOnce.properties = properties.view();
        auto mortal = open();
        mortal.connect({.clientId = "mortal", .will = exactlyOnce});
        mortal.drop();
        const auto message = watcher.receiveMessage();
        CPPUNIT_ASSERT(message->qos == QoS::ExactlyOnce);
        CPPUNIT_ASSERT(message->properties.has(PropertyId::PayloadFormatIndicator));
        CPPUNIT_ASSERT(message->properties.has(PropertyId::UserProperty));
        CPPUNIT_ASSERT(!message->properties.has(PropertyId::WillDelayInterval));
    }

    void waitsForItsDelay() // [MQTT-3.1.3-9]
    {
        using namespace std::chrono;
        auto watcher = watch();
        const auto start = steady_clock::now();
        dropWithDelayedWill(1, kLong);
        watcher.expectPublish("will", "gone");
        CPPUNIT_ASSERT(steady_clock::now() - start >= seconds(1));
    }

    void doesNotWaitLongerThanTheSession() // [MQTT-3.1.3-9]
    {
        auto watcher = watch();
        dropWithDelayedWill(kLong, 0);
        watcher.expectPublish("will", "gone");
        dropWithDelayedWill(kLong, 1);
        watcher.expectPublish("will", "gone");
    }

    void isCancelledWhenTheClientComesBackInTime() // [MQTT-3.1.3-9]
    {
        auto watcher = watch();
        dropWithDelayedWill(1, kLong);
        auto back = lastingClient("mortal", ProtocolVersion::v5_0, true);
        watcher.expectNothing(std::chrono::milliseconds(1500));
        back.disconnect();
        watcher.expectNothingBeforePingresp();
    }

private:
    static Will will()
    {
        Will will;
        will.topicName = "will";
        will.payload = asBytes("gone");
        return will;
    }

    ScriptedClient watch(ProtocolVersion version = ProtocolVersion::v5_0)
    {
        auto watcher = client("watcher", version);
        watcher.subscribe("will", QoS::ExactlyOnce);
        return watcher;
    }

    ScriptedClient mortal(ProtocolVersion version = ProtocolVersion::v5_0)
    {
        auto mortal = open(version);
        mortal.connect({.clientId = "mortal", .will = will()});
        return mortal;
    }

    /// Both in seconds.
    void dropWithDelayedWill(std::uint32_t delay, std::uint32_t sessionExpiry)
    {
        const auto delayed = with(PropertyId::WillDelayInterval, delay);
        Will late = will();
        late.properties = delayed.view();
        auto mortal = open();
        mortal.connect({.clientId = "mortal",
                        .properties = with(PropertyId::SessionExpiryInterval, sessionExpiry),
                        .will = late});
        mortal.drop();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WillTest);

} // namespace nanomq::test
