#include "ExchangeTest.h"

#include <set>

namespace nanomq::test
{

/// Messages on their way to a client, and its acknowledgements (§3.3 to §3.7, §4.3, §4.4, §4.9).
class ConformanceDeliveryTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceDeliveryTest);
    CPPUNIT_TEST(setsAnAliasOnceAndUsesItThen);
    CPPUNIT_TEST(setsNoMoreAliasesThanTheClientTakes);
    CPPUNIT_TEST(setsAliasesAnewOnANewConnection);
    CPPUNIT_TEST(setsNoAliasThatMakesThePacketTooLarge);
    CPPUNIT_TEST(takesEveryAliasThatItAnnounced);
    CPPUNIT_TEST(answersEverythingWhileTheWindowIsFull);
    CPPUNIT_TEST(keepsWhatASlowReceiverHasNotAcknowledged);
    CPPUNIT_TEST(sendsNothingAgainOnTheSameConnection);
    CPPUNIT_TEST(forgetsWhatTheReceiverHasRefused);
    CPPUNIT_TEST(doesNotLetAMessageExpireThatWasSent);
    CPPUNIT_TEST(goesOnWithAMessageThatExpiredMeanwhile);
    CPPUNIT_TEST(finishesWhatItBeganBeforeUnsubscribe);
    CPPUNIT_TEST(losesNothingWhileASubscriptionIsReplaced);
    CPPUNIT_TEST(answersAnUnknownPubrecWithPubrel);
    CPPUNIT_TEST(usesTheSameIdentifierBothWays);
    CPPUNIT_TEST(sendsTheWillOfADisplacedConnectionByItsRules);
    CPPUNIT_TEST(letsRetainedMessagesExpire);
    CPPUNIT_TEST(neverPassesThePublishersDupOn);
    CPPUNIT_TEST(replacesARetainedMessageByOneOfQoS0);
    CPPUNIT_TEST(releasesInTheOrderOfThePubrecs);
    CPPUNIT_TEST_SUITE_END();

public:
    void setsAnAliasOnceAndUsesItThen() // [MQTT-3.1.2-26], [MQTT-3.3.2-11], §3.3.2.3.4
    {
        auto subscriber = withAliases("subscriber", 10);
        subscriber.subscribe(kTopic, QoS::ExactlyOnce).subscribe("short");
        auto publisher = client("publisher");
        for (const QoS qos : {QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce})
        {
            publisher.publish(kTopic, "x", {.qos = qos});
            const auto message = subscriber.receiveMessage();
            CPPUNIT_ASSERT_EQUAL(std::string(qos == QoS::AtMostOnce ? kTopic : ""),
                                 std::string(message->topicName));
            CPPUNIT_ASSERT(message->properties.has(PropertyId::TopicAlias));
            CPPUNIT_ASSERT_EQUAL(1, int{message->properties.topicAlias});
            CPPUNIT_ASSERT(asText(message->payload) == "x" && message->qos == qos);
        }
        publisher.publish("short", "x"); // what it would save is not worth it
        CPPUNIT_ASSERT(
            !subscriber.expectPublish("short", "x")->properties.has(PropertyId::TopicAlias));
    }

    void setsNoMoreAliasesThanTheClientTakes() // [MQTT-3.1.2-26]
    {
        auto subscriber = withAliases("subscriber", 2);
        subscriber.subscribe("#");
        auto publisher = client("publisher");
        for (int round = 0; round < 2; ++round)
        {
            for (const char* topic :
                 {"the first long topic", "the second long topic", "the third long topic"})
            {
                publisher.publish(topic, "x");
                const auto message = subscriber.receiveMessage();
                const bool third = std::string_view(topic) == "the third long topic";
                CPPUNIT_ASSERT(message->properties.has(PropertyId::TopicAlias) == !third);
                CPPUNIT_ASSERT(third || message->properties.topicAlias <= 2);
                CPPUNIT_ASSERT_EQUAL(std::string(round == 0 || third ? topic : ""),
                                     std::string(message->topicName));
            }
        }
    }

    void setsAliasesAnewOnANewConnection() // [MQTT-3.3.2-7]
    {
        PropertyList properties = with(PropertyId::TopicAliasMaximum, 5);
        properties.add(PropertyId::SessionExpiryInterval, kLong);
        auto publisher = client("publisher");
        for (const bool again : {false, true})
        {
            auto subscriber = open();
            subscriber.connect({.clientId = "s", .cleanStart = false, .properties = properties},
                               again);
            // Not acknowledged: the second connection gets it again, with the whole topic.
            if (!again) subscriber.subscribe(kTopic, QoS::AtLeastOnce);
            if (!again) publisher.publish(kTopic, "x", {.qos = QoS::AtLeastOnce});
            const auto message = subscriber.expectPublish(kTopic, "x", QoS::AtLeastOnce);
            CPPUNIT_ASSERT(message->dup == again);
            publisher.publish(kTopic, "y", {.qos = QoS::AtLeastOnce});
            subscriber.expectPublish("", "y", QoS::AtLeastOnce);
            subscriber.sendPuback(static_cast<PacketIdentifier>(message->packetIdentifier + 1));
            subscriber.expectNothingBeforePingresp().drop();
        }
    }

    void setsNoAliasThatMakesThePacketTooLarge() // [MQTT-3.1.2-24]
    {
        constexpr std::size_t kMaximum = 100;
        PropertyList properties = with(PropertyId::TopicAliasMaximum, 5);
        properties.add(PropertyId::MaximumPacketSize, kMaximum);
        auto subscriber = open();
        subscriber.connect({.clientId = "s", .properties = properties});
        subscriber.subscribe(kTopic);
        const std::string payload(kMaximum - 2 - 2 - std::string_view(kTopic).size() - 1, 'x');
        client("publisher").publish(kTopic, payload);
        CPPUNIT_ASSERT_EQUAL(kMaximum, subscriber.expectPublish(kTopic, payload).bytes().size());
    }

    void takesEveryAliasThatItAnnounced() // [MQTT-3.3.2-12], [MQTT-3.2.2-17]
    {
        auto publisher = open();
        const auto connack = publisher.connect({.clientId = "publisher"});
        auto subscriber = client("subscriber");
        subscriber.subscribe("t/+");
        const unsigned maximum = connack->properties.topicAliasMaximum;
        for (const bool set : {true, false})
            for (unsigned alias = 1; alias <= maximum; ++alias)
            {
                const auto topic = "t/" + std::to_string(alias);
                publisher.sendPublish(set ? topic : "", "x",
                                      {.properties = with(PropertyId::TopicAlias, alias)});
                subscriber.expectPublish(topic, "x");
            }
    }

    /// [MQTT-3.3.4-10], [MQTT-4.9.0-1, -2, -3]
    void answersEverythingWhileTheWindowIsFull()
    {
        auto client = open();
        client.connect({.clientId = "a", .properties = with(PropertyId::ReceiveMaximum, 1)});
        client.subscribe("t", QoS::AtLeastOnce);
        auto publisher = this->client("publisher");
        for (int message = 0; message < 3; ++message)
            publisher.publish("t", "x", {.qos = QoS::AtLeastOnce});
        const auto first = client.expectPublish("t", "x", QoS::AtLeastOnce);
        client.subscribe("u");
        CPPUNIT_ASSERT(client.publish("v", "", {.qos = QoS::ExactlyOnce}) ==
                       ReasonCode::NoMatchingSubscribers);
        client.unsubscribe({"u"});
        client.expectNothingBeforePingresp();
        client.sendPuback(first->packetIdentifier).expectPublish("t", "x", QoS::AtLeastOnce);
        client.expectNothingBeforePingresp();
    }

    void keepsWhatASlowReceiverHasNotAcknowledged() // §4.9: queued, never dropped
    {
        auto slow = open();
        slow.connect({.clientId = "slow", .properties = with(PropertyId::ReceiveMaximum, 20)});
        slow.subscribe("t", QoS::ExactlyOnce);
        auto publisher = client("publisher");
        for (int number = 0; number < 500; ++number)
            publisher.publish("t", std::to_string(number),
                              {.qos = number % 2 ? QoS::AtLeastOnce : QoS::ExactlyOnce});
        // It acknowledges one at a time, each with all others of the window unacknowledged.
        std::vector<std::pair<PacketIdentifier, QoS>> window;
        for (int number = 0; number < 500; ++number)
        {
            const auto message = slow.expect<Publish>();
            CPPUNIT_ASSERT_EQUAL(std::to_string(number), std::string(asText(message->payload)));
            window.emplace_back(message->packetIdentifier, message->qos);
            if (window.size() < 20) continue;
            const auto [identifier, qos] = window.front();
            window.erase(window.begin());
            if (qos == QoS::AtLeastOnce) slow.sendPuback(identifier);
            else slow.sendPubrec(identifier).expectPubrel(identifier).sendPubcomp(identifier);
        }
        CPPUNIT_ASSERT(slow.expectNothingBeforePingresp().version() == ProtocolVersion::v5_0);
    }

    void sendsNothingAgainOnTheSameConnection() // [MQTT-4.4.0-1]
    {
        auto silent = client("silent");
        silent.subscribe("t", QoS::ExactlyOnce);
        client("publisher").publish("t", "x", {.qos = QoS::ExactlyOnce});
        silent.expectPublish("t", "x", QoS::ExactlyOnce);
        silent.expectNothing(std::chrono::milliseconds(1500));
    }

    void forgetsWhatTheReceiverHasRefused() // [MQTT-4.4.0-2], [MQTT-4.3.2-3]
    {
        auto subscriber = lastingClient("away", ProtocolVersion::v5_0, false);
        subscriber.subscribe("t", QoS::ExactlyOnce);
        auto publisher = client("publisher");
        publisher.publish("t", "1", {.qos = QoS::AtLeastOnce});
        publisher.publish("t", "2", {.qos = QoS::ExactlyOnce});
        const auto one = subscriber.expectPublish("t", "1", QoS::AtLeastOnce);
        const auto two = subscriber.expectPublish("t", "2", QoS::ExactlyOnce);
        subscriber.sendPuback(one->packetIdentifier, ReasonCode::QuotaExceeded)
            .sendPubrec(two->packetIdentifier, ReasonCode::QuotaExceeded)
            .expectNothingBeforePingresp()
            .drop();
        lastingClient("away", ProtocolVersion::v5_0, true).expectNothingBeforePingresp();
    }

    void doesNotLetAMessageExpireThatWasSent() // [MQTT-4.3.3-7]
    {
        auto away = lastingClient("away", ProtocolVersion::v5_0, false);
        away.subscribe("t", QoS::ExactlyOnce);
        client("publisher").publish("t", "x", shortLived(QoS::ExactlyOnce));
        const auto id = away.expectPublish("t", "x", QoS::ExactlyOnce)->packetIdentifier;
        away.drop();
        client("waiting").expectNothing(std::chrono::milliseconds(1200));
        auto back = lastingClient("away", ProtocolVersion::v5_0, true);
        CPPUNIT_ASSERT_EQUAL(id, back.expectPublish("t", "x", QoS::ExactlyOnce)->packetIdentifier);
        back.sendPubrec(id).expectPubrel(id).sendPubcomp(id).expectNothingBeforePingresp();
    }

    void goesOnWithAMessageThatExpiredMeanwhile() // [MQTT-4.3.3-13]
    {
        auto publisher = client("publisher");
        publisher.sendPublish("t", "x", shortLived(QoS::ExactlyOnce), 5);
        CPPUNIT_ASSERT_EQUAL(5, int{publisher.expect<Acknowledgement>()->packetIdentifier});
        publisher.expectNothing(std::chrono::milliseconds(1200));
        publisher.sendPubrel(5).expectPubcomp(5);
    }

    void finishesWhatItBeganBeforeUnsubscribe() // [MQTT-3.10.4-2, -3]
    {
        for (const auto version : kVersions)
        {
            auto subscriber = lastingClient("away", version, false);
            subscriber.subscribe("t", QoS::ExactlyOnce);
            auto publisher = client("publisher", version);
            publisher.publish("t", "x", {.qos = QoS::ExactlyOnce});
            const auto id = subscriber.expectPublish("t", "x", QoS::ExactlyOnce)->packetIdentifier;
            subscriber.unsubscribe({"t"});
            publisher.publish("t", "too late", {.qos = QoS::ExactlyOnce});
            subscriber.drop();
            auto back = lastingClient("away", version, true);
            CPPUNIT_ASSERT(back.expectPublish("t", "x", QoS::ExactlyOnce)->packetIdentifier == id);
            back.sendPubrec(id).expectPubrel(id).sendPubcomp(id).expectNothingBeforePingresp();
            back.drop();
            client("away", version).disconnect();
        }
    }

    void losesNothingWhileASubscriptionIsReplaced() // [MQTT-3.8.4-3, -4], v3.1.1 [MQTT-3.8.4-3]
    {
        for (const auto version : kVersions)
        {
            auto publisher = client("publisher", version);
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("t", QoS::AtMostOnce);
            std::set<int> got;
            for (int round = 0; round < 50; ++round)
            {
                // Both are under way at the same time.
                publisher.sendPublish("t", std::to_string(round));
                const auto id = subscriber.nextIdentifier();
                subscriber.send(Subscribe{id, {{.topicFilter = "t"}}, {}});
                for (bool answered = false, delivered = false; !answered || !delivered;)
                {
                    const auto packet = subscriber.receive();
                    if (std::holds_alternative<Suback>(*packet)) answered = true;
                    else
                    {
                        const auto& message = std::get<Publish>(*packet);
                        CPPUNIT_ASSERT(asText(message.payload) == std::to_string(round));
                        delivered = got.insert(round).second;
                    }
                }
            }
            subscriber.expectNothingBeforePingresp();
        }
    }

    /// §3.6.2.1. [MQTT-3.6.2-2, -3], [MQTT-3.7.2-2, -3]: with no more than the code.
    void answersAnUnknownPubrecWithPubrel()
    {
        auto client = this->client("a");
        client.sendPubrec(9);
        CPPUNIT_ASSERT(client.expect<Acknowledgement>().bytes() == hex("62 03 00 09 92"));
        client.sendPubrel(9);
        CPPUNIT_ASSERT(client.expect<Acknowledgement>().bytes() == hex("70 03 00 09 92"));
    }

    void usesTheSameIdentifierBothWays() // §2.2.1
    {
        for (const auto version : kVersions)
        {
            auto client = this->client("a", version);
            client.subscribe("t", QoS::ExactlyOnce);
            this->client("publisher", version).publish("t", "x", {.qos = QoS::ExactlyOnce});
            const auto id = client.expectPublish("t", "x", QoS::ExactlyOnce)->packetIdentifier;
            client.sendPublish("u", "y", {.qos = QoS::ExactlyOnce}, id);
            CPPUNIT_ASSERT_EQUAL(id, client.expect<Acknowledgement>()->packetIdentifier);
            client.sendPubrec(id).expectPubrel(id);
            client.sendPubrel(id).expectPubcomp(id).sendPubcomp(id).expectNothingBeforePingresp();
        }
    }

    void sendsTheWillOfADisplacedConnectionByItsRules() // [MQTT-3.1.4-3], §3.1.3.2.2
    {
        auto watcher = client("watcher");
        watcher.subscribe("will");
        const auto connectMortal = [this](std::uint32_t delay, bool cleanStart, bool present) {
            const auto delayed = with(PropertyId::WillDelayInterval, delay);
            Will will;
            will.topicName = "will";
            will.properties = delayed.view();
            auto mortal = open();
            mortal.connect({.clientId = "mortal",
                            .cleanStart = cleanStart,
                            .properties = with(PropertyId::SessionExpiryInterval, kLong),
                            .will = will},
                           present);
            return mortal;
        };
        auto first = connectMortal(0, true, false);
        auto second = connectMortal(kLong, false, true);
        watcher.expectPublish("will", ""); // the first one's, which waits for nothing
        auto third = connectMortal(kLong, false, true);
        watcher.expectNothingBeforePingresp(); // the session goes on in time
        auto fourth = connectMortal(kLong, true, false);
        watcher.expectPublish("will", ""); // the session of the third one has ended
        fourth.disconnect();
    }

    void letsRetainedMessagesExpire() // §3.3.1.3, [MQTT-3.3.2-5]
    {
        auto publisher = client("publisher");
        auto options = shortLived(QoS::AtMostOnce);
        options.retain = true;
        publisher.publish("gone", "x", options);
        publisher.publish("kept", "x", {.retain = true});
        publisher.expectNothing(std::chrono::milliseconds(1200));
        auto late = client("late");
        late.subscribe("+");
        CPPUNIT_ASSERT(late.expectPublish("kept", "x")->retain);
        late.expectNothingBeforePingresp();
    }

    void neverPassesThePublishersDupOn() // [MQTT-3.3.1-3], v3.1.1 [MQTT-4.3.2-2]
    {
        for (const auto version : kVersions)
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("t", QoS::ExactlyOnce);
            auto publisher = client("publisher", version);
            for (const bool dup : {true, false}) // an identifier that was acknowledged means anew
            {
                publisher.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, 5, dup).expectPuback(5);
                publisher.sendPublish("t", "y", {.qos = QoS::ExactlyOnce}, 6, dup).expectPubrec(6);
                publisher.sendPubrel(6).expectPubcomp(6);
                CPPUNIT_ASSERT(!subscriber.expectPublish("t", "x", QoS::AtLeastOnce)->dup);
                CPPUNIT_ASSERT(!subscriber.expectPublish("t", "y", QoS::ExactlyOnce)->dup);
            }
        }
    }

    void replacesARetainedMessageByOneOfQoS0() // v3.1.1 [MQTT-3.3.1-7], [MQTT-3.3.1-5]
    {
        auto publisher = client("publisher", ProtocolVersion::v3_1_1);
        publisher.publish("t", "old", {.qos = QoS::ExactlyOnce, .retain = true});
        publisher.publish("t", "new", {.retain = true});
        auto late = client("late", ProtocolVersion::v3_1_1);
        late.subscribe("t", QoS::ExactlyOnce);
        late.expectPublish("t", "new", QoS::AtMostOnce);
        late.expectNothingBeforePingresp();
    }

    void releasesInTheOrderOfThePubrecs() // v3.1.1 [MQTT-4.6.0-4]
    {
        auto subscriber = client("subscriber", ProtocolVersion::v3_1_1);
        subscriber.subscribe("t", QoS::ExactlyOnce);
        auto publisher = client("publisher", ProtocolVersion::v3_1_1);
        std::vector<PacketIdentifier> identifiers;
        for (int message = 0; message < 5; ++message)
        {
            publisher.publish("t", "x", {.qos = QoS::ExactlyOnce});
            identifiers.insert(
                identifiers.begin(),
                subscriber.expectPublish("t", "x", QoS::ExactlyOnce)->packetIdentifier);
        }
        for (const auto identifier : identifiers) subscriber.sendPubrec(identifier);
        for (const auto identifier : identifiers) subscriber.expectPubrel(identifier);
    }

private:
    static constexpr const char* kTopic = "a topic that is long enough";

    static PublishOptions shortLived(QoS qos)
    {
        return {.qos = qos, .properties = with(PropertyId::MessageExpiryInterval, 1)};
    }

    ScriptedClient withAliases(std::string_view clientId, std::uint32_t maximum)
    {
        auto client = open();
        client.connect(
            {.clientId = clientId, .properties = with(PropertyId::TopicAliasMaximum, maximum)});
        return client;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceDeliveryTest);

} // namespace nanomq::test
