#include "DeliveryFixture.h"
#include "Wire.h"
#include "support/Command.h"
#include "support/TestEndpoint.h"

#include <Poco/InflatingStream.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Parser.h>
#include <Poco/StreamCopier.h>

#include <map>
#include <sstream>

namespace
{

Event numbered(std::uint64_t number, std::string body)
{
    Event event;
    event.id = {0xAB, number};
    event.body = std::move(body);
    return event;
}

std::string inflated(const std::string& content)
{
    std::istringstream in(content);
    Poco::InflatingInputStream gzip(in, Poco::InflatingStreamBuf::STREAM_GZIP);
    std::string text;
    Poco::StreamCopier::copyToString(gzip, text);
    return text;
}

Poco::JSON::Array::Ptr arrayOf(const std::string& body)
{
    return Poco::JSON::Parser().parse(body).extract<Poco::JSON::Array::Ptr>();
}

constexpr char kBatches[] = "web.hook.pool_size=1\nweb.hook.batch.max_events=10\n"
                            "web.hook.retry.min_delay=1ms\nweb.hook.retry.max_delay=2ms\n";

class WireTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(WireTest);
    CPPUNIT_TEST(oneEventIsItsBodyWithAKeyOfItsOwn);
    CPPUNIT_TEST(severalEventsAreAnArrayWithTheirIds);
    CPPUNIT_TEST(contentIsCompressedWhenItIsWorthIt);
    CPPUNIT_TEST(signatureIsWhatAReceiverComputes);
    CPPUNIT_TEST(headersTellOfTheEventAndNothingBreaksOut);
    CPPUNIT_TEST(batchGoesWhenItIsFullOrOldEnough);
    CPPUNIT_TEST(batchesHaveALimitOfBytesAndOneSetOfHeaders);
    CPPUNIT_TEST(refusedBatchGoesAgainByHalvesUntilTheCulpritIsAlone);
    CPPUNIT_TEST(retryAfterIsHonouredByAllSenders);
    CPPUNIT_TEST(retryAfterIsSecondsOrADate);
    CPPUNIT_TEST_SUITE_END();

public:
    void oneEventIsItsBodyWithAKeyOfItsOwn()
    {
        const EndpointSettings settings;
        const Wire wire = wireOf(settings, {numbered(1, "{\"a\":1}")}, 0);
        CPPUNIT_ASSERT_EQUAL(std::string("{\"a\":1}"), wire.content);
        CPPUNIT_ASSERT_EQUAL(std::string("00000000000000ab0000000000000001"),
                             std::string(http::find(wire.headers, "Idempotency-Key")));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, wire.headers.size());
    }

    void severalEventsAreAnArrayWithTheirIds()
    {
        EndpointSettings settings;
        settings.batch.maxEvents = 10;
        const std::vector<Event> events = {numbered(1, "{\"a\":1}"), numbered(2, "{\"a\":2}")};
        const Wire wire = wireOf(settings, events, 0);
        CPPUNIT_ASSERT_EQUAL(
            std::string("[{\"a\":1,\"event_id\":\"00000000000000ab0000000000000001\"},"
                        "{\"a\":2,\"event_id\":\"00000000000000ab0000000000000002\"}]"),
            wire.content);
        const auto key = [&](const std::vector<Event>& of) {
            const Wire one = wireOf(settings, of, 0);
            return std::string(http::find(one.headers, "Idempotency-Key"));
        };
        CPPUNIT_ASSERT_EQUAL(std::size_t{32}, key(events).size());
        CPPUNIT_ASSERT_EQUAL(key(events), key(events));
        CPPUNIT_ASSERT(key(events) != key({events[0], numbered(3, "{\"a\":2}")}));
        CPPUNIT_ASSERT_EQUAL('[', wireOf(settings, {events[0]}, 0).content.at(0));
    }

    void contentIsCompressedWhenItIsWorthIt()
    {
        EndpointSettings settings;
        settings.gzip = true;
        const std::string large = "{\"a\":\"" + std::string(1'000, 'x') + "\"}";
        const Wire wire = wireOf(settings, {numbered(1, large)}, 0);
        CPPUNIT_ASSERT_EQUAL(std::string("gzip"),
                             std::string(http::find(wire.headers, "Content-Encoding")));
        CPPUNIT_ASSERT(wire.content.size() < 100);
        CPPUNIT_ASSERT_EQUAL(large, inflated(wire.content));
        const Wire small = wireOf(settings, {numbered(1, "{\"a\":1}")}, 0);
        CPPUNIT_ASSERT_EQUAL(std::string("{\"a\":1}"), small.content);
        CPPUNIT_ASSERT(http::find(small.headers, "Content-Encoding").empty());
    }

    void signatureIsWhatAReceiverComputes()
    {
        // python3: hmac.new(b"secret", b'1650609267.{"a":1}', "sha256").hexdigest()
        const auto python = nanomq::test::runCommand(
            "python3", {"-c", "import hmac\n"
                              "print(hmac.new(b'secret', b'1650609267.{\"a\":1}', 'sha256')"
                              ".hexdigest(), end='')"});
        EndpointSettings settings;
        settings.signatureSecret = "secret";
        const Wire wire = wireOf(settings, {numbered(1, "{\"a\":1}")}, 1'650'609'267);
        CPPUNIT_ASSERT_EQUAL("t=1650609267,v1=" + python.output,
                             std::string(http::find(wire.headers, "X-NanoMQ-Signature")));
    }

    void headersTellOfTheEventAndNothingBreaksOut()
    {
        const HeaderTemplate header("X-Who", "${clientid} of ${username} at ${topic}!");
        HeaderFacts facts{"message_publish"};
        facts.clientId = "c\r\nEvil: 1";
        facts.userName = "50%";
        facts.topic = "a/\xC3\xA4";
        std::string out;
        header.render(facts, out);
        CPPUNIT_ASSERT_EQUAL(std::string("X-Who: c%0D%0AEvil: 1 of 50%25 at a/%C3%A4!\r\n"), out);
        http::Headers headers;
        appendRendered(out + "X-B: \r\n", headers);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, headers.size());
        CPPUNIT_ASSERT_EQUAL(std::string("X-Who"), headers[0].first);
        CPPUNIT_ASSERT_EQUAL(std::string("c%0D%0AEvil: 1 of 50%25 at a/%C3%A4!"),
                             headers[0].second);
        facts.userName = {};
        out.clear();
        header.render(facts, out);
        CPPUNIT_ASSERT_EQUAL(std::string(), out); // it has no user name
    }

    void batchGoesWhenItIsFullOrOldEnough()
    {
        TestEndpoint endpoint;
        DeliveryFixture slow(endpoint.url(), std::string(kBatches) +
                                                 "web.hook.batch.max_delay=24h\n");
        slow.start();
        for (int i = 0; i < 25; ++i) slow.submit("c", "{\"n\":" + std::to_string(i) + "}");
        CPPUNIT_ASSERT(slow.eventuallyDelivered(20));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, endpoint.requests());
        slow.stop(10s); // the rest does not wait any longer
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{25}, slow.counts().delivered);
        int next = 0;
        for (const std::string& body : endpoint.taken())
        {
            const auto array = arrayOf(body);
            for (std::size_t i = 0; i < array->size(); ++i)
                CPPUNIT_ASSERT_EQUAL(next++, array->getObject(i)->getValue<int>("n"));
        }

        DeliveryFixture soon(endpoint.url(), std::string(kBatches) +
                                                 "web.hook.batch.max_delay=1ms\n");
        soon.start();
        soon.submit("c", "{\"n\":1}");
        CPPUNIT_ASSERT(soon.eventuallyDelivered(1));
    }

    void batchesHaveALimitOfBytesAndOneSetOfHeaders()
    {
        TestEndpoint endpoint;
        DeliveryFixture delivery(endpoint.url(), std::string(kBatches) +
                                                     "web.hook.batch.max_bytes=1KB\n"
                                                     "web.hook.headers.X-Client = ${clientid}\n");
        for (int i = 0; i < 6; ++i)
            delivery.submit("one", "{\"n\":\"" + std::string(400, 'x') + "\"}");
        delivery.submit("two", "{\"n\":1}");
        delivery.submit("two", "{\"n\":2}");
        delivery.start();
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(8));
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, endpoint.requests());
        CPPUNIT_ASSERT_EQUAL(std::string("two"), endpoint.lastHeader("X-Client"));
    }

    void refusedBatchGoesAgainByHalvesUntilTheCulpritIsAlone()
    {
        TestEndpoint endpoint([](const std::string& body, unsigned) {
            return body.find("bad") == std::string::npos ? 200 : 413;
        });
        DeliveryFixture delivery(endpoint.url(), kBatches);
        for (int i = 0; i < 10; ++i)
            delivery.submit("c", i == 6 ? "{\"n\":\"bad\"}" : "{\"n\":" + std::to_string(i) + "}");
        delivery.start();
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(9));
        CPPUNIT_ASSERT(delivery.eventuallyDropped(DropReason::Refused, 1));
        CPPUNIT_ASSERT(endpoint.requests() <= 10);
    }

    void retryAfterIsHonouredByAllSenders()
    {
        std::atomic<int> asked{0};
        RawServer server([&](Poco::Net::StreamSocket& socket, unsigned number) {
            RawServer::readRequest(socket);
            ++asked;
            RawServer::answer(socket,
                              number == 0 ? "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n"
                                            "Content-Length: 0\r\nConnection: close\r\n\r\n"
                                          : "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        });
        DeliveryFixture delivery(server.url(), "web.hook.pool_size=4\n"
                                               "web.hook.retry.min_delay=1ms\n");
        delivery.start();
        const auto begin = std::chrono::steady_clock::now();
        delivery.submit("first", "{}");
        CPPUNIT_ASSERT(eventually([&] { return delivery.counts().failedAttempts == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, delivery.host().logged("retry 1 in 1.0 s"));
        for (const char* client : {"a", "b", "c"}) delivery.submit(client, "{}");
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(4));
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= 1s);
        CPPUNIT_ASSERT_EQUAL(5, asked.load());
    }

    void retryAfterIsSecondsOrADate()
    {
        CPPUNIT_ASSERT(retryAfter("120") == std::optional(120s));
        CPPUNIT_ASSERT(retryAfter("0") == std::optional(0s));
        CPPUNIT_ASSERT(retryAfter("-5") == std::optional(0s));
        CPPUNIT_ASSERT(retryAfter("86400") == std::optional(3'600s));
        CPPUNIT_ASSERT(retryAfter("Wed, 21 Oct 2015 07:28:00 GMT") == std::optional(0s));
        CPPUNIT_ASSERT(retryAfter("Fri, 21 Oct 2095 07:28:00 GMT") == std::optional(3'600s));
        CPPUNIT_ASSERT(!retryAfter(""));
        CPPUNIT_ASSERT(!retryAfter("soon"));
        CPPUNIT_ASSERT(!retryAfter("12 monkeys"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WireTest);

} // namespace
