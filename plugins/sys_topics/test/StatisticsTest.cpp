#include "Settings.h"
#include "Statistics.h"
#include "nanomq/testing.h"

#include <Poco/Exception.h>

#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace nanomq::sdk::testing;
using namespace std::chrono_literals;
using sys_topics::Settings;
using sys_topics::Statistics;

class StatisticsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(StatisticsTest);
    CPPUNIT_TEST(showsFiguresUnderMosquittosNames);
    CPPUNIT_TEST(givesOutOnlyWhatHasChanged);
    CPPUNIT_TEST(averagesRatesOverTime);
    CPPUNIT_TEST(checksItsKeys);
    CPPUNIT_TEST_SUITE_END();

public:
    void showsFiguresUnderMosquittosNames()
    {
        set("nanomq_connections", 3);
        set("nanomq_sessions", 5);
        set("nanomq_retained_messages", 7);
        set("nanomq_messages_waiting", 4);
        set("nanomq_retained_bytes", 100);
        set("nanomq_messages_waiting_bytes", 11);
        set("nanomq_uptime_seconds", 61);
        _metrics.counter("nanomq_messages_dropped_total", "reason=\"a\"", "")->set(2);
        _metrics.counter("nanomq_messages_dropped_total", "reason=\"b\"", "")->set(3);
        _metrics.gauge("nanomq_build_info", "version=\"1.2.3\"", "")->set(1);
        update(0ms);
        struct Case
        {
            const char *topic, *text;
        };
        static constexpr Case cases[] = {
            {"version", "nanomq version 1.2.3"},
            {"uptime", "61 seconds"},
            {"clients/connected", "3"},
            {"clients/active", "3"},
            {"clients/disconnected", "2"},
            {"clients/inactive", "2"},
            {"clients/total", "5"},
            {"clients/maximum", "5"},
            {"messages/stored", "11"},
            {"store/messages/count", "11"},
            {"store/messages/bytes", "111"},
            {"retained messages/count", "7"},
            {"publish/messages/dropped", "5"},
            {"load/publish/dropped/1min", "0.00"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.topic, std::string(c.text), _given[c.topic]);

        set("nanomq_sessions", 4);
        update(1000ms);
        CPPUNIT_ASSERT_EQUAL(std::string("4"), _given["clients/total"]);
        CPPUNIT_ASSERT_EQUAL(std::string("5"), _statistics.shown().at("$SYS/broker/clients/maximum"));
    }

    void givesOutOnlyWhatHasChanged()
    {
        update(0ms);
        const auto all = _given.size();
        CPPUNIT_ASSERT_EQUAL(all, _statistics.shown().size());
        update(1000ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _given.size());
        set("nanomq_subscriptions", 9);
        update(1000ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _given.size());
        CPPUNIT_ASSERT_EQUAL(std::string("9"), _given["subscriptions/count"]);
    }

    void averagesRatesOverTime()
    {
        set("nanomq_bytes_sent_total", 1000);
        update(0ms); // what was before does not count
        set("nanomq_bytes_sent_total", 1600);
        update(60'000ms); // 600 in a minute: 1 - 1/e of it is in the average over one
        CPPUNIT_ASSERT_EQUAL(std::string("379.27"), _given["load/bytes/sent/1min"]);
        CPPUNIT_ASSERT_EQUAL(std::string("108.76"), _given["load/bytes/sent/5min"]);
        CPPUNIT_ASSERT_EQUAL(std::string("38.70"), _given["load/bytes/sent/15min"]);
        update(3'600'000ms);
        CPPUNIT_ASSERT_EQUAL(std::string("0.00"), _given["load/bytes/sent/1min"]);
    }

    void checksItsKeys()
    {
        const auto read = [](std::string_view text) {
            FakeConfig config(text, "sys_topics.conf");
            return Settings::read(config);
        };
        CPPUNIT_ASSERT(read("").interval == 10s && read("").tellsConnected);
        CPPUNIT_ASSERT(read("sys.interval = 0s\n").interval == 0ms);
        CPPUNIT_ASSERT(read("sys.interval = 2m\n").interval == 2min);
        CPPUNIT_ASSERT(read("sys.presence = both\n").tellsStatus);
        CPPUNIT_ASSERT(!read("sys.presence = off\n").tellsConnected);
        for (const char* bad : {"sys.interval = 10\n", "sys.interval = 1ms\n",
                                "sys.interval = 25h\n", "sys.interval = -1s\n",
                                "sys.interval = 99999999999999999999s\n", "sys.presence = on\n"})
            CPPUNIT_ASSERT_THROW_MESSAGE(bad, read(bad), Poco::InvalidArgumentException);
    }

private:
    void set(const char* name, std::int64_t value) { _metrics.gauge(name, "", "")->set(value); }
    void update(std::chrono::milliseconds elapsed)
    {
        _given.clear();
        _statistics.update(_metrics, elapsed, [this](const std::string& topic, const std::string& text) {
            CPPUNIT_ASSERT(topic.starts_with("$SYS/broker/"));
            _given[topic.substr(std::string_view("$SYS/broker/").size())] = text;
        });
    }

    FakeMetrics _metrics;
    Statistics _statistics;
    std::map<std::string, std::string> _given;
};

CPPUNIT_TEST_SUITE_REGISTRATION(StatisticsTest);

} // namespace
