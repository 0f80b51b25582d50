#include "ExchangeTest.h"

#include <algorithm>
#include <set>

namespace nanomq::test
{

/// What the standards ask of messages, topics and subscriptions without giving it a number
/// (§3.3, §3.8, §4.7).
class ConformanceMessageTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceMessageTest);
    CPPUNIT_TEST(carriesAnyBytesAtEachQoS);
    CPPUNIT_TEST(carriesPropertiesOfAnyLength);
    CPPUNIT_TEST(takesTopicsThatLookOdd);
    CPPUNIT_TEST(takesTopicsOf128Levels);
    CPPUNIT_TEST(keepsTheAliasesOfBothDirectionsApart);
    CPPUNIT_TEST(givesAnIdentifierAsOftenAsItMatches);
    CPPUNIT_TEST(replacesTheSubscriptionIdentifier);
    CPPUNIT_TEST(leavesThePayloadToItsReceiver);
    CPPUNIT_TEST_SUITE_END();

public:
    void carriesAnyBytesAtEachQoS() // §3.3.3
    {
        std::string everyByte;
        for (int byte = 0; byte < 256; ++byte) everyByte += static_cast<char>(byte);
        for (const auto version : kVersions)
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("t", QoS::ExactlyOnce);
            auto publisher = client("publisher", version);
            for (const auto qos : {QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce})
                for (const auto& payload : {std::string(), everyByte})
                {
                    publisher.publish("t", payload, {.qos = qos});
                    const auto message = subscriber.receiveMessage();
                    CPPUNIT_ASSERT(message->qos == qos && asText(message->payload) == payload);
                }
        }
    }

    void carriesPropertiesOfAnyLength() // §1.5.5: around each boundary of the Property Length
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t");
        auto publisher = client("publisher");
        for (const std::size_t length : {127, 128, 16'383, 16'384, 2'097'151, 2'097'152})
        {
            constexpr std::size_t kEmpty = 5; // a User Property without a name and a value
            constexpr std::size_t kMost = 60'000;
            PropertyList properties;
            for (std::size_t left = length; left > 0;)
            {
                const std::size_t size = left > 2 * kMost ? kMost : std::min(left, kMost);
                properties.add("", std::string(size - kEmpty, 'v'));
                left -= size;
            }
            CPPUNIT_ASSERT_EQUAL(length, properties.view().raw.size());
            publisher.publish("t", "x", {.properties = properties});
            const auto message = subscriber.expectPublish("t", "x");
            CPPUNIT_ASSERT_EQUAL(length, message->properties.raw.size());
        }
    }

    void takesTopicsThatLookOdd() // §4.7.1.1, §4.7.3
    {
        static constexpr const char* topics[] = {"/", "//",  "a",    "/a",  "a/",  "A",
                                                 " ", "a b", "a//b", "a/b", "/a/", "\xC3\xA4"};
        for (const auto version : kVersions)
        {
            std::vector<ScriptedClient> subscribers;
            for (std::size_t number = 0; number < std::size(topics); ++number)
            {
                subscribers.push_back(client(std::to_string(number), version));
                subscribers.back().subscribe(topics[number]);
            }
            auto publisher = client("publisher", version);
            for (const char* topic : topics) publisher.publish(topic, topic);
            for (std::size_t number = 0; number < std::size(topics); ++number)
            {
                subscribers[number].expectPublish(topics[number], topics[number]);
                subscribers[number].expectNothingBeforePingresp();
            }
        }
    }

    void takesTopicsOf128Levels() // §4.7.3; no more than that: CONFORMANCE.md says why
    {
        std::string deepest = "a";
        while (deepest.size() < 2 * 128 - 1) deepest += "/a";
        for (const auto version : kVersions)
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe(deepest);
            auto wide = client("wide", version);
            wide.subscribe("a/+/#");
            client("publisher", version).publish(deepest, "x");
            subscriber.expectPublish(deepest, "x");
            wide.expectPublish(deepest, "x");
        }
        client("publisher")
            .sendPublish(deepest + "/a", "x")
            .expectDisconnect(ReasonCode::TopicNameInvalid);
    }

    void keepsTheAliasesOfBothDirectionsApart() // §3.3.2.3.4
    {
        auto client = open();
        client.connect({.clientId = "a", .properties = with(PropertyId::TopicAliasMaximum, 1)});
        client.subscribe("a topic to the client");
        auto other = this->client("other");
        other.subscribe("a topic to the server");
        client.publish("a topic to the server", "1",
                       {.properties = with(PropertyId::TopicAlias, 1)});
        other.expectPublish("a topic to the server", "1");
        for (const char* topicName : {"a topic to the client", ""})
        {
            other.publish("a topic to the client", "2");
            const auto message = client.expectPublish(topicName, "2");
            CPPUNIT_ASSERT_EQUAL(1, int{message->properties.topicAlias});
        }
        client.publish("", "3", {.properties = with(PropertyId::TopicAlias, 1)});
        other.expectPublish("a topic to the server", "3");
    }

    void givesAnIdentifierAsOftenAsItMatches() // §3.3.4
    {
        auto subscriber = client("subscriber");
        for (const char* filter : {"a/#", "a/+", "+/b"})
            subscriber.subscribe({{.topicFilter = filter}},
                                 with(PropertyId::SubscriptionIdentifier, 7));
        client("publisher").publish("a/b", "x", {.qos = QoS::AtLeastOnce});
        CPPUNIT_ASSERT((identifiers(subscriber) == std::multiset<std::uint32_t>{7, 7, 7}));
    }

    void replacesTheSubscriptionIdentifier() // §3.8.4
    {
        auto subscriber = client("subscriber");
        auto publisher = client("publisher");
        const auto got = [&](const PropertyList& properties) {
            subscriber.subscribe({{.topicFilter = "t"}}, properties);
            publisher.publish("t", "x", {.qos = QoS::AtLeastOnce});
            return identifiers(subscriber);
        };
        using Set = std::multiset<std::uint32_t>;
        CPPUNIT_ASSERT(got(with(PropertyId::SubscriptionIdentifier, 1)) == Set{1});
        CPPUNIT_ASSERT(got(with(PropertyId::SubscriptionIdentifier, 2)) == Set{2});
        CPPUNIT_ASSERT(got({}).empty());
        CPPUNIT_ASSERT(got(with(PropertyId::SubscriptionIdentifier, 3)) == Set{3});
    }

    void leavesThePayloadToItsReceiver() // §3.3.2.3.2: a broker may look at it; this one does not
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t");
        const auto text = with(PropertyId::PayloadFormatIndicator, 1);
        CPPUNIT_ASSERT(client("publisher")
                           .publish("t", "\xFF", {.qos = QoS::AtLeastOnce, .properties = text}) ==
                       ReasonCode::Success);
        CPPUNIT_ASSERT_EQUAL(
            1, int{subscriber.expectPublish("t", "\xFF")->properties.payloadFormatIndicator});
    }

private:
    /// Those of all messages that came.
    static std::multiset<std::uint32_t> identifiers(ScriptedClient& subscriber)
    {
        std::multiset<std::uint32_t> identifiers;
        for (const auto& message : subscriber.receiveMessagesBeforePingresp())
        {
            PropertyReader reader(message->properties.raw);
            while (reader.next())
                if (reader.id() == PropertyId::SubscriptionIdentifier)
                    identifiers.insert(reader.number());
        }
        return identifiers;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceMessageTest);

} // namespace nanomq::test
