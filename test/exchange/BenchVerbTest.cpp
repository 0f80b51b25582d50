#include "support/BrokerProcess.h"
#include "support/Certificates.h"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <cppunit/extensions/HelperMacros.h>

#include <memory>

namespace nanomq::test
{

/// `nanomqctl bench` against the broker, as a user starts it.
class BenchVerbTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(BenchVerbTest);
    CPPUNIT_TEST(accountsForEveryMessageOfAPair);
    CPPUNIT_TEST(accountsForEveryShape);
    CPPUNIT_TEST(keepsARate);
    CPPUNIT_TEST(goesOverTlsAndWebSocket);
    CPPUNIT_TEST(othersGoOnBesideOneThatStopsReading);
    CPPUNIT_TEST(connectsInATempo);
    CPPUNIT_TEST(clientsComeAndGo);
    CPPUNIT_TEST(publishesUpToALimit);
    CPPUNIT_TEST(countsWhatSubscribersGet);
    CPPUNIT_TEST(measuresTheBrokersProcess);
    CPPUNIT_TEST(tellsWhyItFailed);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        const auto server = _certificates.server();
        BrokerOptions options;
        options.urls.push_back("tls+nmq-tcp://127.0.0.1:0");
        options.urls.push_back("nmq-ws://127.0.0.1:0/mqtt");
        options.conf["nanomq.conf"] =
            "tls.certfile = " + server.certificate + "\ntls.keyfile = " + server.key + "\n";
        _broker = std::make_unique<BrokerProcess>(options);
    }
    void tearDown() override { _broker->stop(); }

    void accountsForEveryMessageOfAPair()
    {
        for (const char* qos : {"0", "1", "2"})
        {
            const auto report = bench({"pair", "--pubs", "3", "-q", qos});
            CPPUNIT_ASSERT(number(report, "sent") > 0);
            CPPUNIT_ASSERT_EQUAL(number(report, "sent"), number(report, "received"));
            CPPUNIT_ASSERT_EQUAL(0L, number(report, "lost"));
        }
    }

    void accountsForEveryShape()
    {
        const auto fanOut = bench({"pair", "--shape", "fanout", "--subs", "7", "-q", "1"});
        CPPUNIT_ASSERT_EQUAL(number(fanOut, "sent") * 7, number(fanOut, "received"));
        const auto fanIn = bench({"pair", "--shape", "fanin", "--pubs", "7", "-V", "4"});
        CPPUNIT_ASSERT_EQUAL(number(fanIn, "sent"), number(fanIn, "received"));
        const auto shared =
            bench({"pair", "--shape", "shared", "--pubs", "3", "--subs", "5", "-q", "1"});
        CPPUNIT_ASSERT_EQUAL(number(shared, "sent"), number(shared, "received"));
    }

    void keepsARate()
    {
        const auto report = bench({"pair", "--rate", "500"});
        // A stalled machine sends late what was due, but never more.
        CPPUNIT_ASSERT(number(report, "sent") > 0);
        CPPUNIT_ASSERT(number(report, "sent_per_s") < 1000 * 10);
        CPPUNIT_ASSERT_EQUAL(number(report, "sent"), number(report, "received"));
    }

    void goesOverTlsAndWebSocket()
    {
        const auto tls = bench({"pair", "-S", "--cafile", _certificates.authority(), "-q", "1",
                                "-h", "localhost", "-p", portOf("tls+nmq-tcp")});
        CPPUNIT_ASSERT(number(tls, "received") > 0);
        const auto small = bench({"pair", "--ws", "-q", "1", "-p", portOf("nmq-ws")});
        CPPUNIT_ASSERT(number(small, "received") > 0);
        const auto large = bench({"pair", "--ws", "-s", "100000", "-p", portOf("nmq-ws")});
        CPPUNIT_ASSERT(number(large, "received") > 0);
    }

    void othersGoOnBesideOneThatStopsReading()
    {
        const auto report =
            bench({"pair", "--shape", "fanout", "--subs", "5", "--stalled", "1", "-s", "100000"});
        CPPUNIT_ASSERT_EQUAL(number(report, "sent") * 5, number(report, "received"));
    }

    void connectsInATempo()
    {
        const auto report = bench({"conn", "-c", "20", "-i", "1"});
        CPPUNIT_ASSERT_EQUAL(20L, number(report, "connects"));
        CPPUNIT_ASSERT_EQUAL(20L, number(report, "clients"));
        CPPUNIT_ASSERT_EQUAL(0L, number(report, "failures"));
    }

    void clientsComeAndGo()
    {
        for (const char* how : {"--churn", "--abrupt"})
        {
            const auto report = bench({"conn", "-c", "5", "--churn", how, "--sources", "10"});
            CPPUNIT_ASSERT(number(report, "connects") > 5);
            CPPUNIT_ASSERT_EQUAL(0L, number(report, "failures"));
        }
    }

    void publishesUpToALimit()
    {
        const auto report =
            bench({"pub", "-t", "a/%c", "-c", "3", "-i", "0", "-I", "0", "-L", "100", "-q", "2"});
        CPPUNIT_ASSERT_EQUAL(100L, number(report, "sent"));
        CPPUNIT_ASSERT_EQUAL(100L, number(report, "acknowledged"));
        const auto inTempo =
            bench({"pub", "-t", "a", "-c", "2", "-i", "0", "-I", "1", "-L", "10", "-s", "0"});
        CPPUNIT_ASSERT_EQUAL(10L, number(inTempo, "sent"));
    }

    void countsWhatSubscribersGet()
    {
        bench(
            {"pub", "-t", "kept/%c", "-c", "4", "-i", "0", "-I", "0", "-L", "4", "-q", "1", "-r"});
        const auto report = bench({"sub", "-t", "kept/%c", "-c", "4", "-i", "0", "-q", "1"});
        CPPUNIT_ASSERT_EQUAL(4L, number(report, "clients"));
        CPPUNIT_ASSERT_EQUAL(4L, number(report, "received"));
        CPPUNIT_ASSERT_EQUAL(4L * 256, number(report, "received_bytes"));
    }

    void measuresTheBrokersProcess()
    {
        const std::string pid = std::to_string(_broker->process().pid());
        const auto report = bench({"pair", "--broker-pid", pid})->getObject("broker");
        CPPUNIT_ASSERT(report->getValue<double>("cpu_us_per_op") > 0);
        CPPUNIT_ASSERT(number(report, "rss_bytes") > 0);
    }

    void tellsWhyItFailed()
    {
        const auto has = [](const CommandResult& result, int status, const std::string& words) {
            CPPUNIT_ASSERT_EQUAL(status, result.status);
            CPPUNIT_ASSERT_MESSAGE(result.errors, result.errors.find(words) != std::string::npos);
        };
        has(run({"pair", "-S", "-p", portOf("nmq-tcp")}), 1, "no TLS connection");
        has(run({"pair", "--ws", "-p", portOf("nmq-ws"), "--path", "/wrong"}), 1, "no WebSocket");
        has(run({"pair", "-q", "3"}), 2, "qos");
        has(run({"pair", "-s", "8"}), 2, "size");
        has(run({"pub", "-t", "a/#"}), 2, "Topic Name");
        has(run({"sub"}), 2, "--topic");
        has(run({"fly"}), 2, "conn, pub, sub, pair");
    }

private:
    std::string portOf(const std::string& scheme) const
    {
        for (const std::string& url : _broker->listeners())
            if (url.starts_with(scheme + "://"))
                return std::to_string(std::stoi(url.substr(url.find(':', scheme.size() + 3) + 1)));
        CPPUNIT_FAIL("no listener " + scheme);
    }

    /// A short run, unless the arguments say otherwise.
    CommandResult run(std::vector<std::string> arguments)
    {
        const std::string kind = arguments.front();
        arguments.insert(arguments.begin(), "bench");
        const auto given = [&](const char* name) {
            return std::find(arguments.begin(), arguments.end(), name) != arguments.end();
        };
        if (!given("-p")) arguments.insert(arguments.end(), {"-p", portOf("nmq-tcp")});
        arguments.insert(arguments.end(), {"--seconds", "0.2", "--json"});
        if (kind == "pair") arguments.insert(arguments.end(), {"--warmup", "0.05"});
        return _broker->ctl(arguments);
    }

    Poco::JSON::Object::Ptr bench(std::vector<std::string> arguments)
    {
        const CommandResult result = run(std::move(arguments));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(result.errors + result.output, 0, result.status);
        return Poco::JSON::Parser().parse(result.output).extract<Poco::JSON::Object::Ptr>();
    }

    static long number(const Poco::JSON::Object::Ptr& report, const std::string& key)
    {
        CPPUNIT_ASSERT_MESSAGE(key, report->has(key));
        return report->getValue<long>(key);
    }

    Certificates _certificates;
    std::unique_ptr<BrokerProcess> _broker;
};

CPPUNIT_TEST_SUITE_REGISTRATION(BenchVerbTest);

} // namespace nanomq::test
