#include "DeliveryFixture.h"
#include "support/TestEndpoint.h"

namespace
{

class DeliveryTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(DeliveryTest);
    CPPUNIT_TEST(requestsOfAClientStayInOrderUnderRetry);
    CPPUNIT_TEST(poolWorksInParallelOnKeptConnections);
    CPPUNIT_TEST(sendersAreStartedWhenTheirLaneHasWork);
    CPPUNIT_TEST(holdsEventsUntilStart);
    CPPUNIT_TEST(answersToTryAgainAreTriedAgain);
    CPPUNIT_TEST(givesUpAfterMaxAttempts);
    CPPUNIT_TEST(oldEventIsDroppedAfterAFailure);
    CPPUNIT_TEST(refusedEventIsDroppedAtOnce);
    CPPUNIT_TEST(fullQueueDropsNewEventsWithoutMakingBodies);
    CPPUNIT_TEST(endpointThatResetsIsRetried);
    CPPUNIT_TEST(stopDeliversWhatWaits);
    CPPUNIT_TEST(stopKeepsItsDeadlineWhileTheEndpointHangs);
    CPPUNIT_TEST(stopMakesOneLastAttemptInsteadOfPausing);
    CPPUNIT_TEST(senderThatCannotStartIsAskedForAgain);
    CPPUNIT_TEST(logTellsAttemptOutcomeAndWhatFollowsOnce);
    CPPUNIT_TEST(statusTellsStateAndAddsUp);
    CPPUNIT_TEST_SUITE_END();

public:
    void requestsOfAClientStayInOrderUnderRetry()
    {
        // Every third body fails twice before it is taken.
        TestEndpoint endpoint([](const std::string& body, unsigned earlier) {
            return std::stoi(body.substr(body.find(':') + 1)) % 3 == 0 && earlier < 2 ? 503 : 200;
        });
        DeliveryFixture delivery(endpoint.url(), std::string("web.hook.pool_size=4\n") + kFastRetry);
        delivery.start();
        for (int i = 0; i < 20; ++i)
            for (const char* client : {"a", "b", "c", "d", "e", "f"})
                delivery.submit(client, client + (":" + std::to_string(i)));
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(120));

        std::map<std::string, int> next;
        for (const std::string& body : endpoint.taken())
        {
            const std::string client = body.substr(0, body.find(':'));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, next[client]++,
                                         std::stoi(body.substr(body.find(':') + 1)));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{6 * 7 * 2}, delivery.counts().failedAttempts);
    }

    void poolWorksInParallelOnKeptConnections()
    {
        TestEndpoint endpoint;
        DeliveryFixture delivery(endpoint.url(), "web.hook.pool_size=4\n");
        delivery.start();
        endpoint.close();
        for (int i = 0; i < 200; ++i) delivery.submit("client" + std::to_string(i), "x");
        CPPUNIT_ASSERT(eventually([&] { return endpoint.mostAtATime() == 4; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, delivery.counts().at(Place::InFlight));
        endpoint.open();
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(200));
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, endpoint.mostAtATime());
        CPPUNIT_ASSERT_EQUAL(4, endpoint.connections());
    }

    void sendersAreStartedWhenTheirLaneHasWork()
    {
        TestEndpoint endpoint;
        DeliveryFixture delivery(endpoint.url());
        delivery.start();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, delivery.host().tasks.threadsStarted());
        for (int i = 0; i < 20; ++i) delivery.submit("one client", "x");
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(20));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, delivery.host().tasks.threadsStarted());
        CPPUNIT_ASSERT_EQUAL(1, endpoint.connections());
    }

    void holdsEventsUntilStart()
    {
        TestEndpoint endpoint;
        DeliveryFixture delivery(endpoint.url());
        for (const char* body : {"1", "2", "3"}) delivery.submit("c", body);
        CPPUNIT_ASSERT_EQUAL(std::string("holding"), delivery.state());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, delivery.host().tasks.threadsStarted());
        delivery.start();
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(3));
        CPPUNIT_ASSERT(endpoint.taken() == std::vector<std::string>({"1", "2", "3"}));
    }

    void answersToTryAgainAreTriedAgain()
    {
        static constexpr int answers[] = {500, 429, 408, 503, 202};
        TestEndpoint endpoint(
            [](const std::string&, unsigned earlier) { return answers[std::min(earlier, 4u)]; });
        DeliveryFixture delivery(endpoint.url(), kFastRetry);
        delivery.start();
        delivery.submit("c", "x");
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(1));
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, endpoint.requests());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, delivery.counts().failedAttempts);
    }

    void givesUpAfterMaxAttempts()
    {
        TestEndpoint endpoint(
            [](const std::string& body, unsigned) { return body == "bad" ? 500 : 200; });
        DeliveryFixture delivery(endpoint.url(), "web.hook.retry.min_delay=1ms\n"
                                         "web.hook.retry.max_attempts=3\n");
        delivery.start();
        delivery.submit("c", "bad");
        delivery.submit("c", "good");
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(1));
        CPPUNIT_ASSERT(delivery.eventuallyDropped(DropReason::GaveUp, 1));
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, endpoint.requests());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1},
                             delivery.host().logged("message_publish dropped after attempt 3"));
    }

    void oldEventIsDroppedAfterAFailure()
    {
        TestEndpoint endpoint([](const std::string&, unsigned) { return 500; });
        DeliveryFixture delivery(endpoint.url(), std::string(kFastRetry) + "web.hook.retry.max_age=20ms\n");
        delivery.start();
        delivery.submit("c", "x");
        CPPUNIT_ASSERT(delivery.eventuallyDropped(DropReason::Expired, 1));
    }

    void refusedEventIsDroppedAtOnce()
    {
        TestEndpoint endpoint(
            [](const std::string& body, unsigned) { return body == "bad" ? 404 : 200; });
        DeliveryFixture delivery(endpoint.url());
        delivery.start();
        delivery.submit("c", "bad");
        delivery.submit("c", "good");
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(1));
        CPPUNIT_ASSERT(delivery.eventuallyDropped(DropReason::Refused, 1));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, endpoint.requests());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1},
                             delivery.host().logged("POST " + endpoint.url() +
                                                    " answered 404 Because; message_publish "
                                                    "dropped, not tried again"));
    }

    void fullQueueDropsNewEventsWithoutMakingBodies()
    {
        TestEndpoint endpoint;
        endpoint.close();
        DeliveryFixture delivery(endpoint.url(), "web.hook.queue.max_events=5\n");
        delivery.start();
        for (int i = 0; i < 1'000; ++i) delivery.submit("c", std::to_string(i));
        CPPUNIT_ASSERT_EQUAL(5, delivery.bodiesMade);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{995}, delivery.counts().dropped());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, delivery.host().logged("new events are dropped"));
        endpoint.open();
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(5));
        CPPUNIT_ASSERT(endpoint.taken() == std::vector<std::string>({"0", "1", "2", "3", "4"}));
    }

    void endpointThatResetsIsRetried()
    {
        RawServer server([](Poco::Net::StreamSocket& socket, unsigned number) {
            if (number < 5) return RawServer::reset(socket);
            RawServer::readRequest(socket);
            RawServer::answer(socket, "HTTP/1.1 204 No Content\r\n\r\n");
        });
        DeliveryFixture delivery(server.url(), kFastRetry);
        delivery.start();
        delivery.submit("c", "x");
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(1));
        CPPUNIT_ASSERT_EQUAL(6u, server.connections());
    }

    void stopDeliversWhatWaits()
    {
        TestEndpoint endpoint;
        DeliveryFixture delivery(endpoint.url(), "web.hook.pool_size=3\n");
        delivery.start();
        for (int i = 0; i < 60; ++i) delivery.submit(std::to_string(i % 7), "x");
        delivery.stop(30s);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{60}, delivery.counts().delivered);
    }

    void stopKeepsItsDeadlineWhileTheEndpointHangs()
    {
        TestEndpoint endpoint;
        endpoint.close();
        DeliveryFixture delivery(endpoint.url(), "web.hook.timeout=1h\nweb.hook.pool_size=3\n");
        delivery.start();
        for (int i = 0; i < 30; ++i) delivery.submit(std::to_string(i), "x");
        CPPUNIT_ASSERT(eventually([&] { return endpoint.mostAtATime() == 3; }));
        CPPUNIT_ASSERT(delivery.stop(400ms) < 5s); // an hour without the cancellation
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, delivery.counts().at(Place::InFlight));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{30}, delivery.counts().at(Place::Queued));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, delivery.counts().failedAttempts);
        const auto& metrics = *delivery.host().metrics;
        static constexpr char kDefault[] = "endpoint=\"default\"";
        delivery.end();
        CPPUNIT_ASSERT_EQUAL(std::int64_t{30},
                             metrics.value("webhook_dropped_total", "endpoint=\"default\",reason=\"unloaded\""));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, metrics.value("webhook_queued", kDefault));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1},
                             delivery.host().logged("unloaded; 30 events for default were not "
                                                    "delivered and are dropped"));
    }

    void stopMakesOneLastAttemptInsteadOfPausing()
    {
        TestEndpoint endpoint([](const std::string& body, unsigned earlier) {
            return body == "recovers" && earlier > 0 ? 200 : 500;
        });
        DeliveryFixture delivery(endpoint.url(), std::string("web.hook.pool_size=1\n") + kNoRetrySoon);
        delivery.start();
        delivery.submit("c", "recovers");
        delivery.submit("c", "does not");
        delivery.submit("c", "is not tried");
        CPPUNIT_ASSERT(eventually([&] { return delivery.counts().failedAttempts == 1; }));
        CPPUNIT_ASSERT(delivery.stop(30s) < 20s); // one failure ends it, not the deadline
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, endpoint.requests());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, delivery.counts().delivered);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, delivery.counts().at(Place::Queued));
    }

    void senderThatCannotStartIsAskedForAgain()
    {
        TestEndpoint endpoint;
        DeliveryFixture delivery(endpoint.url());
        delivery.start();
        delivery.host().tasks.failThreadsWith(-EAGAIN);
        delivery.submit("c", "1"); // nothing comes after it
        CPPUNIT_ASSERT(eventually([&] { return delivery.host().logged("no thread") == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, delivery.counts().at(Place::Queued));
        delivery.host().tasks.failThreadsWith(0);
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(1));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, delivery.host().tasks.threadsStarted());
    }

    void logTellsAttemptOutcomeAndWhatFollowsOnce()
    {
        TestEndpoint endpoint(
            [](const std::string&, unsigned earlier) { return earlier < 20 ? 503 : 200; });
        DeliveryFixture delivery(endpoint.url() + "?token=s3cret", kFastRetry);
        delivery.start();
        delivery.submit("c", "x");
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(1));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, delivery.host().logged("; retry "));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1},
                             delivery.host().logged("POST " + endpoint.url() +
                                                    " answered 503 Because; retry 1 in 0.0 s; 1 "
                                                    "events queued"));
        CPPUNIT_ASSERT(
            eventually([&] { return delivery.host().logged("is answered again") == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, delivery.host().logged("s3cret"));
    }

    void statusTellsStateAndAddsUp()
    {
        std::atomic<int> answer{500};
        TestEndpoint endpoint([&answer](const std::string&, unsigned) { return answer.load(); });
        DeliveryFixture delivery(endpoint.url(), kFastRetry);
        delivery.start();
        CPPUNIT_ASSERT_EQUAL(std::string("idle"), delivery.state());
        CPPUNIT_ASSERT(delivery.status()->isNull("last_error"));
        delivery.submit("c", "12345");
        CPPUNIT_ASSERT(eventually([&] { return delivery.state() == "failing"; }));
        const auto failing = delivery.status();
        CPPUNIT_ASSERT_EQUAL(std::string("answered 500 Because"),
                             failing->getValue<std::string>("last_error"));
        CPPUNIT_ASSERT_EQUAL(1, failing->getValue<int>("senders_failing"));
        CPPUNIT_ASSERT_EQUAL(5, failing->getValue<int>("queued_bytes"));
        answer = 200;
        CPPUNIT_ASSERT(eventually([&] { return delivery.state() == "up"; }));
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(1));
        const auto up = delivery.status();
        const auto number = [&up](const char* key) { return up->getValue<std::uint64_t>(key); };
        CPPUNIT_ASSERT_EQUAL(number("accepted"), number("delivered") + number("in_flight") +
                                                     number("queued") + number("spooled") +
                                                     number("dead") + number("dropped"));
        CPPUNIT_ASSERT_EQUAL(endpoint.url(), up->getValue<std::string>("url"));
        delivery.stop(10s);
        CPPUNIT_ASSERT_EQUAL(std::string("stopping"), delivery.state());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DeliveryTest);

} // namespace
