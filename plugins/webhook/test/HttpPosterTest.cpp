#include "HttpPoster.h"
#include "Backoff.h"
#include "Journal.h"
#include "TestEndpoint.h"
#include "nanomq/testing.h"

#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace std::chrono_literals;
using namespace webhook;
using nanomq::sdk::testing::eventually;
using nanomq::sdk::testing::FakeConfig;

Settings settingsFor(const std::string& url, const std::string& more = "")
{
    FakeConfig config("web.hook.url=" + url + "\nweb.hook.timeout=10s\n" + more);
    auto outcome = Settings::read(config);
    CPPUNIT_ASSERT(outcome.errors.empty());
    return outcome.settings;
}

Settings impatient(const std::string& url)
{
    Settings settings = settingsFor(url);
    settings.timeout = 50ms;
    return settings;
}

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class HttpPosterTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(HttpPosterTest);
    CPPUNIT_TEST(postsBodyAndHeadersToTheTarget);
    CPPUNIT_TEST(statusDecidesWhatBecomesOfTheEvent);
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
    CPPUNIT_TEST(repetitionTellsFirstAndThenOncePerInterval);
    CPPUNIT_TEST_SUITE_END();

public:
    void postsBodyAndHeadersToTheTarget()
    {
        TestEndpoint endpoint;
        const Settings settings =
            settingsFor(endpoint.url() + "?key=1", "web.hook.headers.Authorization = Bearer x\n"
                                                   "web.hook.headers.content-type = text/plain\n");
        HttpPoster poster(settings, _cancellation);
        assertKind(Answer::Kind::Delivered, poster.post(R"({"a":1})"));
        CPPUNIT_ASSERT(endpoint.taken() == std::vector<std::string>{R"({"a":1})"});
        CPPUNIT_ASSERT_EQUAL(std::string("Bearer x"), endpoint.lastHeader("Authorization"));
        CPPUNIT_ASSERT_EQUAL(std::string("text/plain"), endpoint.lastHeader("Content-Type"));
    }

    void statusDecidesWhatBecomesOfTheEvent()
    {
        using Kind = Answer::Kind;
        const struct
        {
            int status;
            Kind kind;
        } cases[] = {
            {200, Kind::Delivered}, {201, Kind::Delivered}, {204, Kind::Delivered},
            {299, Kind::Delivered}, {301, Kind::Refused},   {400, Kind::Refused},
            {401, Kind::Refused},   {404, Kind::Refused},   {408, Kind::TryAgain},
            {410, Kind::Refused},   {429, Kind::TryAgain},  {500, Kind::TryAgain},
            {503, Kind::TryAgain},  {599, Kind::TryAgain},
        };
        TestEndpoint endpoint([](const std::string& body, unsigned) { return std::stoi(body); });
        const Settings settings = settingsFor(endpoint.url());
        HttpPoster poster(settings, _cancellation);
        for (const auto& c : cases)
        {
            const Answer answer = poster.post(std::to_string(c.status));
            assertKind(c.kind, answer);
            CPPUNIT_ASSERT_EQUAL("answered " + std::to_string(c.status) + " Because", answer.text);
        }
    }

    void oneConnectionServesManyRequests()
    {
        TestEndpoint endpoint([](const std::string& body, unsigned) { return std::stoi(body); });
        const Settings settings = settingsFor(endpoint.url());
        HttpPoster poster(settings, _cancellation);
        for (const char* body : {"200", "200", "500", "200", "404", "200"}) poster.post(body);
        CPPUNIT_ASSERT_EQUAL(std::size_t{6}, endpoint.requests());
        CPPUNIT_ASSERT_EQUAL(1, endpoint.connections());
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
        const Settings settings = settingsFor(server.url());
        HttpPoster poster(settings, _cancellation);
        for (unsigned i = 1; i <= 3; ++i)
        {
            assertKind(Answer::Kind::Delivered, poster.post("x"));
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
        const Settings settings = settingsFor(server.url());
        HttpPoster poster(settings, _cancellation);
        assertKind(Answer::Kind::Delivered, poster.post("1"));
        assertKind(Answer::Kind::Delivered, poster.post("2"));
        CPPUNIT_ASSERT_EQUAL(3u, requests.load());
        CPPUNIT_ASSERT_EQUAL(2u, server.connections());
    }

    void closedWithoutAnswerOnFreshConnectionIsAFailure()
    {
        RawServer server(
            [](Poco::Net::StreamSocket& socket, unsigned) { RawServer::readRequest(socket); });
        const Settings settings = settingsFor(server.url());
        HttpPoster poster(settings, _cancellation);
        const Answer answer = poster.post("x");
        assertKind(Answer::Kind::TryAgain, answer);
        CPPUNIT_ASSERT_EQUAL(std::string("closed the connection without an answer"), answer.text);
        CPPUNIT_ASSERT_EQUAL(1u, server.connections());
    }

    void resetAndRefusedConnectionsAreFailures()
    {
        RawServer server([](Poco::Net::StreamSocket& socket, unsigned) {
            RawServer::readRequest(socket);
            RawServer::reset(socket);
        });
        const Settings settings = settingsFor(server.url());
        HttpPoster poster(settings, _cancellation);
        const Answer answer = poster.post("x");
        assertKind(Answer::Kind::TryAgain, answer);
        CPPUNIT_ASSERT(answer.text.starts_with("failed: Connection reset"));

        const Settings nobody = settingsFor(unusedUrl());
        HttpPoster other(nobody, _cancellation);
        const Answer refused = other.post("x");
        assertKind(Answer::Kind::TryAgain, refused);
        CPPUNIT_ASSERT(refused.text.starts_with("failed: Connection refused"));
    }

    void connectionThatIsNotAcceptedTimesOut()
    {
        // Nobody accepts, and the backlog is full: further connection requests stay unanswered.
        Poco::Net::ServerSocket busy(Poco::Net::SocketAddress("127.0.0.1", 0), 1);
        std::vector<Poco::Net::StreamSocket> waiting(8);
        for (auto& socket : waiting) socket.connectNB(busy.address());
        Settings settings = settingsFor("http://" + busy.address().toString());
        settings.connectTimeout = 50ms;
        HttpPoster poster(settings, _cancellation);
        const Answer answer = poster.post("x");
        assertKind(Answer::Kind::TryAgain, answer);
        CPPUNIT_ASSERT_EQUAL(std::string("accepted no connection within 0.05 s"), answer.text);

        settings.connectTimeout = 1h;
        std::thread other([this] { _cancellation.cancel(); });
        assertKind(Answer::Kind::Cancelled, poster.post("x"));
        other.join();
    }

    void serverThatNeverAnswersTimesOut()
    {
        RawServer* self = nullptr;
        RawServer server(
            [&self](Poco::Net::StreamSocket& socket, unsigned) { self->hang(socket); });
        self = &server;
        const Settings settings = impatient(server.url());
        HttpPoster poster(settings, _cancellation);
        const Answer answer = poster.post("x");
        assertKind(Answer::Kind::TryAgain, answer);
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
        const Settings settings = impatient(server.url());
        HttpPoster poster(settings, _cancellation);
        assertKind(Answer::Kind::TryAgain, poster.post("x"));
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
        const Settings settings = impatient(server.url());
        HttpPoster poster(settings, _cancellation);
        const Answer answer = poster.post(std::string(16 << 20, 'x'));
        assertKind(Answer::Kind::TryAgain, answer);
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
        const Settings settings = impatient(server.url());
        HttpPoster poster(settings, _cancellation);
        assertKind(Answer::Kind::TryAgain, poster.post("x"));
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
            const Settings settings = settingsFor(server.url());
            HttpPoster poster(settings, _cancellation);
            const Answer answer = poster.post("x");
            CPPUNIT_ASSERT_MESSAGE(text, answer.kind != Answer::Kind::Delivered);
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
        const Settings settings = settingsFor(server.url());
        HttpPoster poster(settings, _cancellation);
        assertKind(Answer::Kind::Delivered, poster.post("1"));
        assertKind(Answer::Kind::Delivered, poster.post("2"));
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
        const Settings settings = settingsFor(server.url());
        HttpPoster poster(settings, _cancellation);
        assertKind(Answer::Kind::Delivered, poster.post("1"));
        assertKind(Answer::Kind::Delivered, poster.post("2"));
        CPPUNIT_ASSERT_EQUAL(2u, server.connections());
    }

    void cancellationEndsAnAttemptThatHangs()
    {
        RawServer* self = nullptr;
        RawServer server(
            [&self](Poco::Net::StreamSocket& socket, unsigned) { self->hang(socket); });
        self = &server;
        const Settings settings = settingsFor(server.url());
        HttpPoster poster(settings, _cancellation);
        std::thread other([&] {
            eventually([&] { return server.connections() == 1; });
            _cancellation.cancel();
        });
        const Answer answer = poster.post("x");
        other.join();
        assertKind(Answer::Kind::Cancelled, answer);
        assertKind(Answer::Kind::Cancelled, poster.post("x"));
    }

    void largeBodyArrivesWhole()
    {
        TestEndpoint endpoint;
        const Settings settings = settingsFor(endpoint.url());
        HttpPoster poster(settings, _cancellation);
        std::string body(3 << 20, 'x');
        for (std::size_t i = 0; i < body.size(); i += 997)
            body[i] = static_cast<char>('a' + i % 26);
        assertKind(Answer::Kind::Delivered, poster.post(body));
        CPPUNIT_ASSERT(endpoint.taken().at(0) == body);
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

    void repetitionTellsFirstAndThenOncePerInterval()
    {
        Repetition repetition(10s);
        const Repetition::Time start{};
        CPPUNIT_ASSERT(repetition.admit(start) == std::optional<std::uint64_t>(0));
        CPPUNIT_ASSERT(!repetition.admit(start + 1s));
        CPPUNIT_ASSERT(!repetition.admit(start + 9'999ms));
        CPPUNIT_ASSERT(repetition.admit(start + 10s) == std::optional<std::uint64_t>(2));
        CPPUNIT_ASSERT(!repetition.admit(start + 19s));
        CPPUNIT_ASSERT(repetition.admit(start + 25s) == std::optional<std::uint64_t>(1));
        CPPUNIT_ASSERT(repetition.admit(start + 50s) == std::optional<std::uint64_t>(0));
    }

private:
    static void assertKind(Answer::Kind expected, const Answer& answer)
    {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.text, static_cast<int>(expected),
                                     static_cast<int>(answer.kind));
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
};

CPPUNIT_TEST_SUITE_REGISTRATION(HttpPosterTest);

} // namespace
