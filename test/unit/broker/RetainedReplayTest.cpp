#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <set>

namespace nanomq::test
{

/// What a new subscription gets of what was retained, however slowly it takes it.
class RetainedReplayTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(RetainedReplayTest);
    CPPUNIT_TEST(aSlowReaderGetsAllOfThemAtQos0);
    CPPUNIT_TEST(aNarrowReceiveMaximumGetsAllOfThemAtQos1);
    CPPUNIT_TEST(nothingFollowsUnsuback);
    CPPUNIT_TEST(aSubscriptionMadeAgainBeginsAnew);
    CPPUNIT_TEST(manySubscriptionsWaitTheirTurn);
    CPPUNIT_TEST(aClientMayGoInTheMiddle);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { start(); }

    void aSlowReaderGetsAllOfThemAtQos0()
    {
        constexpr std::size_t kMessages = 20'000;
        retain(kMessages, 1000);
        auto subscriber = client("subscriber");
        subscriber.sendBytes(subscribe("#", 0));
        // It reads nothing until the broker's sockets and buffers are full; 20 MB would not fit.
        auto other = client("other");
        other.expectNothingBeforePingresp();
        subscriber.expect<Suback>();
        receiveAll(subscriber, kMessages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, dropped());
    }

    void aNarrowReceiveMaximumGetsAllOfThemAtQos1()
    {
        constexpr std::size_t kMessages = 3000;
        retain(kMessages, 20'000); // more than a session may queue
        ScriptedClient subscriber(port());
        subscriber.connect(
            {.clientId = "subscriber", .properties = with(PropertyId::ReceiveMaximum, 10)});
        subscriber.sendBytes(subscribe("#", 1));
        subscriber.expect<Suback>();
        receiveAll(subscriber, kMessages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, dropped());
    }

    void nothingFollowsUnsuback()
    {
        retain(5000, 5000);
        auto subscriber = client("subscriber");
        subscriber.sendBytes(subscribe("#", 0));
        Unsubscribe unsubscribe;
        unsubscribe.packetIdentifier = 2;
        unsubscribe.topicFilters.push_back("#");
        subscriber.send(unsubscribe);
        subscriber.expect<Suback>();
        std::size_t before = 0;
        while (true)
        {
            const auto packet = subscriber.receive();
            if (std::holds_alternative<Unsuback>(*packet)) break;
            ++before;
        }
        CPPUNIT_ASSERT(before < 5000);
        subscriber.expectNothingBeforePingresp();
    }

    void aSubscriptionMadeAgainBeginsAnew()
    {
        constexpr std::size_t kMessages = 3000;
        retain(kMessages, 5000);
        auto subscriber = client("subscriber");
        subscriber.sendBytes(subscribe("#", 0));
        subscriber.sendBytes(subscribe("#", 0));
        // All of them behind the second SUBACK, and some perhaps before it.
        subscriber.expect<Suback>();
        std::size_t before = 0;
        while (std::holds_alternative<Publish>(*subscriber.receive())) ++before;
        CPPUNIT_ASSERT(before < kMessages);
        receiveAll(subscriber, kMessages);
    }

    void manySubscriptionsWaitTheirTurn()
    {
        constexpr std::size_t kMessages = 300;
        retain(kMessages, 20'000);
        auto subscriber = client("subscriber");
        Subscribe packet;
        packet.packetIdentifier = 1;
        std::vector<std::string> filters;
        for (std::size_t i = 0; i < kMessages; ++i)
            filters.push_back("retained/" + std::to_string(i));
        for (const auto& filter : filters) packet.requests.push_back({.topicFilter = filter});
        subscriber.send(packet);
        subscriber.expect<Suback>();
        receiveAll(subscriber, kMessages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, dropped());
    }

    void aClientMayGoInTheMiddle()
    {
        retain(2000, 20'000);
        for (int round = 0; round < 5; ++round)
        {
            auto subscriber = client("subscriber");
            subscriber.sendBytes(subscribe("#", 0));
            subscriber.sendBytes(subscribe("retained/+", 0));
            subscriber.expect<Suback>();
            subscriber.expect<Publish>();
            subscriber.drop();
        }
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 0; }));
        auto other = client("other");
        other.expectNothingBeforePingresp();
    }

private:
    void retain(std::size_t messages, std::size_t size)
    {
        const std::string payload(size, 'r');
        for (std::size_t i = 0; i < messages; ++i)
        {
            const std::string topic = "retained/" + std::to_string(i);
            sdk::Broker::Publication publication{};
            publication.size = sizeof publication;
            publication.qos = 1;
            publication.retain = 1;
            publication.topic = topic;
            publication.payload = {payload.data(), payload.size()};
            publication.expirySeconds = 0xFFFFFFFF;
            CPPUNIT_ASSERT_EQUAL(0, broker().plugins().publish(&publication));
        }
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().retained == messages; }));
    }
    static std::vector<std::uint8_t> subscribe(std::string_view topicFilter, int qos)
    {
        Subscribe packet;
        packet.packetIdentifier = 1;
        packet.requests.push_back({.topicFilter = topicFilter, .qos = static_cast<QoS>(qos)});
        std::vector<std::uint8_t> bytes;
        encode(packet, ProtocolVersion::v5_0, bytes);
        return bytes;
    }
    /// Each exactly once.
    static void receiveAll(ScriptedClient& subscriber, std::size_t messages)
    {
        std::set<std::string> topics;
        for (std::size_t i = 0; i < messages; ++i)
        {
            const auto message = subscriber.receiveMessage();
            CPPUNIT_ASSERT(message->retain);
            CPPUNIT_ASSERT(topics.insert(std::string(message->topicName)).second);
        }
        subscriber.expectNothingBeforePingresp();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RetainedReplayTest);

} // namespace nanomq::test
