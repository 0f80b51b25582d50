#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <chrono>

namespace nanomq::test
{

/// What happens after a connection's end. Its intervals are whole seconds (§3.1.2.11.2), so these
/// tests take some.
class SessionLifeTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(SessionLifeTest);
    CPPUNIT_TEST(aSessionEndsAfterItsInterval);
    CPPUNIT_TEST(aWillWaitsForItsDelay);
    CPPUNIT_TEST(whoIsBackInTimeHasNoWill);
    CPPUNIT_TEST(aWillIsSentNoLaterThanTheSessionEnds);
    CPPUNIT_TEST(aDisconnectMayShortenTheSession);
    CPPUNIT_TEST(countsWhatADisconnectedClientDidNotGet);
    CPPUNIT_TEST(manySubscriptionsGoInAnyOrder);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { start(); }

    void aSessionEndsAfterItsInterval()
    {
        {
            auto client = connect("short", 1);
            client.subscribe("t", QoS::AtLeastOnce);
        }
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 0; }));
        const auto begin = Clock::now();
        CPPUNIT_ASSERT(broker().listing().session("short"));
        CPPUNIT_ASSERT(eventually([&] { return !broker().listing().session("short"); }));
        CPPUNIT_ASSERT(Clock::now() - begin > std::chrono::milliseconds(700));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker().figures().subscriptions);
        auto publisher = client("publisher");
        CPPUNIT_ASSERT(ReasonCode::NoMatchingSubscribers ==
                       publisher.publish("t", "x", {.qos = QoS::AtLeastOnce}));
    }

    void aWillWaitsForItsDelay()
    {
        auto subscriber = watcher();
        const auto begin = Clock::now();
        connect("dying", 60, 1).drop();
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 1; }));
        subscriber.expectNothingBeforePingresp();
        subscriber.expectPublish("will", "gone");
        CPPUNIT_ASSERT(Clock::now() - begin >= std::chrono::seconds(1));
        CPPUNIT_ASSERT_MESSAGE("its session stays", broker().listing().session("dying"));
    }

    void whoIsBackInTimeHasNoWill()
    {
        auto subscriber = watcher();
        connect("back", 60, 1).drop();
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 1; }));
        ScriptedClient again(port());
        again.connect({.clientId = "back",
                       .cleanStart = false,
                       .properties = with(PropertyId::SessionExpiryInterval, 60)},
                      true);
        // Another one's, with the same delay, comes after it would have come.
        connect("other", 60, 1).drop();
        subscriber.expectPublish("will", "gone");
        subscriber.expectNothingBeforePingresp();
    }

    void aWillIsSentNoLaterThanTheSessionEnds()
    {
        auto subscriber = watcher();
        const auto begin = Clock::now();
        connect("dying", 1, 100).drop();
        subscriber.expectPublish("will", "gone");
        CPPUNIT_ASSERT(Clock::now() - begin >= std::chrono::seconds(1));
        CPPUNIT_ASSERT(!broker().listing().session("dying"));
    }

    void aDisconnectMayShortenTheSession()
    {
        auto client = connect("leaving", 60);
        client.disconnect(ReasonCode::Success, with(PropertyId::SessionExpiryInterval, 0));
        CPPUNIT_ASSERT(eventually([&] { return !broker().listing().session("leaving"); }));
    }

    void countsWhatADisconnectedClientDidNotGet()
    {
        ScriptedClient subscriber(port());
        subscriber.connect(
            {.clientId = "subscriber",
             .properties =
                 with(PropertyId::SessionExpiryInterval, 60).add(PropertyId::ReceiveMaximum, 1)});
        subscriber.subscribe("t", QoS::AtLeastOnce);
        auto publisher = client("publisher");
        publisher.publish("t", "1", {.qos = QoS::AtLeastOnce});
        publisher.publish("t", "2", {.qos = QoS::AtLeastOnce});
        publisher.publish("t", "3");
        subscriber.expectPublish("t", "1", QoS::AtLeastOnce);
        subscriber.drop();
        CPPUNIT_ASSERT(eventually([&] {
            return broker()
                       .figures()
                       .dropped[static_cast<std::size_t>(DeliveryResult::NotConnected)] == 1;
        }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, dropped());
    }

    void manySubscriptionsGoInAnyOrder()
    {
        auto client = this->client("many");
        std::vector<std::string> filters;
        for (int i = 0; i < 2000; ++i) filters.push_back("t/" + std::to_string(i));
        std::vector<SubscriptionRequest> requests;
        for (const auto& filter : filters) requests.push_back({.topicFilter = filter});
        client.subscribe(requests);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2000}, broker().figures().subscriptions);
        client.unsubscribe({filters.begin(), filters.begin() + 700});
        client.unsubscribe({filters.rbegin(), filters.rbegin() + 700});
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{600}, broker().figures().subscriptions);
        CPPUNIT_ASSERT_EQUAL(std::size_t{600}, broker().listing().session("many")->subscriptions);
    }

private:
    using Clock = std::chrono::steady_clock;

    /// With a session of so many seconds and, unless it is negative, a will of that delay.
    ScriptedClient connect(std::string_view clientId, std::uint32_t sessionSeconds,
                           int willDelaySeconds = -1)
    {
        ScriptedClient client(port());
        const auto delay = with(PropertyId::WillDelayInterval, std::max(willDelaySeconds, 0));
        std::optional<Will> will;
        if (willDelaySeconds >= 0)
        {
            will.emplace();
            will->topicName = "will";
            will->payload = asBytes("gone");
            will->properties = delay.view();
        }
        client.connect({.clientId = clientId,
                        .properties = with(PropertyId::SessionExpiryInterval, sessionSeconds),
                        .will = will});
        return client;
    }
    ScriptedClient watcher()
    {
        auto watcher = client("watcher");
        watcher.subscribe("will");
        return watcher;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SessionLifeTest);

} // namespace nanomq::test
