#include "ExchangeTest.h"

#include <algorithm>

namespace nanomq::test
{

/// What travels with a message, and what bounds it: properties, expiry, aliases, sizes.
class PropertyTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(PropertyTest);
    CPPUNIT_TEST(forwardsPropertiesUnaltered);
    CPPUNIT_TEST(deliversTheSameMessageToOldClientsWithoutProperties);
    CPPUNIT_TEST(countsTheMessageExpiryIntervalDown);
    CPPUNIT_TEST(dropsAMessageThatExpiredInTheQueue);
    CPPUNIT_TEST(knowsTopicAliases);
    CPPUNIT_TEST(forgetsTopicAliasesWithTheConnection);
    CPPUNIT_TEST(refusesTopicAliasesThatItDoesNotAllow);
    CPPUNIT_TEST(sendsNoAliasToAClientThatWantsNone);
    CPPUNIT_TEST(doesNotSendWhatIsLargerThanTheClientTakes);
    CPPUNIT_TEST(refusesAPacketLargerThanItTakes);
    CPPUNIT_TEST(carriesAMegabyte);
    CPPUNIT_TEST(carriesAMegabyteToManyAtOnce);
    CPPUNIT_TEST(carriesAnEmptyPayload);
    CPPUNIT_TEST(refusesASubscriptionIdentifierFromAPublisher);
    CPPUNIT_TEST_SUITE_END();

public:
    void forwardsPropertiesUnaltered() // [MQTT-3.3.2-4, -15, -16, -17, -18, -20]
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t");
        PropertyList properties;
        properties.add(PropertyId::PayloadFormatIndicator, 1)
            .add(PropertyId::ContentType, "text/plain")
            .add(PropertyId::ResponseTopic, "answers/here")
            .add(PropertyId::CorrelationData, asBytes("\x01\x02\xFF"))
            .add("b", "2")
            .add("a", "1")
            .add("b", "2");
        client("publisher").publish("t", "x", {.properties = properties});
        const auto message = subscriber.expectPublish("t", "x");
        const auto sent = properties.view().raw;
        const auto got = message->properties.raw;
        CPPUNIT_ASSERT(std::equal(sent.begin(), sent.end(), got.begin(), got.end()));
    }

    void deliversTheSameMessageToOldClientsWithoutProperties()
    {
        auto old = client("old", ProtocolVersion::v3_1_1);
        old.subscribe("t", QoS::AtLeastOnce);
        auto publisher = client("publisher");
        PropertyList properties;
        properties.add("name", "value").add(PropertyId::MessageExpiryInterval, 100);
        publisher.publish("t", "x", {.qos = QoS::AtLeastOnce, .properties = properties});
        old.expectPublish("t", "x", QoS::AtLeastOnce);

        auto newer = client("newer");
        newer.subscribe("u");
        client("publisher", ProtocolVersion::v3_1_1).publish("u", "y");
        CPPUNIT_ASSERT(newer.expectPublish("u", "y")->properties.empty());
    }

    void countsTheMessageExpiryIntervalDown() // [MQTT-3.3.2-6]
    {
        auto away = lastingClient("away", ProtocolVersion::v5_0, false);
        away.subscribe("t", QoS::AtLeastOnce);
        away.drop();
        auto publisher = client("publisher");
        publisher.publish(
            "t", "x",
            {.qos = QoS::AtLeastOnce, .properties = with(PropertyId::MessageExpiryInterval, 100)});
        publisher.expectNothing(std::chrono::milliseconds(1100)); // it waits for so long
        auto back = lastingClient("away", ProtocolVersion::v5_0, true);
        const auto message = back.expectPublish("t", "x", QoS::AtLeastOnce);
        CPPUNIT_ASSERT(message->properties.has(PropertyId::MessageExpiryInterval));
        CPPUNIT_ASSERT(message->properties.messageExpiryInterval <= 99);
        CPPUNIT_ASSERT(message->properties.messageExpiryInterval > 50);
    }

    void dropsAMessageThatExpiredInTheQueue() // [MQTT-3.3.2-5]
    {
        auto away = lastingClient("away", ProtocolVersion::v5_0, false);
        away.subscribe("t", QoS::AtLeastOnce);
        away.drop();
        auto publisher = client("publisher");
        publisher.publish(
            "t", "short-lived",
            {.qos = QoS::AtLeastOnce, .properties = with(PropertyId::MessageExpiryInterval, 1)});
        publisher.publish("t", "long-lived", {.qos = QoS::AtLeastOnce});
        publisher.expectNothing(std::chrono::milliseconds(2100));
        auto back = lastingClient("away", ProtocolVersion::v5_0, true);
        back.expectPublish("t", "long-lived", QoS::AtLeastOnce);
    }

    void knowsTopicAliases() // §3.3.2.3.4
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("#");
        auto publisher = client("publisher");
        const auto publish = [&publisher](std::string_view topicName, std::uint16_t alias,
                                          std::string_view payload) {
            publisher.publish(topicName, payload,
                              {.properties = with(PropertyId::TopicAlias, alias)});
        };
        publish("first", 1, "a");
        publish("second", 2, "b");
        publish("", 1, "c");
        publish("", 2, "d");
        publish("third", 1, "e"); // replaces
        publish("", 1, "f");
        const std::pair<const char*, const char*> expected[] = {{"first", "a"}, {"second", "b"},
                                                                {"first", "c"}, {"second", "d"},
                                                                {"third", "e"}, {"third", "f"}};
        for (const auto& [topicName, payload] : expected)
            CPPUNIT_ASSERT(!subscriber.expectPublish(topicName, payload)
                                ->properties.has(PropertyId::TopicAlias));
    }

    void forgetsTopicAliasesWithTheConnection() // [MQTT-3.3.2-7]
    {
        auto first = lastingClient("publisher", ProtocolVersion::v5_0, false);
        const auto alias = with(PropertyId::TopicAlias, 1);
        first.publish("t", "x", {.properties = alias});
        first.drop();
        auto back = lastingClient("publisher", ProtocolVersion::v5_0, true);
        back.sendPublish("", "x", {.properties = alias}).expectRefused(ReasonCode::ProtocolError);
    }

    void refusesTopicAliasesThatItDoesNotAllow() // [MQTT-3.3.2-8, -9]
    {
        auto asking = open();
        const auto connack = asking.connect({.clientId = "asking"});
        CPPUNIT_ASSERT(connack->properties.has(PropertyId::TopicAliasMaximum));
        const std::uint32_t maximum = connack->properties.topicAliasMaximum;
        CPPUNIT_ASSERT(maximum > 0 && maximum < 65'535);
        asking.publish("t", "x", {.properties = with(PropertyId::TopicAlias, maximum)});
        for (const std::uint32_t alias : {std::uint32_t{0}, maximum + 1})
            client("publisher")
                .sendPublish("t", "x", {.properties = with(PropertyId::TopicAlias, alias)})
                .expectRefused(ReasonCode::TopicAliasInvalid);
    }

    void sendsNoAliasToAClientThatWantsNone() // [MQTT-3.1.2-27]
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t");
        auto publisher = client("publisher");
        for (int time = 0; time < 3; ++time)
        {
            publisher.publish("t", "x", {.properties = with(PropertyId::TopicAlias, 1)});
            CPPUNIT_ASSERT(
                !subscriber.expectPublish("t", "x")->properties.has(PropertyId::TopicAlias));
        }
    }

    void doesNotSendWhatIsLargerThanTheClientTakes() // [MQTT-3.1.2-24, -25]
    {
        auto subscriber = open();
        subscriber.connect(
            {.clientId = "subscriber", .properties = with(PropertyId::MaximumPacketSize, 100)});
        subscriber.subscribe("t", QoS::AtLeastOnce);
        auto publisher = client("publisher");
        publisher.publish("t", std::string(100, 'x'), {.qos = QoS::AtLeastOnce});
        publisher.publish("t", "small", {.qos = QoS::AtLeastOnce});
        subscriber.expectPublish("t", "small", QoS::AtLeastOnce);
    }

    void refusesAPacketLargerThanItTakes() // [MQTT-3.2.2-15]
    {
        auto large = open();
        const auto connack = large.connect({.clientId = "large"});
        CPPUNIT_ASSERT(connack->properties.has(PropertyId::MaximumPacketSize));
        CPPUNIT_ASSERT(connack->properties.maximumPacketSize > 1 << 20);
        CPPUNIT_ASSERT(connack->properties.maximumPacketSize < 268'435'455);
        // The Fixed Header tells; the broker need not wait for the rest.
        large.sendBytes(hex("30 FF FF FF 7F 00 01 't' 00"))
            .expectDisconnect(ReasonCode::PacketTooLarge);
        client("old", ProtocolVersion::v3_1_1)
            .sendBytes(hex("30 FF FF FF 7F 00 01 't'"))
            .expectClosed();
    }

    void carriesAMegabyte()
    {
        std::string payload(1 << 20, 'x');
        for (std::size_t at = 0; at < payload.size(); at += 1000)
            payload[at] = static_cast<char>(at / 1000);
        for (const auto version : kVersions)
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("t", QoS::ExactlyOnce);
            auto publisher = client("publisher", version);
            for (const QoS qos : {QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce})
            {
                publisher.publish("t", payload, {.qos = qos});
                const auto message = subscriber.receiveMessage();
                CPPUNIT_ASSERT(asText(message->payload) == payload);
            }
        }
    }

    void carriesAMegabyteToManyAtOnce()
    {
        const std::string payload(1 << 20, 'y');
        std::vector<ScriptedClient> subscribers;
        for (int number = 0; number < 20; ++number)
        {
            subscribers.push_back(client("subscriber " + std::to_string(number)));
            subscribers.back().subscribe("t", QoS::AtLeastOnce);
        }
        client("publisher").publish("t", payload, {.qos = QoS::AtLeastOnce});
        for (auto& subscriber : subscribers)
            CPPUNIT_ASSERT(asText(subscriber.receiveMessage()->payload) == payload);
    }

    void carriesAnEmptyPayload()
    {
        for (const auto version : kVersions)
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("t");
            client("publisher", version).publish("t", "");
            subscriber.expectPublish("t", "");
        }
    }

    void refusesASubscriptionIdentifierFromAPublisher() // [MQTT-3.3.4-6]
    {
        client("publisher")
            .sendPublish("t", "x", {.properties = with(PropertyId::SubscriptionIdentifier, 1)})
            .expectRefused(ReasonCode::ProtocolError);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PropertyTest);

} // namespace nanomq::test
