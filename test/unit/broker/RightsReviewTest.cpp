#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::test
{

/// Rights to receive that are asked about again, with answers that come later.
class RightsReviewTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(RightsReviewTest);
    CPPUNIT_TEST(connackWaitsUntilAllIsAnswered);
    CPPUNIT_TEST(aSessionWithoutSubscriptionsAsksNothing);
    CPPUNIT_TEST(cleanStartAsksNothing);
    CPPUNIT_TEST(aClientMayLeaveMeanwhile);
    CPPUNIT_TEST(anotherConnectionMayComeMeanwhile);
    CPPUNIT_TEST(theOwnerMayUnsubscribeMeanwhile);
    CPPUNIT_TEST(theSessionMayEndMeanwhile);
    CPPUNIT_TEST(reviewsOneClientAlone);
    CPPUNIT_TEST(reviewsAllClientsOfAllWorkers);
    CPPUNIT_TEST(beginsAgainWhenRightsChangeAgain);
    CPPUNIT_TEST(theBrokerMayStopMeanwhile);
    CPPUNIT_TEST_SUITE_END();

public:
    void connackWaitsUntilAllIsAnswered()
    {
        startAsking();
        leaveSession("c", {"secret/a", "free/a", "free/b"});
        auto publisher = client("publisher");
        for (const char* topic : {"secret/a", "free/a"})
            publisher.publish(topic, "x", {.qos = QoS::AtLeastOnce});

        ScriptedClient back(port());
        connectAgain(back);
        for (std::size_t question = 1; question <= 3; ++question)
        {
            CPPUNIT_ASSERT(_answers.asked(question));
            back.expectNothing(std::chrono::milliseconds(20));
            answerByTopic();
        }
        back.expectConnack(ReasonCode::Success, true);
        CPPUNIT_ASSERT_EQUAL(std::string("free/a"),
                             std::string(back.receiveMessage()->topicName));
        back.expectNothingBeforePingresp();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker().figures().subscriptions);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, dropped()); // and it adds up
    }

    void aSessionWithoutSubscriptionsAsksNothing()
    {
        startAsking();
        leaveSession("c", {});
        lasting("c", true).expectNothingBeforePingresp();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, asked());
    }

    void cleanStartAsksNothing()
    {
        startAsking();
        leaveSession("c", {"secret/a"});
        client("c").expectNothingBeforePingresp();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, asked());
    }

    void aClientMayLeaveMeanwhile()
    {
        startAsking();
        leaveSession("c", {"secret/a", "free/a"});
        {
            ScriptedClient back(port());
            connectAgain(back);
            CPPUNIT_ASSERT(_answers.asked(1));
        }
        // It is noticed when it is read again, or never: either way nothing is left behind.
        answerByTopic();
        CPPUNIT_ASSERT(_answers.asked(2));
        answerByTopic();
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 0; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker().figures().subscriptions);
        ScriptedClient again(port());
        connectAgain(again);
        CPPUNIT_ASSERT(_answers.asked(3));
        answerByTopic();
        again.expectConnack(ReasonCode::Success, true);
    }

    void anotherConnectionMayComeMeanwhile()
    {
        startAsking();
        leaveSession("c", {"secret/a"});
        ScriptedClient first(port());
        connectAgain(first);
        CPPUNIT_ASSERT(_answers.asked(1));
        ScriptedClient second(port());
        connectAgain(second);
        CPPUNIT_ASSERT(_answers.asked(2));
        answerByTopic(); // the first one's, and the subscription ends
        first.expectConnack(ReasonCode::Success, true);
        answerByTopic(); // of a subscription that is not there any more
        second.expectConnack(ReasonCode::Success, true);
        first.expectDisconnect(ReasonCode::SessionTakenOver);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker().figures().subscriptions);
    }

    void theOwnerMayUnsubscribeMeanwhile()
    {
        startAsking();
        auto owner = client("c");
        owner.subscribe("secret/a").subscribe("secret/b");
        reauthorize("c");
        CPPUNIT_ASSERT(_answers.asked(1));
        owner.unsubscribe({"secret/a", "secret/b"});
        owner.subscribe("free/a");
        answerByTopic();
        owner.sendPublish("free/a", "x").expectPublish("free/a", "x");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker().figures().subscriptions);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, asked());
    }

    void theSessionMayEndMeanwhile()
    {
        startAsking();
        {
            auto owner = client("c");
            owner.subscribe("secret/a");
            reauthorize("c");
            reauthorize("");
            CPPUNIT_ASSERT(_answers.asked(2));
            owner.disconnect();
        }
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().sessions == 0; }));
        auto next = client("c");
        next.subscribe("secret/b");
        answerByTopic();
        answerByTopic();
        next.expectNothingBeforePingresp();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker().figures().subscriptions);
    }

    void reviewsOneClientAlone()
    {
        startAsking();
        auto one = client("one");
        auto other = client("other");
        one.subscribe("secret/a");
        other.subscribe("secret/a");
        reauthorize("one");
        CPPUNIT_ASSERT(_answers.asked(1));
        answerByTopic();
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().subscriptions == 1; }));
        reauthorize("nobody");
        other.sendPublish("secret/a", "x").expectPublish("secret/a", "x");
        one.expectNothingBeforePingresp();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, asked());
    }

    void reviewsAllClientsOfAllWorkers()
    {
        startAsking();
        constexpr unsigned kClients = 40;
        std::vector<ScriptedClient> clients;
        for (unsigned i = 0; i < kClients; ++i)
        {
            clients.push_back(client(idOn(i % 2, "c" + std::to_string(i))));
            clients.back().subscribe("secret/a").subscribe("free/a");
        }
        reauthorize("");
        for (unsigned i = 1; i <= 2 * kClients; ++i)
        {
            CPPUNIT_ASSERT(_answers.asked(i));
            answerByTopic();
        }
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().subscriptions == kClients; }));
        for (auto& client : clients) client.expectNothingBeforePingresp();
    }

    void beginsAgainWhenRightsChangeAgain()
    {
        startAsking();
        auto one = client(idOn(0, "one"));
        one.subscribe("free/a");
        reauthorize("");
        CPPUNIT_ASSERT(_answers.asked(1));
        reauthorize(""); // the answer that is on its way may be of the old rights
        answerByTopic();
        CPPUNIT_ASSERT(_answers.asked(2));
        answerByTopic();
        one.expectNothingBeforePingresp();
    }

    void theBrokerMayStopMeanwhile()
    {
        startAsking();
        leaveSession("c", {"secret/a"});
        auto one = client("one");
        one.subscribe("secret/a");
        reauthorize("");
        ScriptedClient back(port());
        connectAgain(back);
        CPPUNIT_ASSERT(_answers.asked(2));
        broker().stop();
        one.expectDisconnect(ReasonCode::ServerShuttingDown);
        back.expectClosed();
    }

private:
    /// A broker whose plugin answers later whether a subscription may stay.
    void startAsking()
    {
        start();
        _plugin = &plugin();
        _plugin->on(sdk::HookPoint::ClientAuthorize,
                    _answers.hook([this](const sdk::EventHeader& header) {
                        const auto& event = reinterpret_cast<const sdk::ClientAuthorize&>(header);
                        if (event.access != sdk::Access::Receive) return false;
                        std::lock_guard guard(_mutex);
                        _topics.emplace_back(event.topic.view());
                        return true;
                    }));
        load(*_plugin);
    }
    std::size_t asked()
    {
        std::lock_guard guard(_mutex);
        return _topics.size();
    }
    /// Answers the oldest open question: what is secret is denied.
    void answerByTopic()
    {
        std::string topic;
        {
            std::lock_guard guard(_mutex);
            topic = _topics[_answered++];
        }
        const bool secret = topic.starts_with("secret/");
        _answers.answer(hooks(), _plugin->set(),
                        secret ? sdk::Verdict::Deny : sdk::Verdict::Allow);
    }
    void reauthorize(const char* clientId)
    {
        CPPUNIT_ASSERT_EQUAL(0, broker().plugins().reauthorize(clientId));
    }
    void leaveSession(const char* clientId, std::initializer_list<const char*> filters)
    {
        auto owner = lasting(clientId, false);
        for (const char* filter : filters) owner.subscribe(filter, QoS::AtLeastOnce);
        owner.disconnect();
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 0; }));
    }
    /// CONNECT that continues the session of "c"; what comes is for the test to expect.
    static void connectAgain(ScriptedClient& client)
    {
        ConnectOptions options{.clientId = "c", .cleanStart = false};
        options.properties.add(PropertyId::SessionExpiryInterval, 3600);
        client.sendConnect(options);
    }

    LaterAnswers _answers;
    FakePlugin* _plugin = nullptr;
    std::mutex _mutex; // guards _topics
    std::vector<std::string> _topics;
    std::size_t _answered = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(RightsReviewTest);

} // namespace nanomq::test
