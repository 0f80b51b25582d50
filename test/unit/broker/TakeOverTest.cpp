#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <future>

namespace nanomq::test
{

class TakeOverTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(TakeOverTest);
    CPPUNIT_TEST(theOldConnectionIsTold);
    CPPUNIT_TEST(losesAndReordersNothingUnderLoad);
    CPPUNIT_TEST(aClientThatSaysTakenOverEndsItsSession);
    CPPUNIT_TEST(manyConnectionsWithOneIdentifier);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { start(); }

    void theOldConnectionIsTold()
    {
        for (const unsigned worker : {0u, 1u})
        {
            const std::string id = idOn(worker, "twice");
            auto first = lasting(id, false);
            first.subscribe("t", QoS::AtLeastOnce);
            auto second = lasting(id, true);
            first.expectDisconnect(ReasonCode::SessionTakenOver);
            auto publisher = client(idOn(1 - worker, "publisher"));
            publisher.publish("t", "x", {.qos = QoS::AtLeastOnce});
            second.expectPublish("t", "x", QoS::AtLeastOnce);
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, dropped());
    }

    void losesAndReordersNothingUnderLoad()
    {
        constexpr int kMessages = 3000, kTakeOvers = 15;
        const std::string id = idOn(0, "moving");
        auto subscriber = std::make_unique<ScriptedClient>(lasting(id, false));
        subscriber->subscribe("t", QoS::AtLeastOnce);
        std::thread publisher([&] {
            auto client = this->client(idOn(1, "publisher"));
            for (int i = 0; i < kMessages; ++i)
                client.publish("t", std::to_string(i), {.qos = QoS::AtLeastOnce});
        });
        int next = 0;
        for (int round = 0; next < kMessages; ++round)
        {
            // Each connection takes some, and is replaced with messages on their way to it; the
            // last one takes the rest.
            const int until = round < kTakeOvers ? next + kMessages / (kTakeOvers + 5) : kMessages;
            while (next < until && next < kMessages)
            {
                const auto message = subscriber->receiveMessage();
                const int number = std::stoi(std::string(asText(message->payload)));
                // A repetition is marked; what is new comes in order.
                if (number < next) CPPUNIT_ASSERT(message->dup);
                else CPPUNIT_ASSERT_EQUAL(next++, number);
            }
            if (round < kTakeOvers)
                subscriber = std::make_unique<ScriptedClient>(lasting(id, true));
        }
        publisher.join();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, dropped());
    }

    /// Only the broker knows of a takeover; the word of a client means nothing.
    void aClientThatSaysTakenOverEndsItsSession()
    {
        auto liar = client("liar");
        liar.send(Disconnect{ReasonCode::SessionTakenOver, {}});
        CPPUNIT_ASSERT(liar.closedWithin(kPatience));
        CPPUNIT_ASSERT(eventually([&] { return !broker().listing().session("liar"); }));

        auto kicked = client("kicked");
        broker().plugins().kick("kicked",
                                static_cast<sdk::ReasonCode>(ReasonCode::SessionTakenOver));
        kicked.expectDisconnect(ReasonCode::SessionTakenOver);
        CPPUNIT_ASSERT(eventually([&] { return !broker().listing().session("kicked"); }));
    }

    void manyConnectionsWithOneIdentifier()
    {
        constexpr int kThreads = 4, kConnects = 50;
        std::vector<std::future<void>> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.push_back(std::async(std::launch::async, [&] {
                for (int i = 0; i < kConnects; ++i)
                {
                    ScriptedClient client(port());
                    client.sendConnect({.clientId = "everybody"});
                    if (i % 2 == 0) client.expectConnack();
                }
            }));
        for (auto& thread : threads) thread.get();
        auto last = client("everybody");
        last.expectNothingBeforePingresp();
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker().figures().sessions);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TakeOverTest);

} // namespace nanomq::test
