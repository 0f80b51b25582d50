#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <future>
#include <map>

namespace nanomq::test
{

/// Messages between two workers.
class DeliveryTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(DeliveryTest);
    CPPUNIT_TEST(keepsEachPublishersOrderThroughQueueAndWindow);
    CPPUNIT_TEST(mixesSmallAndLargePayloads);
    CPPUNIT_TEST(aSharedSubscriptionGoesPastAMemberThatIsAway);
    CPPUNIT_TEST(aSlowSubscriberLosesQos0AndDelaysNobody);
    CPPUNIT_TEST(tellsEveryDeliveryFromTheQueue);
    CPPUNIT_TEST_SUITE_END();

public:
    void keepsEachPublishersOrderThroughQueueAndWindow()
    {
        // With a Receive Maximum of 5 nearly everything waits in the queue, and yet goes past it
        // now and then.
        constexpr int kPublishers = 4;
        const int messages = 1200 / kSlowness;
        start();
        for (const auto qos : {QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce})
        {
            std::vector<ScriptedClient> subscribers;
            for (const unsigned worker : {0u, 1u})
            {
                auto& subscriber = subscribers.emplace_back(port());
                subscriber.connect({.clientId = idOn(worker, "subscriber"),
                                    .properties = with(PropertyId::ReceiveMaximum, 5)});
                subscriber.subscribe("order/+", qos);
            }
            std::vector<std::future<void>> done;
            for (unsigned p = 0; p < kPublishers; ++p)
                done.push_back(std::async(std::launch::async, [&, p] {
                    const std::string name = std::to_string(p);
                    auto publisher = client(idOn(p % 2, "publisher" + name));
                    for (int i = 0; i < messages; ++i)
                        publisher.publish("order/" + name, std::to_string(i), {.qos = qos});
                }));
            for (auto& subscriber : subscribers)
                done.push_back(std::async(std::launch::async, [&] {
                    std::map<std::string, int> next;
                    for (int i = 0; i < kPublishers * messages; ++i)
                    {
                        const auto message = nextMessage(subscriber);
                        const std::string topic(message->topicName);
                        CPPUNIT_ASSERT_EQUAL(std::to_string(next[topic]++),
                                             std::string(asText(message->payload)));
                    }
                }));
            for (auto& one : done) one.get();
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, dropped());
    }

    void mixesSmallAndLargePayloads()
    {
        start();
        auto subscriber = client(idOn(0, "subscriber"));
        subscriber.subscribe("t", QoS::AtLeastOnce);
        auto publisher = client(idOn(1, "publisher"));
        std::vector<std::string> payloads;
        for (const std::size_t size : {1, 2048, 2049, 10, 60'000, 3, 2'000'000, 0, 5000, 5000, 7})
            payloads.emplace_back(size, static_cast<char>('a' + payloads.size()));
        // In one go, so that they meet in one output buffer.
        PacketIdentifier identifier = 0;
        for (const auto& payload : payloads)
            publisher.sendPublish("t", payload, {.qos = QoS::AtLeastOnce}, ++identifier);
        for (const auto& payload : payloads)
        {
            const auto message = subscriber.receiveMessage();
            CPPUNIT_ASSERT(payload == asText(message->payload));
        }
    }

    void aSharedSubscriptionGoesPastAMemberThatIsAway()
    {
        start();
        {
            auto away = lasting(idOn(0, "away"), false);
            away.subscribe("$share/group/t", QoS::AtLeastOnce);
        }
        auto there = client(idOn(1, "there"));
        there.subscribe("$share/group/t", QoS::AtLeastOnce);
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 1; }));
        auto publisher = client("publisher");
        for (int i = 0; i < 20; ++i)
        {
            publisher.publish("t", std::to_string(i), {.qos = QoS::AtLeastOnce});
            const auto message = there.receiveMessage();
            CPPUNIT_ASSERT_EQUAL(std::to_string(i), std::string(asText(message->payload)));
        }
        there.disconnect();
        publisher.publish("t", "kept", {.qos = QoS::AtLeastOnce});
        auto back = lasting(idOn(0, "away"), true);
        back.expectPublish("t", "kept", QoS::AtLeastOnce);
    }

    void aSlowSubscriberLosesQos0AndDelaysNobody()
    {
        _settings.maximumUnsent = 1024 * 1024;
        start();
        auto slow = client(idOn(0, "slow"));
        slow.subscribe("t");
        auto fast = client(idOn(1, "fast"));
        fast.subscribe("t");
        auto publisher = client("publisher");
        const std::string payload(50'000, 'p');
        const auto tooSlow = [&] {
            return broker().figures().dropped[static_cast<std::size_t>(DeliveryResult::TooSlow)];
        };
        int sent = 0;
        for (; tooSlow() < 10; ++sent)
        {
            CPPUNIT_ASSERT_MESSAGE("without a bound", sent < 4000);
            publisher.publish("t", payload);
            fast.expectPublish("t", payload);
        }
        const auto lost = tooSlow();
        for (auto left = static_cast<std::uint64_t>(sent) - lost; left > 0; --left)
            slow.expectPublish("t", payload);
        publisher.publish("t", "now it reads");
        slow.expectPublish("t", "now it reads");
    }

    void tellsEveryDeliveryFromTheQueue()
    {
        start();
        std::atomic<int> delivered{0};
        auto& observer = plugin();
        observer.on(sdk::HookPoint::MessageDelivered, [&](const auto&, auto&) {
            ++delivered;
            return sdk::Verdict::Next;
        });
        load(observer);
        // A turn of the first worker notices that somebody observes.
        CPPUNIT_ASSERT(eventually([&] {
            auto any = client(idOn(0, "any"));
            any.disconnect();
            return broker().figures().connectsAccepted > 3;
        }));
        {
            auto subscriber = lasting("subscriber", false);
            subscriber.subscribe("t", QoS::AtLeastOnce);
        }
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 0; }));
        auto publisher = client("publisher");
        for (int i = 0; i < 10; ++i) publisher.publish("t", "x", {.qos = QoS::AtLeastOnce});
        CPPUNIT_ASSERT_EQUAL(0, delivered.load());
        auto back = lasting("subscriber", true);
        for (int i = 0; i < 10; ++i) back.receiveMessage();
        back.expectNothingBeforePingresp();
        CPPUNIT_ASSERT_EQUAL(10, delivered.load());
    }

private:
    /// The next PUBLISH. PUBREL is answered, and PUBREC waited for, as they come.
    static Received<Publish> nextMessage(ScriptedClient& client)
    {
        while (true)
        {
            auto packet = client.receive();
            if (const auto* const publish = std::get_if<Publish>(&*packet))
            {
                if (publish->qos == QoS::AtLeastOnce) client.sendPuback(publish->packetIdentifier);
                if (publish->qos == QoS::ExactlyOnce) client.sendPubrec(publish->packetIdentifier);
                Publish copy = *publish;
                return {std::move(packet).takeBytes(), copy};
            }
            const auto* const pubrel = std::get_if<Acknowledgement>(&*packet);
            CPPUNIT_ASSERT(pubrel && pubrel->type == PacketType::Pubrel);
            client.sendPubcomp(pubrel->packetIdentifier);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DeliveryTest);

} // namespace nanomq::test
