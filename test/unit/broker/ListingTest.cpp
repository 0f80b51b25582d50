#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>

namespace nanomq::test
{

class ListingTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(ListingTest);
    CPPUNIT_TEST(pagesThroughTheSessionsOfAllWorkersInOrder);
    CPPUNIT_TEST(showsWhoIsThereAndWhoIsNot);
    CPPUNIT_TEST(pagesThroughSubscriptions);
    CPPUNIT_TEST(figuresAddUp);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { start(); }

    void pagesThroughTheSessionsOfAllWorkersInOrder()
    {
        std::vector<ScriptedClient> clients;
        std::vector<std::string> ids;
        for (int i = 0; i < 25; ++i)
        {
            ids.push_back("client " + std::to_string(i));
            clients.push_back(client(ids.back()));
        }
        std::sort(ids.begin(), ids.end());
        std::vector<std::string> found;
        std::string after;
        while (true)
        {
            const auto page = broker().listing().sessions(after, 7);
            CPPUNIT_ASSERT(page.size() <= 7);
            for (const auto& session : page) found.push_back(session.clientId);
            if (page.size() < 7) break;
            after = page.back().clientId;
        }
        CPPUNIT_ASSERT(ids == found);
    }

    void showsWhoIsThereAndWhoIsNot()
    {
        CPPUNIT_ASSERT(!broker().listing().session("nobody"));
        for (const unsigned worker : {0u, 1u})
        {
            const std::string id = idOn(worker, "seen");
            {
                auto client = lasting(id, false);
                client.subscribe("t/" + id, QoS::AtLeastOnce);
                const auto summary = broker().listing().session(id);
                CPPUNIT_ASSERT(summary && summary->connected);
                CPPUNIT_ASSERT_EQUAL(worker, summary->worker);
                CPPUNIT_ASSERT_EQUAL(5U, summary->protocolVersion);
                CPPUNIT_ASSERT_EQUAL(std::size_t{1}, summary->subscriptions);
                CPPUNIT_ASSERT(summary->peer().starts_with("127.0.0.1:"));
            }
            CPPUNIT_ASSERT(eventually([&] { return !broker().listing().session(id)->connected; }));
            auto publisher = client("publisher");
            publisher.publish("t/" + id, "x", {.qos = QoS::AtLeastOnce});
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker().listing().session(id)->queued);
        }
    }

    void pagesThroughSubscriptions()
    {
        std::vector<ScriptedClient> clients;
        for (const char* id : {"a", "b", "c", "d", "e"})
        {
            clients.push_back(client(id));
            clients.back().subscribe("t/" + std::string(id));
            clients.back().subscribe("#", QoS::AtLeastOnce);
        }
        std::vector<std::string> found;
        std::string after;
        do {
            std::string last;
            for (const auto& one : broker().listing().subscriptions(after, 2, last))
                found.push_back(one.clientId + ' ' + one.topicFilter + ' ' +
                                std::to_string(one.qos));
            after = last;
        } while (!after.empty());
        std::vector<std::string> expected;
        for (const char* id : {"a", "b", "c", "d", "e"})
        {
            expected.push_back(std::string(id) + " # 1");
            expected.push_back(std::string(id) + " t/" + id + " 0");
        }
        std::sort(found.begin(), found.end());
        CPPUNIT_ASSERT(expected == found);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, broker().listing().subscriptionsOf("c").size());
    }

    void figuresAddUp()
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t", QoS::AtLeastOnce);
        auto publisher = client("publisher");
        for (int i = 0; i < 10; ++i)
        {
            publisher.publish("t", "x", {.qos = QoS::AtLeastOnce});
            subscriber.receiveMessage();
        }
        publisher.publish("nobody", "x");
        const auto figures = broker().figures();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, figures.connections);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, figures.sessions);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, figures.subscriptions);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{11}, figures.messagesReceived);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, figures.messagesSent);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, figures.messagesDropped());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ListingTest);

} // namespace nanomq::test
