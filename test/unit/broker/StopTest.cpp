#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>

namespace nanomq::test
{

class StopTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(StopTest);
    CPPUNIT_TEST(tellsItsClients);
    CPPUNIT_TEST(leavesNobodyBehindHoweverManyAreComing);
    CPPUNIT_TEST(stopsWhileHooksOweAnswers);
    CPPUNIT_TEST_SUITE_END();

public:
    void tellsItsClients()
    {
        start();
        auto newer = client(idOn(0, "newer"));
        auto older = client(idOn(1, "older"), ProtocolVersion::v3_1_1);
        broker().stop();
        newer.expectDisconnect(ReasonCode::ServerShuttingDown);
        older.expectClosed();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker().figures().connections);
        broker().stop(); // a second time changes nothing
    }

    /// Clients connect, move between workers, publish and die while the broker stops. That nothing
    /// is left is the sanitizers' to say.
    void leavesNobodyBehindHoweverManyAreComing()
    {
        for (int round = 0; round < 10; ++round)
        {
            start();
            std::atomic<bool> stopping{false};
            std::atomic<int> connected{0};
            std::vector<std::thread> threads;
            const auto port = this->port();
            for (int t = 0; t < 3; ++t)
                threads.emplace_back([&, t] {
                    std::list<ScriptedClient> clients;
                    for (int i = 0; !stopping; ++i)
                    {
                        try
                        {
                            auto& client = clients.emplace_back(port);
                            client.sendConnect(
                                {.clientId = std::to_string(t) + '-' + std::to_string(i)});
                            client.sendPublish("t", "x");
                        }
                        catch (const CppUnit::Exception&)
                        {
                            return; // refused: it listens no more
                        }
                        ++connected;
                        if (clients.size() > 20) clients.pop_front();
                    }
                });
            CPPUNIT_ASSERT(eventually([&] { return connected > 10 + 20 * round; }));
            broker().stop();
            stopping = true;
            for (auto& thread : threads) thread.join();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker().figures().connections);
            tearDown();
        }
    }

    void stopsWhileHooksOweAnswers()
    {
        start();
        LaterAnswers answers;
        auto& slow = plugin();
        slow.on(sdk::HookPoint::MessagePublish, answers.hook());
        load(slow);
        auto parked = client("parked");
        parked.sendPublish("t", "x");
        sdk::Broker::Publication publication{};
        publication.size = sizeof publication;
        publication.topic = "t";
        publication.expirySeconds = 0xFFFFFFFF;
        CPPUNIT_ASSERT_EQUAL(0, broker().plugins().publish(&publication));
        CPPUNIT_ASSERT(answers.asked(2));
        broker().stop();
        parked.expectDisconnect(ReasonCode::ServerShuttingDown);
        CPPUNIT_ASSERT_EQUAL(0U, slow.set().openDeferrals());
        answers.answer(hooks(), slow.set(), sdk::Verdict::Next);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, slow.set().statistics().lateAnswers);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StopTest);

} // namespace nanomq::test
