#include "nanomq/testing.h"
#include "support/BrokerProcess.h"
#include "support/ScriptedClient.h"
#include "support/TestEndpoint.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <atomic>
#include <cppunit/extensions/HelperMacros.h>
#include <fstream>
#include <iterator>

namespace nanomq::test
{

namespace
{

using namespace std::chrono_literals;
using Poco::JSON::Object;
using sdk::testing::eventually;

std::string payloadOf(const std::string& body)
{
    return Poco::JSON::Parser().parse(body).extract<Object::Ptr>()->getValue<std::string>("payload");
}

} // namespace

/// The plugin in the broker's own process, which is killed and reloaded.
class BrokerTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(BrokerTest);
    CPPUNIT_TEST(killedBrokerDeliversWhatWasOnDiskAfterItsNextStart);
    CPPUNIT_TEST(stoppedBrokerKeepsItsQueueOnDisk);
    CPPUNIT_TEST(reloadWithEventsInTheQueueLosesNone);
    CPPUNIT_TEST(nanomqctlTestsTheEndpoint);
    CPPUNIT_TEST(serverOfTheReadmeTakesEvents);
    CPPUNIT_TEST_SUITE_END();

    std::atomic<int> _answer{503};
    TestEndpoint _endpoint{[this](const std::string&, unsigned) { return _answer.load(); }};

public:
    void killedBrokerDeliversWhatWasOnDiskAfterItsNextStart()
    {
        BrokerProcess broker(options("web.hook.queue.max_events = 1\n"));
        publish(broker, 0, 100);
        CPPUNIT_ASSERT(eventually([&] { return number(broker, "spooled") == 99; }, 60s));
        broker.kill();
        _answer = 200;
        broker.start();
        // The one that was in memory only is gone; it is the first.
        CPPUNIT_ASSERT(eventually([&] { return _endpoint.taken().size() == 99; }, 60s));
        assertRising(1, 100);
        CPPUNIT_ASSERT(eventually([&] { return number(broker, "delivered") == 99; }, 60s));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{99}, number(broker, "accepted"));
        broker.stop();
    }

    void stoppedBrokerKeepsItsQueueOnDisk()
    {
        BrokerProcess broker(options("web.hook.queue.max_events = 50\n"));
        publish(broker, 0, 100);
        CPPUNIT_ASSERT(eventually([&] { return number(broker, "accepted") == 100; }, 60s));
        broker.stop();
        _answer = 200;
        broker.start();
        CPPUNIT_ASSERT(eventually([&] { return _endpoint.taken().size() == 100; }, 60s));
        assertRising(0, 100);
        broker.stop();
    }

    void reloadWithEventsInTheQueueLosesNone()
    {
        BrokerProcess broker(options("web.hook.queue.max_events = 40\n"));
        publish(broker, 0, 100);
        CPPUNIT_ASSERT(eventually([&] { return number(broker, "accepted") == 100; }, 60s));
        const auto reloaded = broker.ctl({"plugin", "reload", "webhook"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(reloaded.errors, 0, reloaded.status);
        publish(broker, 100, 150);
        _answer = 200;
        const auto again = broker.ctl({"plugin", "reload", "webhook"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(again.errors, 0, again.status);
        CPPUNIT_ASSERT(eventually([&] { return _endpoint.taken().size() == 150; }, 60s));
        assertRising(0, 150);
        CPPUNIT_ASSERT(eventually([&] { return number(broker, "delivered") == 150; }, 60s));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{150}, number(broker, "accepted"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, number(broker, "dropped"));
        broker.stop();
    }

    void nanomqctlTestsTheEndpoint()
    {
        _answer = 200;
        BrokerProcess broker(options(""));
        const auto tested = broker.ctl({"webhook", "test"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(tested.errors, 0, tested.status);
        CPPUNIT_ASSERT(tested.output.find("delivered") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _endpoint.taken().size());
        broker.stop();
    }

    void serverOfTheReadmeTakesEvents()
    {
        std::ifstream file(WEBHOOK_README);
        std::string text{std::istreambuf_iterator<char>(file), {}};
        text.erase(0, text.find("```python\n") + 10);
        text.erase(text.find("```"));
        // As it stands there, but on a free port.
        const std::string last = "ThreadingHTTPServer((\"127.0.0.1\", 8080), Hook).serve_forever()\n";
        CPPUNIT_ASSERT(text.ends_with(last));
        text.replace(text.size() - last.size(), last.size(),
                     "server = ThreadingHTTPServer(('127.0.0.1', 0), Hook)\n"
                     "print(server.server_port, flush=True)\nserver.serve_forever()\n");
        Command server("python3", {"-c", text});
        const auto port = server.readLine();
        CPPUNIT_ASSERT(port.has_value());
        BrokerProcess broker(options("", "http://127.0.0.1:" + *port + "/hook"));
        publish(broker, 0, 2);
        for (const char* payload : {"0", "1"})
            CPPUNIT_ASSERT_EQUAL(std::string(payload), payloadOf(server.readLine().value()));
        broker.stop();
    }

private:
    BrokerOptions options(const std::string& more) const { return options(more, _endpoint.url()); }
    static BrokerOptions options(const std::string& more, const std::string& url)
    {
        BrokerOptions options;
        options.pluginFolder = NANOMQ_PLUGINS;
        options.conf["webhook.conf"] = "web.hook.enable = true\n"
                                       "web.hook.url = " +
                                       url +
                                       "\nweb.hook.pool_size = 4\n"
                                       "web.hook.retry.min_delay = 20ms\n"
                                       "web.hook.retry.max_delay = 50ms\n"
                                       "web.hook.rule.message.publish.1 = {}\n" +
                                       more;
        return options;
    }
    static void publish(BrokerProcess& broker, int from, int to)
    {
        ScriptedClient client(broker.port(), ProtocolVersion::v3_1_1);
        client.connect({.clientId = "publisher"});
        for (int i = from; i < to; ++i)
        {
            const auto identifier = static_cast<PacketIdentifier>(i + 1);
            client.sendPublish("t", std::to_string(i), {.qos = QoS::AtLeastOnce}, identifier);
            client.expectPuback(identifier);
        }
    }
    /// A figure of the default endpoint.
    static std::uint64_t number(BrokerProcess& broker, const std::string& key)
    {
        const auto answer = broker.ctl({"webhook", "status", "--json"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.errors, 0, answer.status);
        const auto status = Poco::JSON::Parser().parse(answer.output).extract<Object::Ptr>();
        const auto endpoint = status->getArray("endpoints")->getObject(0);
        const auto figure = [&](const char* name) { return endpoint->getValue<std::uint64_t>(name); };
        CPPUNIT_ASSERT_EQUAL(figure("accepted"), figure("delivered") + figure("in_flight") +
                                                     figure("queued") + figure("spooled") +
                                                     figure("dead") + figure("dropped"));
        return endpoint->getValue<std::uint64_t>(key);
    }
    void assertRising(int from, int to) const
    {
        for (const std::string& body : _endpoint.taken())
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, from++, std::stoi(payloadOf(body)));
        CPPUNIT_ASSERT_EQUAL(to, from);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BrokerTest);

} // namespace nanomq::test
