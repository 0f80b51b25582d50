#include "BrokerFixture.h"

#include "broker/Limits.h"

#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::test
{

/// What a client may do, and what it is told when it wants more.
class LimitsTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(LimitsTest);
    CPPUNIT_TEST(refusesTopicsThatAreTooLong);
    CPPUNIT_TEST(refusesPacketsWithTooManyUserProperties);
    CPPUNIT_TEST(refusesTheFiltersBeyondThoseOfOneSubscribe);
    CPPUNIT_TEST(refusesSubscriptionsBeyondTheLimitAndLetsOldOnesChange);
    CPPUNIT_TEST(tellsOlderClientsThatAFilterWasRefused);
    CPPUNIT_TEST(makesAFastClientWaitAndLosesNothing);
    CPPUNIT_TEST(makesAClientThatSendsManyBytesWait);
    CPPUNIT_TEST(letsKeepAliveStandStillWhileAClientHasToWait);
    CPPUNIT_TEST(refusesMessagesThatCannotBeRetained);
    CPPUNIT_TEST(countsPacketsThatAreTooLarge);
    CPPUNIT_TEST_SUITE_END();

    std::uint64_t reached(Limit limit)
    {
        return broker().figures().limits[static_cast<std::size_t>(limit)];
    }
    static PropertyList userProperties(int count)
    {
        PropertyList list;
        for (int i = 0; i < count; ++i) list.add("n", "v");
        return list;
    }

public:
    void refusesTopicsThatAreTooLong()
    {
        _listener.limits.topicLength = 10;
        start();
        auto subscriber = client("s");
        const auto reasons = [&](std::string_view filter) {
            Subscribe packet;
            packet.packetIdentifier = 1;
            packet.requests.push_back({.topicFilter = filter});
            subscriber.send(packet);
            return subscriber.expect<Suback>()->reasons.front();
        };
        CPPUNIT_ASSERT(reasons("a/45678/#0") == ReasonCode::TopicFilterInvalid);
        CPPUNIT_ASSERT(reasons("1234567890") == ReasonCode::Success);
        CPPUNIT_ASSERT(reasons("12345678901") == ReasonCode::TopicFilterInvalid);
        auto publisher = client("p");
        CPPUNIT_ASSERT(publisher.publish("1234567890", "x", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::Success);
        publisher.sendPublish("12345678901", "x");
        publisher.expectDisconnect(ReasonCode::TopicNameInvalid);
        ScriptedClient withWill(port());
        Will will;
        will.topicName = "12345678901";
        withWill.sendConnect({.clientId = "w", .will = will});
        withWill.expectConnack(ReasonCode::TopicNameInvalid);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, reached(Limit::TopicLength));
    }

    void refusesPacketsWithTooManyUserProperties()
    {
        _listener.limits.userProperties = 3;
        start();
        ScriptedClient connecting(port());
        connecting.sendConnect({.clientId = "c", .properties = userProperties(4)});
        connecting.expectConnack(ReasonCode::QuotaExceeded);
        ScriptedClient fine(port());
        fine.connect({.clientId = "f", .properties = userProperties(3)});
        CPPUNIT_ASSERT(fine.publish("t", "x", {.properties = userProperties(3)}) ==
                       ReasonCode::Success);
        fine.sendPublish("t", "x", {.properties = userProperties(4)});
        fine.expectDisconnect(ReasonCode::QuotaExceeded);
        auto subscriber = client("s");
        const PropertyList four = userProperties(4);
        Subscribe packet;
        packet.packetIdentifier = 1;
        packet.requests.push_back({.topicFilter = "t"});
        packet.properties = four.view();
        subscriber.send(packet);
        subscriber.expectDisconnect(ReasonCode::QuotaExceeded);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, reached(Limit::UserProperties));
    }

    void refusesTheFiltersBeyondThoseOfOneSubscribe()
    {
        _listener.limits.filtersPerSubscribe = 2;
        start();
        auto subscriber = client("s");
        Subscribe packet;
        packet.packetIdentifier = 1;
        for (const char* filter : {"a", "b", "c", "d"})
            packet.requests.push_back({.topicFilter = filter, .qos = QoS::AtLeastOnce});
        subscriber.send(packet);
        const auto suback = subscriber.expect<Suback>();
        CPPUNIT_ASSERT(suback->reasons ==
                       (std::vector<ReasonCode>{ReasonCode::GrantedQoS1, ReasonCode::GrantedQoS1,
                                                ReasonCode::QuotaExceeded,
                                                ReasonCode::QuotaExceeded}));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, reached(Limit::FiltersPerSubscribe));
    }

    void refusesSubscriptionsBeyondTheLimitAndLetsOldOnesChange()
    {
        _listener.limits.subscriptions = 2;
        start();
        auto subscriber = client("s");
        const auto ask = [&](std::string_view filter, QoS qos) {
            Subscribe packet;
            packet.packetIdentifier = 1;
            packet.requests.push_back({.topicFilter = filter, .qos = qos});
            subscriber.send(packet);
            return subscriber.expect<Suback>()->reasons.front();
        };
        CPPUNIT_ASSERT(ask("a", QoS::AtMostOnce) == ReasonCode::Success);
        CPPUNIT_ASSERT(ask("b", QoS::AtMostOnce) == ReasonCode::Success);
        CPPUNIT_ASSERT(ask("c", QoS::AtMostOnce) == ReasonCode::QuotaExceeded);
        CPPUNIT_ASSERT(ask("a", QoS::AtLeastOnce) == ReasonCode::GrantedQoS1);
        subscriber.unsubscribe({"a"});
        CPPUNIT_ASSERT(ask("c", QoS::AtMostOnce) == ReasonCode::Success);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, reached(Limit::Subscriptions));
    }

    void tellsOlderClientsThatAFilterWasRefused()
    {
        _listener.limits.subscriptions = 1;
        start();
        auto subscriber = client("s", ProtocolVersion::v3_1_1);
        Subscribe packet;
        packet.packetIdentifier = 1;
        packet.requests = {{.topicFilter = "a"}, {.topicFilter = "b"}};
        subscriber.send(packet);
        CPPUNIT_ASSERT(subscriber.expect<Suback>()->reasons ==
                       (std::vector<ReasonCode>{ReasonCode::Success,
                                                ReasonCode::UnspecifiedError}));
    }

    void makesAFastClientWaitAndLosesNothing()
    {
        _listener.limits.packetsPerSecond = 50;
        start();
        auto publisher = client("p");
        auto other = client("o");
        for (PacketIdentifier id = 1; id <= 75; ++id)
            publisher.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, id);
        for (PacketIdentifier id = 1; id <= 75; ++id)
        {
            if (id == 60) // it waits, others do not
                CPPUNIT_ASSERT(other.publish("t", "x", {.qos = QoS::AtLeastOnce}) !=
                               ReasonCode::QuotaExceeded);
            publisher.expectPuback(id, ReasonCode::NoMatchingSubscribers);
        }
        CPPUNIT_ASSERT(reached(Limit::PacketRate) > 0);
        // Paused and not asked again and again: one pause for each packet at most.
        CPPUNIT_ASSERT(reached(Limit::PacketRate) <= 75);
    }

    void makesAClientThatSendsManyBytesWait()
    {
        _listener.limits.bytesPerSecond = 100'000;
        start();
        auto publisher = client("p");
        const std::string payload(60'000, 'x');
        const auto begin = monotonicNow();
        for (PacketIdentifier id = 1; id <= 4; ++id)
            publisher.sendPublish("t", payload, {.qos = QoS::AtLeastOnce}, id);
        for (PacketIdentifier id = 1; id <= 4; ++id)
            publisher.expectPuback(id, ReasonCode::NoMatchingSubscribers);
        CPPUNIT_ASSERT(reached(Limit::ByteRate) > 0);
        // 180 KB before the fourth, 100 KB of them at once: never earlier.
        CPPUNIT_ASSERT(monotonicNow() - begin >= 700);
    }

    void letsKeepAliveStandStillWhileAClientHasToWait()
    {
        _settings.keepAliveFactorPermille = 100; // a Keep Alive of 10 s ends after 1 s
        _listener.limits.packetsPerSecond = 1;
        start();
        ScriptedClient publisher(port());
        publisher.connect({.clientId = "p", .keepAlive = 10});
        for (PacketIdentifier id = 1; id <= 4; ++id)
            publisher.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, id);
        for (PacketIdentifier id = 1; id <= 4; ++id)
            publisher.expectPuback(id, ReasonCode::NoMatchingSubscribers);
    }

    void refusesMessagesThatCannotBeRetained()
    {
        _settings.retainedMessages = 1;
        start();
        auto publisher = client("p");
        const PublishOptions retained{.qos = QoS::AtLeastOnce, .retain = true};
        CPPUNIT_ASSERT(publisher.publish("a", "1", retained) != ReasonCode::QuotaExceeded);
        CPPUNIT_ASSERT(publisher.publish("b", "1", retained) == ReasonCode::QuotaExceeded);
        CPPUNIT_ASSERT(publisher.publish("a", "2", retained) != ReasonCode::QuotaExceeded);
        CPPUNIT_ASSERT(publisher.publish("b", "", retained) != ReasonCode::QuotaExceeded);
        // Nobody can be told: routed all the same.
        auto subscriber = client("s", ProtocolVersion::v3_1_1);
        subscriber.subscribe("c");
        auto older = client("o", ProtocolVersion::v3_1_1);
        older.publish("c", "1", retained);
        subscriber.expectPublish("c", "1");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, reached(Limit::RetainedStore));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker().figures().retained);
    }

    void countsPacketsThatAreTooLarge()
    {
        _settings.maximumPacketSize = 1'000;
        start();
        auto publisher = client("p");
        publisher.sendPublish("t", std::string(1'000, 'x'));
        publisher.expectDisconnect(ReasonCode::PacketTooLarge);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, reached(Limit::PacketSize));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LimitsTest);

} // namespace nanomq::test
