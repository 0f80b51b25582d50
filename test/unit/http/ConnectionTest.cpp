#include "http/Connection.h"
#include "http/Backoff.h"
#include "nanomq/testing.h"
#include "support/TestEndpoint.h"

#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace std::chrono_literals;
using namespace http;
using Outcome = Answer::Outcome;
using nanomq::sdk::testing::eventually;

Endpoint::Settings settingsFor(const std::string& url)
{
    return {Address::parse(url), 10s, 10s, {}};
}

Endpoint::Settings impatient(const std::string& url)
{
    Endpoint::Settings settings = settingsFor(url);
    settings.timeout = 50ms;
    return settings;
}

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ConnectionTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ConnectionTest);
    CPPUNIT_TEST(requestGoesOutAsItIsAsked);
    CPPUNIT_TEST(answerComesBackWhole);
    CPPUNIT_TEST(bodyIsReadToTheEndOfTheConnection);
    CPPUNIT_TEST(bodyThatEndsEarlyOrNeverIsNoAnswer);
    CPPUNIT_TEST(deadlineOfTheRequestIsKeptToo);
    CPPUNIT_TEST(oneConnectionServesManyRequests);
    CPPUNIT_TEST(connectionClosedWhileIdleIsNoFailure);
    CPPUNIT_TEST(connectionClosedOnReuseIsTriedOnceMoreAtOnce);
    CPPUNIT_TEST(closedWithoutAnswerOnFreshConnectionIsAFailure);
    CPPUNIT_TEST(resetAndRefusedConnectionsAreFailures);
    CPPUNIT_TEST(connectionThatIsNotAcceptedTimesOut);
    CPPUNIT_TEST(serverThatNeverAnswersTimesOut);
    CPPUNIT_TEST(serverThatDripsTimesOutAsAWhole);
    CPPUNIT_TEST(serverThatNeverReadsTimesOut);
    CPPUNIT_TEST(endlessContinueTimesOut);
    CPPUNIT_TEST(garbageIsAFailure);
    CPPUNIT_TEST(answerWithoutLengthIsNotWaitedFor);
    CPPUNIT_TEST(hugeAnswerIsNotReadToItsEnd);
    CPPUNIT_TEST(cancellationEndsAnAttemptThatHangs);
    CPPUNIT_TEST(largeBodyArrivesWhole);
    CPPUNIT_TEST(backoffDoublesUpToItsLimitAndJitters);
    CPPUNIT_TEST_SUITE_END();

public:
    void requestGoesOutAsItIsAsked()
    {
        const struct
        {
            Request request;
            std::string head;
        } cases[] = {
            {{"POST", "", &_headers, "application/json", "{}"},
             "POST /hook HTTP/1.1\r\nContent-Type: application/json\r\nX-Key: a b\r\n"
             "Content-Length: 2\r\n"},
            {{"POST", "/other?a=b", nullptr, "", ""},
             "POST /other?a=b HTTP/1.1\r\nContent-Length: 0\r\n"},
            {{"GET", "/get?x", &_headers, "", ""}, "GET /get?x HTTP/1.1\r\nX-Key: a b\r\n"},
        };
        for (const auto& c : cases)
        {
            std::string seen;
            RawServer server([&seen](Poco::Net::StreamSocket& socket, unsigned) {
                char buffer[4096];
                const int got = socket.receiveBytes(buffer, sizeof buffer);
                seen.assign(buffer, static_cast<std::size_t>(got));
                RawServer::answer(socket, kOk);
            });
            const Endpoint endpoint(settingsFor(server.url()));
            Connection connection(endpoint, _cancellation);
            assertOutcome(Outcome::Answered, connection.ask(c.request));
            CPPUNIT_ASSERT_EQUAL(c.head, seen.substr(0, c.head.size()));
        }
    }

    void answerComesBackWhole()
    {
        const std::string answers[] = {
            "HTTP/1.1 403 No  Entry\r\nCache-Control: max-age=5\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 403 No  Entry\r\nCache-Control: max-age=5\r\n"
            "Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        };
        for (const std::string& text : answers)
        {
            RawServer server([&text](Poco::Net::StreamSocket& socket, unsigned) {
                for (int i = 0; i < 2; ++i)
                {
                    RawServer::readRequest(socket);
                    RawServer::answer(socket, text);
                }
            });
            const Endpoint endpoint(settingsFor(server.url()));
            Connection connection(endpoint, _cancellation);
            for (int i = 0; i < 2; ++i)
            {
                const Answer answer = post(connection, "x", Request::Body::Wanted);
                assertOutcome(Outcome::Answered, answer);
                CPPUNIT_ASSERT_EQUAL(403, answer.status);
                CPPUNIT_ASSERT_EQUAL(std::string("ok"), answer.body);
                CPPUNIT_ASSERT(!answer.bodyCut);
                CPPUNIT_ASSERT_EQUAL(std::string_view("max-age=5"),
                                     find(answer.headers, "cache-control"));
                CPPUNIT_ASSERT_EQUAL(std::string_view(), find(answer.headers, "cache"));
            }
            CPPUNIT_ASSERT_EQUAL(1u, server.connections());
        }
    }

    void bodyIsReadToTheEndOfTheConnection()
    {
        RawServer server([](Poco::Net::StreamSocket& socket, unsigned) {
            RawServer::readRequest(socket);
            RawServer::answer(socket, "HTTP/1.0 200 OK\r\n\r\n{\"result\":");
            RawServer::answer(socket, "\"allow\"}");
        });
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        const Answer answer = post(connection, "x", Request::Body::Wanted);
        assertOutcome(Outcome::Answered, answer);
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"result":"allow"})"), answer.body);
        CPPUNIT_ASSERT(!answer.bodyCut);
        CPPUNIT_ASSERT(!connection.isOpen());
    }

    void bodyThatEndsEarlyOrNeverIsNoAnswer()
    {
        RawServer* self = nullptr;
        RawServer server([&self](Poco::Net::StreamSocket& socket, unsigned number) {
            RawServer::readRequest(socket);
            RawServer::answer(socket, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome");
            if (number > 0) self->hang(socket);
        });
        self = &server;
        const Endpoint endpoint(impatient(server.url()));
        Connection connection(endpoint, _cancellation);
        const Answer early = post(connection, "x", Request::Body::Wanted);
        CPPUNIT_ASSERT(early.bodyCut);
        CPPUNIT_ASSERT_EQUAL(std::string("some"), early.body);
        assertOutcome(Outcome::TimedOut, post(connection, "x", Request::Body::Wanted));
    }

    void deadlineOfTheRequestIsKeptToo()
    {
        RawServer* self = nullptr;
        RawServer server(
            [&self](Poco::Net::StreamSocket& socket, unsigned) { self->hang(socket); });
        self = &server;
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        Request request;
        request.deadline = std::chrono::steady_clock::now() + 50ms;
        const Answer answer = connection.ask(request);
        assertOutcome(Outcome::TimedOut, answer);
        CPPUNIT_ASSERT_EQUAL(std::string("did not answer before the deadline"), answer.text);
    }

    void oneConnectionServesManyRequests()
    {
        TestEndpoint server([](const std::string& body, unsigned) { return std::stoi(body); });
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        for (const char* body : {"200", "200", "500", "200", "404", "200"}) post(connection, body);
        CPPUNIT_ASSERT_EQUAL(std::size_t{6}, server.requests());
        CPPUNIT_ASSERT_EQUAL(1, server.connections());
    }

    void connectionClosedWhileIdleIsNoFailure()
    {
        std::atomic<unsigned> closed{0};
        RawServer server([&closed](Poco::Net::StreamSocket& socket, unsigned) {
            RawServer::readRequest(socket);
            RawServer::answer(socket, kOk);
            socket.close();
            ++closed;
        });
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        for (unsigned i = 1; i <= 3; ++i)
        {
            assertOutcome(Outcome::Answered, post(connection, "x"));
            CPPUNIT_ASSERT(eventually([&] { return closed == i; }));
        }
        CPPUNIT_ASSERT_EQUAL(3u, server.connections());
    }

    void connectionClosedOnReuseIsTriedOnceMoreAtOnce()
    {
        std::atomic<unsigned> requests{0};
        RawServer server([&requests](Poco::Net::StreamSocket& socket, unsigned number) {
            RawServer::readRequest(socket);
            ++requests;
            RawServer::answer(socket, kOk);
            if (number > 0) return;
            RawServer::readRequest(socket); // takes the second one and closes without a word
            ++requests;
        });
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        assertOutcome(Outcome::Answered, post(connection, "1"));
        assertOutcome(Outcome::Answered, post(connection, "2"));
        CPPUNIT_ASSERT_EQUAL(3u, requests.load());
        CPPUNIT_ASSERT_EQUAL(2u, server.connections());
    }

    void closedWithoutAnswerOnFreshConnectionIsAFailure()
    {
        RawServer server(
            [](Poco::Net::StreamSocket& socket, unsigned) { RawServer::readRequest(socket); });
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        const Answer answer = post(connection, "x");
        assertOutcome(Outcome::Failed, answer);
        CPPUNIT_ASSERT_EQUAL(std::string("closed the connection without an answer"), answer.text);
        CPPUNIT_ASSERT_EQUAL(1u, server.connections());
    }

    void resetAndRefusedConnectionsAreFailures()
    {
        RawServer server([](Poco::Net::StreamSocket& socket, unsigned) {
            RawServer::readRequest(socket);
            RawServer::reset(socket);
        });
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        const Answer answer = post(connection, "x");
        assertOutcome(Outcome::Failed, answer);
        CPPUNIT_ASSERT(answer.text.starts_with("failed: Connection reset"));

        const Endpoint nobody(settingsFor(unusedUrl()));
        Connection other(nobody, _cancellation);
        const Answer refused = post(other, "x");
        assertOutcome(Outcome::Failed, refused);
        CPPUNIT_ASSERT(refused.text.starts_with("failed: Connection refused"));
    }

    void connectionThatIsNotAcceptedTimesOut()
    {
        // Nobody accepts, and the backlog is full: further connection requests stay unanswered.
        Poco::Net::ServerSocket busy(Poco::Net::SocketAddress("127.0.0.1", 0), 1);
        std::vector<Poco::Net::StreamSocket> waiting(8);
        for (auto& socket : waiting) socket.connectNB(busy.address());
        Endpoint::Settings settings = settingsFor("http://" + busy.address().toString());
        settings.connectTimeout = 50ms;
        const Endpoint endpoint(settings);
        Connection connection(endpoint, _cancellation);
        const Answer answer = post(connection, "x");
        assertOutcome(Outcome::TimedOut, answer);
        CPPUNIT_ASSERT_EQUAL(std::string("accepted no connection within 0.05 s"), answer.text);

        settings.connectTimeout = 1h;
        const Endpoint patient(settings);
        Connection waiter(patient, _cancellation);
        std::thread other([this] { _cancellation.cancel(); });
        assertOutcome(Outcome::Cancelled, post(waiter, "x"));
        other.join();
    }

    void serverThatNeverAnswersTimesOut()
    {
        RawServer* self = nullptr;
        RawServer server(
            [&self](Poco::Net::StreamSocket& socket, unsigned) { self->hang(socket); });
        self = &server;
        const Endpoint endpoint(impatient(server.url()));
        Connection connection(endpoint, _cancellation);
        const Answer answer = post(connection, "x");
        assertOutcome(Outcome::TimedOut, answer);
        CPPUNIT_ASSERT_EQUAL(std::string("timed out after 0.05 s"), answer.text);
    }

    void serverThatDripsTimesOutAsAWhole()
    {
        RawServer* self = nullptr;
        std::atomic<unsigned> drops{0};
        RawServer server([&](Poco::Net::StreamSocket& socket, unsigned) {
            RawServer::answer(socket, "HTTP/1.1 200 OK\r\nX: ");
            while (!self->stopping()) // each byte comes long before a receive would time out
            {
                RawServer::answer(socket, "x");
                ++drops;
                socket.poll(Poco::Timespan(0, 2'000), Poco::Net::Socket::SELECT_ERROR);
            }
        });
        self = &server;
        const Endpoint endpoint(impatient(server.url()));
        Connection connection(endpoint, _cancellation);
        assertOutcome(Outcome::TimedOut, post(connection, "x"));
        CPPUNIT_ASSERT(drops > 1u);
    }

    void serverThatNeverReadsTimesOut()
    {
        RawServer* self = nullptr;
        RawServer server([&self](Poco::Net::StreamSocket& socket, unsigned) {
            while (!self->stopping())
                socket.poll(Poco::Timespan(0, 2'000), Poco::Net::Socket::SELECT_ERROR);
        });
        self = &server;
        const Endpoint endpoint(impatient(server.url()));
        Connection connection(endpoint, _cancellation);
        const Answer answer = post(connection, std::string(16 << 20, 'x'));
        assertOutcome(Outcome::TimedOut, answer);
        CPPUNIT_ASSERT_EQUAL(std::string("timed out after 0.05 s"), answer.text);
    }

    void endlessContinueTimesOut()
    {
        RawServer* self = nullptr;
        RawServer server([&self](Poco::Net::StreamSocket& socket, unsigned) {
            RawServer::readRequest(socket);
            while (!self->stopping()) RawServer::answer(socket, "HTTP/1.1 100 Continue\r\n\r\n");
        });
        self = &server;
        const Endpoint endpoint(impatient(server.url()));
        Connection connection(endpoint, _cancellation);
        assertOutcome(Outcome::TimedOut, post(connection, "x"));
    }

    void garbageIsAFailure()
    {
        for (const char* text : {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1\r\n\r\n", "\r\n\r\n",
                                 "HTTP/1.1 abc OK\r\n\r\n"})
        {
            RawServer server([text](Poco::Net::StreamSocket& socket, unsigned) {
                RawServer::readRequest(socket);
                RawServer::answer(socket, text);
            });
            const Endpoint endpoint(settingsFor(server.url()));
            Connection connection(endpoint, _cancellation);
            const Answer answer = post(connection, "x");
            CPPUNIT_ASSERT_MESSAGE(text, answer.outcome == Outcome::Failed);
        }
    }

    void answerWithoutLengthIsNotWaitedFor()
    {
        RawServer* self = nullptr;
        RawServer server([&self](Poco::Net::StreamSocket& socket, unsigned) {
            RawServer::readRequest(socket);
            RawServer::answer(socket, "HTTP/1.1 200 OK\r\n\r\nsome");
            self->hang(socket);
        });
        self = &server;
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        assertOutcome(Outcome::Answered, post(connection, "1"));
        assertOutcome(Outcome::Answered, post(connection, "2"));
        CPPUNIT_ASSERT_EQUAL(2u, server.connections());
    }

    void hugeAnswerIsNotReadToItsEnd()
    {
        RawServer* self = nullptr;
        RawServer server([&self](Poco::Net::StreamSocket& socket, unsigned) {
            RawServer::readRequest(socket);
            RawServer::answer(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
            RawServer::answer(socket, std::string(200'000, 'x'));
            self->hang(socket);
        });
        self = &server;
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        assertOutcome(Outcome::Answered, post(connection, "1"));
        assertOutcome(Outcome::Answered, post(connection, "2"));
        CPPUNIT_ASSERT_EQUAL(2u, server.connections());
    }

    void cancellationEndsAnAttemptThatHangs()
    {
        RawServer* self = nullptr;
        RawServer server(
            [&self](Poco::Net::StreamSocket& socket, unsigned) { self->hang(socket); });
        self = &server;
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        std::thread other([&] {
            eventually([&] { return server.connections() == 1; });
            _cancellation.cancel();
        });
        const Answer answer = post(connection, "x");
        other.join();
        assertOutcome(Outcome::Cancelled, answer);
        assertOutcome(Outcome::Cancelled, post(connection, "x"));
    }

    void largeBodyArrivesWhole()
    {
        TestEndpoint server;
        const Endpoint endpoint(settingsFor(server.url()));
        Connection connection(endpoint, _cancellation);
        std::string body(3 << 20, 'x');
        for (std::size_t i = 0; i < body.size(); i += 997)
            body[i] = static_cast<char>('a' + i % 26);
        assertOutcome(Outcome::Answered, post(connection, body));
        CPPUNIT_ASSERT(server.taken().at(0) == body);
    }

    void backoffDoublesUpToItsLimitAndJitters()
    {
        const struct
        {
            std::uint32_t failures;
            double random;
            std::chrono::milliseconds expected;
        } cases[] = {
            {1, 1.0, 100ms},
            {1, 0.0, 50ms},
            {2, 1.0, 200ms},
            {3, 1.0, 400ms},
            {4, 1.0, 700ms},
            {4, 0.5, 525ms},
            {4'000'000'000u, 0.0, 350ms},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::to_string(c.failures), c.expected.count(),
                                         backoff(100ms, 700ms, c.failures, c.random).count());
    }

private:
    static Answer post(Connection& connection, const std::string& content,
                       Request::Body body = Request::Body::Ignored)
    {
        Request request;
        request.content = content;
        request.body = body;
        return connection.ask(request);
    }
    static void assertOutcome(Outcome expected, const Answer& answer)
    {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.text, static_cast<int>(expected),
                                     static_cast<int>(answer.outcome));
    }
    /// Nobody listens there: bound, never listening.
    std::string unusedUrl()
    {
        _bound.bind(Poco::Net::SocketAddress("127.0.0.1", 0));
        return "http://" + _bound.address().toString();
    }

    struct Bound : Poco::Net::StreamSocket
    {
        void bind(const Poco::Net::SocketAddress& address) { impl()->bind(address); }
    } _bound;
    Cancellation _cancellation;
    const Headers _headers{{"X-Key", "a b"}};
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConnectionTest);

} // namespace
