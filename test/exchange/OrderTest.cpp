#include "ExchangeTest.h"

#include <array>
#include <charconv>
#include <future>
#include <vector>

namespace nanomq::test
{

/// Many publishers and subscribers on two workers at once: all messages come, each once, and those
/// of one publisher in its order (§4.6).
class OrderTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(OrderTest);
    CPPUNIT_TEST(holdsAtQoS0);
    CPPUNIT_TEST(holdsAtQoS1);
    CPPUNIT_TEST(holdsAtQoS2);
    CPPUNIT_TEST_SUITE_END();

public:
    void holdsAtQoS0() { run(QoS::AtMostOnce); }
    void holdsAtQoS1() { run(QoS::AtLeastOnce); }
    void holdsAtQoS2() { run(QoS::ExactlyOnce); }

private:
    // The Client Identifier chooses the worker. Of 8 and 4 clients, each worker has some.
    static constexpr int kPublishers = 8;
    static constexpr int kSubscribers = 4;
    // Of each publisher; all together fewer than a session queues (20,000), so none may be dropped.
    static constexpr int kMessages = 2000 / kSlowness;
    static constexpr int kBatch = 50; // sent before the acknowledgements are read

    BrokerOptions options() const override
    {
        return {.conf = {{"nanomq.conf", "num_taskq_thread = 2\n"}}};
    }

    void run(QoS qos)
    {
        std::vector<ScriptedClient> subscribers;
        std::vector<std::future<void>> done;
        for (int number = 0; number < kSubscribers; ++number)
        {
            subscribers.push_back(client("subscriber " + std::to_string(number)));
            subscribers.back().subscribe("order/+", qos);
        }
        for (auto& subscriber : subscribers)
            done.push_back(std::async(std::launch::async,
                                      [&subscriber, qos] { receiveAll(subscriber, qos); }));
        for (int number = 0; number < kPublishers; ++number)
            done.push_back(std::async(std::launch::async, [this, qos, number] {
                auto publisher = client("publisher " + std::to_string(number));
                publishAll(publisher, number, qos);
            }));
        for (auto& one : done) one.get(); // and its failure, if it failed
        for (auto& subscriber : subscribers) subscriber.expectNothingBeforePingresp();
    }

    static void publishAll(ScriptedClient& publisher, int number, QoS qos)
    {
        const auto topicName = "order/" + std::to_string(number);
        for (int sent = 0; sent < kMessages;)
        {
            const int end = std::min(sent + kBatch, kMessages);
            const int size = end - sent;
            for (; sent < end; ++sent)
                publisher.sendPublish(topicName, std::to_string(sent), {.qos = qos},
                                      qos == QoS::AtMostOnce ? 0 : publisher.nextIdentifier());
            if (qos == QoS::AtMostOnce) continue;
            std::vector<PacketIdentifier> released;
            for (int answer = 0; answer < size; ++answer)
                released.push_back(publisher.expect<Acknowledgement>()->packetIdentifier);
            if (qos != QoS::ExactlyOnce) continue;
            for (const auto identifier : released) publisher.sendPubrel(identifier);
            for (const auto identifier : released) publisher.expectPubcomp(identifier);
        }
        publisher.expectNothingBeforePingresp();
    }

    static void receiveAll(ScriptedClient& subscriber, QoS qos)
    {
        std::array<int, kPublishers> next{};
        int awaitedMessages = kPublishers * kMessages;
        int awaitedPubrels = qos == QoS::ExactlyOnce ? awaitedMessages : 0;
        while (awaitedMessages > 0 || awaitedPubrels > 0)
        {
            const auto received = subscriber.receive();
            if (const auto* const pubrel = std::get_if<Acknowledgement>(&*received))
            {
                subscriber.sendPubcomp(pubrel->packetIdentifier);
                --awaitedPubrels;
                continue;
            }
            const auto* const message = std::get_if<Publish>(&*received);
            CPPUNIT_ASSERT(message);
            const int publisher = message->topicName.back() - '0';
            const auto payload = asText(message->payload);
            int number = -1;
            std::from_chars(payload.data(), payload.data() + payload.size(), number);
            CPPUNIT_ASSERT_EQUAL(next.at(static_cast<std::size_t>(publisher))++, number);
            --awaitedMessages;
            if (message->qos == QoS::AtLeastOnce) subscriber.sendPuback(message->packetIdentifier);
            if (message->qos == QoS::ExactlyOnce) subscriber.sendPubrec(message->packetIdentifier);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(OrderTest);

} // namespace nanomq::test
