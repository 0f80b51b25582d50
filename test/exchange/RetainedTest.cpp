#include "ExchangeTest.h"

#include <set>

namespace nanomq::test
{

/// Retained messages (§3.3.1.3, §3.8.3.1, §3.8.4).
class RetainedTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(RetainedTest);
    CPPUNIT_TEST(comesWithTheFlagToNewSubscriptionsOnly);
    CPPUNIT_TEST(keepsTheLastOfEachTopic);
    CPPUNIT_TEST(goesWithAnEmptyPayload);
    CPPUNIT_TEST(matchesWildcards);
    CPPUNIT_TEST(comesWithTheLowerOfBothQoS);
    CPPUNIT_TEST(comesAgainWithEachSubscribeOf3_1_1);
    CPPUNIT_TEST(obeysRetainHandling);
    CPPUNIT_TEST(keepsTheFlagWithRetainAsPublished);
    CPPUNIT_TEST(doesNotComeToSharedSubscriptions);
    CPPUNIT_TEST(keepsItsProperties);
    CPPUNIT_TEST_SUITE_END();

public:
    void comesWithTheFlagToNewSubscriptionsOnly() // [MQTT-3.3.1-5, -12], §3.3.1.3
    {
        for (const auto version : kVersions)
        {
            const auto topicName = "version/" + std::to_string(static_cast<int>(version));
            auto early = client("early", version);
            early.subscribe(topicName);
            client("publisher", version).publish(topicName, "kept", {.retain = true});
            CPPUNIT_ASSERT(!early.expectPublish(topicName, "kept")->retain);

            auto late = client("late", version);
            late.subscribe(topicName);
            CPPUNIT_ASSERT(late.expectPublish(topicName, "kept")->retain);
        }
    }

    void keepsTheLastOfEachTopic()
    {
        auto publisher = client("publisher");
        publisher.publish("t", "old", {.qos = QoS::AtLeastOnce, .retain = true});
        publisher.publish("t", "new", {.qos = QoS::AtLeastOnce, .retain = true});
        publisher.publish("t", "not kept", {.qos = QoS::AtLeastOnce});
        auto late = client("late");
        late.subscribe("t");
        late.expectPublish("t", "new");
        late.expectNothingBeforePingresp();
    }

    void goesWithAnEmptyPayload() // [MQTT-3.3.1-6, -7]
    {
        for (const auto version : kVersions)
        {
            auto publisher = client("publisher", version);
            publisher.publish("t", "kept", {.retain = true});
            auto live = client("live", version);
            live.subscribe("t");
            CPPUNIT_ASSERT(live.expectPublish("t", "kept")->retain);
            publisher.publish("t", "", {.retain = true});
            CPPUNIT_ASSERT(!live.expectPublish("t", "")->retain);
            auto late = client("late", version);
            late.subscribe("t").expectNothingBeforePingresp();
        }
    }

    void matchesWildcards()
    {
        auto publisher = client("publisher");
        for (const char* topicName : {"a", "a/b", "a/b/c", "b", "$hidden/a"})
            publisher.publish(topicName, topicName, {.retain = true});

        struct Case
        {
            const char* filter;
            std::set<std::string> topicNames;
        };
        const Case cases[] = {
            {"a", {"a"}},
            {"a/#", {"a", "a/b", "a/b/c"}},
            {"+", {"a", "b"}},
            {"+/b", {"a/b"}},
            {"#", {"a", "a/b", "a/b/c", "b"}}, // [MQTT-4.7.2-1]
            {"$hidden/#", {"$hidden/a"}},
            {"c/#", {}},
        };
        for (const auto& c : cases)
        {
            auto late = client("late");
            late.subscribe(c.filter);
            std::set<std::string> got;
            for (const auto& message : late.receiveMessagesBeforePingresp())
                got.emplace(message->topicName);
            CPPUNIT_ASSERT_MESSAGE(c.filter, got == c.topicNames);
        }
    }

    void comesWithTheLowerOfBothQoS()
    {
        client("publisher").publish("t", "kept", {.qos = QoS::ExactlyOnce, .retain = true});
        for (const QoS qos : {QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce})
        {
            auto late = client("late");
            late.subscribe("t", qos);
            CPPUNIT_ASSERT(late.receiveMessage()->qos == qos);
        }
    }

    void comesAgainWithEachSubscribeOf3_1_1() // v3.1.1 [MQTT-3.8.4-3]
    {
        client("publisher").publish("t", "kept", {.retain = true});
        auto subscriber = client("subscriber", ProtocolVersion::v3_1_1);
        for (int time = 1; time <= 2; ++time)
        {
            subscriber.subscribe("t");
            CPPUNIT_ASSERT(subscriber.expectPublish("t", "kept")->retain);
        }
    }

    void obeysRetainHandling() // [MQTT-3.3.1-9, -10, -11]
    {
        client("publisher").publish("t", "kept", {.retain = true});
        auto subscriber = client("subscriber");
        const auto subscribe = [&subscriber](std::uint8_t retainHandling) {
            subscriber.subscribe({{.topicFilter = "t", .retainHandling = retainHandling}});
        };
        subscribe(2);
        subscriber.expectNothingBeforePingresp(); // never
        subscribe(1);
        subscriber.expectNothingBeforePingresp(); // only if the subscription is new
        subscribe(0);
        subscriber.expectPublish("t", "kept"); // always
        subscriber.unsubscribe({"t"});
        subscribe(1);
        subscriber.expectPublish("t", "kept");
        subscriber.expectNothingBeforePingresp();
    }

    void keepsTheFlagWithRetainAsPublished() // [MQTT-3.3.1-12, -13]
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe({{.topicFilter = "t", .retainAsPublished = true}});
        auto publisher = client("publisher");
        publisher.publish("t", "with", {.retain = true});
        publisher.publish("t", "without");
        CPPUNIT_ASSERT(subscriber.expectPublish("t", "with")->retain);
        CPPUNIT_ASSERT(!subscriber.expectPublish("t", "without")->retain);
    }

    void doesNotComeToSharedSubscriptions() // §4.8.2
    {
        client("publisher").publish("t", "kept", {.retain = true});
        client("member").subscribe("$share/group/t").expectNothingBeforePingresp();
    }

    void keepsItsProperties()
    {
        PropertyList properties;
        properties.add(PropertyId::ContentType, "text/plain").add("name", "value");
        client("publisher").publish("t", "kept", {.retain = true, .properties = properties});
        auto late = client("late");
        late.subscribe("t");
        const auto message = late.expectPublish("t", "kept");
        CPPUNIT_ASSERT_EQUAL(std::string("text/plain"),
                             std::string(message->properties.contentType));
        CPPUNIT_ASSERT(message->properties.has(PropertyId::UserProperty));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RetainedTest);

} // namespace nanomq::test
