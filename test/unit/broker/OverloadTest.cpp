#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>


namespace nanomq::test
{

/// Clients that read too slowly, connect too fast, or never finish.
class OverloadTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(OverloadTest);
    CPPUNIT_TEST(disconnectsWhoTakesNothingAndKeepsItsSession);
    CPPUNIT_TEST(waitsForSlowReadersWithoutALimit);
    CPPUNIT_TEST(refusesConnectionsBeyondThoseOfOneAddress);
    CPPUNIT_TEST(acceptsSoManyConnectionsPerSecond);
    CPPUNIT_TEST(closesWhoSendsNoConnect);
    CPPUNIT_TEST(turnsNewcomersAwayWhileStrangersHoldTooMuch);
    CPPUNIT_TEST(setsNothingAsideForWhatIsOnlyAnnounced);
    CPPUNIT_TEST(refusesWithQuotaExceededWhenTheQueueIsFull);
    CPPUNIT_TEST(countsWhatASessionLeavesBehind);
    CPPUNIT_TEST(offersASharedMessageToOneWithRoomHoweverManyAreFull);
    CPPUNIT_TEST_SUITE_END();

    std::uint64_t reached(Limit limit)
    {
        return broker().figures().limits[static_cast<std::size_t>(limit)];
    }
    bool stands(std::string_view name)
    {
        for (const auto& alarm : broker().alarms().active())
            if (alarm.name == name) return true;
        return false;
    }

    /// Publishes until the output of a subscriber to "t" does not go out any more.
    void choke(ScriptedClient& publisher)
    {
        const std::string payload(100'000, 'x');
        for (int i = 0; i < 150; ++i)
            publisher.publish("t", payload, {.qos = QoS::AtLeastOnce});
    }

public:
    void disconnectsWhoTakesNothingAndKeepsItsSession()
    {
        _listener.limits.slowTimeout = std::chrono::milliseconds(300);
        start();
        auto slow = lasting("slow", false);
        slow.subscribe("t", QoS::AtLeastOnce);
        auto publisher = client("p");
        choke(publisher);
        CPPUNIT_ASSERT(eventually([&] { return reached(Limit::SlowReader) == 1; }));
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 1; }));
        slow.drop();
        auto again = lasting("slow", true);
        for (int i = 0; i < 150; ++i) again.receiveMessage();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, dropped());
    }

    void waitsForSlowReadersWithoutALimit()
    {
        start();
        auto slow = client("slow");
        slow.subscribe("t", QoS::AtLeastOnce);
        auto publisher = client("p");
        choke(publisher);
        for (int i = 0; i < 150; ++i) slow.receiveMessage();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, reached(Limit::SlowReader));
    }

    void refusesConnectionsBeyondThoseOfOneAddress()
    {
        _listener.maximumPerAddress = 2;
        start();
        auto first = client("1");
        auto second = client("2");
        ScriptedClient third(port());
        CPPUNIT_ASSERT(third.closedWithin(kPatience));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, reached(Limit::AddressConnections));
        first.disconnect();
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 1; }));
        client("4").disconnect();
    }

    void acceptsSoManyConnectionsPerSecond()
    {
        _listener.connectsPerSecond = 10;
        start();
        const auto begin = monotonicNow();
        for (int i = 0; i < 16; ++i) client("c" + std::to_string(i));
        // Ten at once; each worker may let one more slip through.
        CPPUNIT_ASSERT(monotonicNow() - begin >= 300);
        CPPUNIT_ASSERT(reached(Limit::ConnectRate) > 0);
    }

    void closesWhoSendsNoConnect()
    {
        _settings.connectTimeout = std::chrono::milliseconds(200);
        start();
        ScriptedClient silent(port());
        silent.expectClosed();
        ScriptedClient halfway(port());
        halfway.sendBytes(hex("10 20 00 04 'MQTT'"));
        halfway.expectClosed();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, reached(Limit::ConnectTimeout));
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connectMemory == 0; }));
    }

    void turnsNewcomersAwayWhileStrangersHoldTooMuch()
    {
        _settings.connectMemory = 20'000;
        start();
        auto established = client("e");
        std::vector<ScriptedClient> strangers;
        strangers.reserve(40);
        for (int i = 0; i < 40; ++i) strangers.emplace_back(port());
        CPPUNIT_ASSERT(eventually([&] { return reached(Limit::ConnectMemory) > 0; }));
        CPPUNIT_ASSERT(broker().figures().connectMemory <= 20'000);
        CPPUNIT_ASSERT(stands("connect_memory"));
        established.expectNothingBeforePingresp();
        strangers.clear();
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connectMemory == 0; }));
        client("n").disconnect();
    }

    void setsNothingAsideForWhatIsOnlyAnnounced()
    {
        _settings.connectMemory = 200'000;
        start();
        // CONNECT with 60,000 bytes, of which some have come.
        std::vector<ScriptedClient> strangers;
        for (int i = 0; i < 20; ++i)
            strangers.emplace_back(port()).sendBytes(hex("10 E0 D4 03 00 04 'MQTT' 05"));
        client("n").disconnect();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, reached(Limit::ConnectMemory));
        // And now really.
        for (auto& stranger : strangers) stranger.sendBytes(std::vector<std::uint8_t>(50'000));
        CPPUNIT_ASSERT(eventually([&] { return reached(Limit::ConnectMemory) > 0; }));
    }

    void refusesWithQuotaExceededWhenTheQueueIsFull()
    {
        _settings.queue.messages = 3;
        start();
        auto away = lasting("away", false);
        away.subscribe("t", QoS::AtLeastOnce);
        away.drop();
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 0; }));
        auto publisher = client("p");
        for (int i = 0; i < 3; ++i)
            CPPUNIT_ASSERT(publisher.publish("t", "x", {.qos = QoS::AtLeastOnce}) ==
                           ReasonCode::Success);
        CPPUNIT_ASSERT(publisher.publish("t", "x", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::QuotaExceeded);
        CPPUNIT_ASSERT(stands("session_queue"));
    }

    void countsWhatASessionLeavesBehind()
    {
        start();
        ScriptedClient leaving(port());
        leaving.connect({.clientId = "l", .properties = with(PropertyId::ReceiveMaximum, 2)});
        leaving.subscribe("t", QoS::AtLeastOnce);
        auto publisher = client("p");
        for (int i = 0; i < 5; ++i) publisher.publish("t", "x", {.qos = QoS::AtLeastOnce});
        leaving.receiveMessage();
        leaving.expectPublish("t", "x", QoS::AtLeastOnce);
        leaving.drop();
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().sessions == 1; }));
        // Five: one acknowledged, two under way, two in the queue.
        const auto figures = broker().figures();
        const auto ended = static_cast<std::size_t>(DeliveryResult::SessionEnded);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, figures.messagesUnacknowledged);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, figures.dropped[ended]);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, figures.messagesSent);
    }

    void offersASharedMessageToOneWithRoomHoweverManyAreFull()
    {
        _settings.queue.messages = 1;
        start();
        constexpr int kMembers = 100;
        for (int i = 0; i < kMembers; ++i)
        {
            auto member = lasting("m" + std::to_string(i), false);
            member.subscribe("$share/g/t", QoS::AtLeastOnce);
        }
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 0; }));
        auto publisher = client("p");
        for (int i = 0; i < kMembers; ++i)
            CPPUNIT_ASSERT(publisher.publish("t", "x", {.qos = QoS::AtLeastOnce}) ==
                           ReasonCode::Success);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{kMembers}, broker().figures().messagesQueued);
        CPPUNIT_ASSERT(publisher.publish("t", "x", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::QuotaExceeded);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(OverloadTest);

} // namespace nanomq::test
