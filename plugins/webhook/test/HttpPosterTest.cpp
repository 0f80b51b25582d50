#include "HttpPoster.h"
#include "Journal.h"
#include "Settings.h"
#include "nanomq/testing.h"
#include "support/TestEndpoint.h"

#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace std::chrono_literals;
using namespace webhook;
using nanomq::sdk::testing::eventually;
using nanomq::sdk::testing::FakeConfig;

EndpointSettings settingsFor(const std::string& url, const std::string& more = "")
{
    FakeConfig config("web.hook.url=" + url + "\nweb.hook.timeout=10s\n" + more);
    auto outcome = Settings::read(config);
    CPPUNIT_ASSERT(outcome.errors.empty());
    return outcome.settings.endpoints.at(0);
}

EndpointSettings impatient(const std::string& url)
{
    EndpointSettings settings = settingsFor(url);
    settings.timeout = 50ms;
    return settings;
}

Wire wire(const EndpointSettings& settings, std::string body)
{
    Event event;
    event.body = std::move(body);
    return wireOf(settings, {event}, 0);
}

class HttpPosterTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(HttpPosterTest);
    CPPUNIT_TEST(postsBodyAndHeadersToTheTarget);
    CPPUNIT_TEST(statusDecidesWhatBecomesOfTheEvent);
    CPPUNIT_TEST(closedWithoutAnswerOnFreshConnectionIsAFailure);
    CPPUNIT_TEST(serverThatNeverAnswersTimesOut);
    CPPUNIT_TEST(cancellationEndsAnAttemptThatHangs);
    CPPUNIT_TEST(repetitionTellsFirstAndThenOncePerInterval);
    CPPUNIT_TEST_SUITE_END();

public:
    void postsBodyAndHeadersToTheTarget()
    {
        TestEndpoint endpoint;
        const EndpointSettings settings =
            settingsFor(endpoint.url() + "?key=1", "web.hook.headers.Authorization = Bearer x\n"
                                                   "web.hook.headers.content-type = text/plain\n");
        const http::Endpoint target(settings.httpSettings());
        HttpPoster poster(target, _cancellation);
        assertKind(Answer::Kind::Delivered, poster.post(wire(settings, R"({"a":1})")));
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
        const EndpointSettings settings = settingsFor(endpoint.url());
        const http::Endpoint target(settings.httpSettings());
        HttpPoster poster(target, _cancellation);
        for (const auto& c : cases)
        {
            const Answer answer = poster.post(wire(settings, std::to_string(c.status)));
            assertKind(c.kind, answer);
            CPPUNIT_ASSERT_EQUAL("answered " + std::to_string(c.status) + " Because", answer.text);
        }
    }

    void closedWithoutAnswerOnFreshConnectionIsAFailure()
    {
        RawServer server(
            [](Poco::Net::StreamSocket& socket, unsigned) { RawServer::readRequest(socket); });
        const EndpointSettings settings = settingsFor(server.url());
        const http::Endpoint target(settings.httpSettings());
        HttpPoster poster(target, _cancellation);
        const Answer answer = poster.post(wire(settings, "x"));
        assertKind(Answer::Kind::TryAgain, answer);
        CPPUNIT_ASSERT_EQUAL(std::string("closed the connection without an answer"), answer.text);
        CPPUNIT_ASSERT_EQUAL(1u, server.connections());
    }

    void serverThatNeverAnswersTimesOut()
    {
        RawServer* self = nullptr;
        RawServer server(
            [&self](Poco::Net::StreamSocket& socket, unsigned) { self->hang(socket); });
        self = &server;
        const EndpointSettings settings = impatient(server.url());
        const http::Endpoint target(settings.httpSettings());
        HttpPoster poster(target, _cancellation);
        const Answer answer = poster.post(wire(settings, "x"));
        assertKind(Answer::Kind::TryAgain, answer);
        CPPUNIT_ASSERT_EQUAL(std::string("timed out after 0.05 s"), answer.text);
    }

    void cancellationEndsAnAttemptThatHangs()
    {
        RawServer* self = nullptr;
        RawServer server(
            [&self](Poco::Net::StreamSocket& socket, unsigned) { self->hang(socket); });
        self = &server;
        const EndpointSettings settings = settingsFor(server.url());
        const http::Endpoint target(settings.httpSettings());
        HttpPoster poster(target, _cancellation);
        std::thread other([&] {
            eventually([&] { return server.connections() == 1; });
            _cancellation.cancel();
        });
        const Answer answer = poster.post(wire(settings, "x"));
        other.join();
        assertKind(Answer::Kind::Cancelled, answer);
        assertKind(Answer::Kind::Cancelled, poster.post(wire(settings, "x")));
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
    http::Cancellation _cancellation;
};

CPPUNIT_TEST_SUITE_REGISTRATION(HttpPosterTest);

} // namespace
