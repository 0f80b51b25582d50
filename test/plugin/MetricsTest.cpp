#include "base/Metrics.h"

#include "plugin/PluginMetrics.h"

#include <Poco/Exception.h>

#include <cppunit/extensions/HelperMacros.h>
#include <thread>
#include <vector>

using namespace nanomq;

class MetricsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(MetricsTest);
    CPPUNIT_TEST(countsWhatManyThreadsAdd);
    CPPUNIT_TEST(sameNameAndLabelsAreTheSameSeries);
    CPPUNIT_TEST(visitsInOrderWithReadersAndHelp);
    CPPUNIT_TEST(refusesWhatPrometheusWouldNotRead);
    CPPUNIT_TEST(pluginsGetAFigureInAnyCase);
    CPPUNIT_TEST(pluginsReadEverySeries);
    CPPUNIT_TEST_SUITE_END();

    Metrics _metrics;

public:
    void countsWhatManyThreadsAdd()
    {
        Counter& counter = _metrics.counter("nanomq_x_total", "", "X.");
        std::vector<std::thread> threads;
        for (int i = 0; i < 20; ++i)
            threads.emplace_back([&] {
                for (int n = 0; n < 1000; ++n) counter.add();
                counter.add(5);
            });
        for (auto& thread : threads) thread.join();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{20 * 1005}, counter.value());
    }

    void sameNameAndLabelsAreTheSameSeries()
    {
        Counter& a = _metrics.counter("c_total", "a=\"1\"", "C.");
        CPPUNIT_ASSERT(&a == &_metrics.counter("c_total", "a=\"1\"", "other"));
        CPPUNIT_ASSERT(&a != &_metrics.counter("c_total", "a=\"2\"", "C."));
        CPPUNIT_ASSERT_THROW(_metrics.gauge("c_total", "", "C."), Poco::ExistsException);
        CPPUNIT_ASSERT_THROW(_metrics.reader(MetricKind::Counter, "c_total", "a=\"1\"", "", {}),
                             Poco::ExistsException);
    }

    void visitsInOrderWithReadersAndHelp()
    {
        _metrics.gauge("b", "", "Bees.").set(-3);
        _metrics.counter("a_total", "x=\"2\"", "Ants.").add(7);
        _metrics.counter("a_total", "x=\"1\"", "Ants.");
        _metrics.reader(MetricKind::Gauge, "c", "", "Cats.", [] { return 1.5; });
        std::string seen;
        _metrics.visit([&](const Metrics::Sample& sample) {
            seen += std::string(sample.name) + '{' + std::string(sample.labels) + "} " +
                    std::string(sample.help) + ' ' + std::to_string(sample.value) + '\n';
        });
        CPPUNIT_ASSERT_EQUAL(std::string("a_total{x=\"1\"} Ants. 0.000000\n"
                                         "a_total{x=\"2\"} Ants. 7.000000\n"
                                         "b{} Bees. -3.000000\n"
                                         "c{} Cats. 1.500000\n"),
                             seen);
    }

    void refusesWhatPrometheusWouldNotRead()
    {
        for (const char* name : {"", "1a", "a b", "a-b", ":a"})
            CPPUNIT_ASSERT_THROW_MESSAGE(name, _metrics.counter(name, "", ""),
                                         Poco::InvalidArgumentException);
        for (const char* labels : {"a", "a=b", "a=\"b", "a=\"b\",", "a=\"b\" c=\"d\"", "=\"b\"",
                                   "a=\"b\n\"", "a=\"\\\""})
            CPPUNIT_ASSERT_THROW_MESSAGE(labels, _metrics.counter("a", labels, ""),
                                         Poco::InvalidArgumentException);
        _metrics.counter("a", "a=\"b\\\"c\",d=\"\"", "");
        for (std::size_t i = 1; i < Metrics::kMaximumSeries; ++i)
            _metrics.counter("a", "n=\"" + std::to_string(i) + '"', "");
        CPPUNIT_ASSERT_THROW(_metrics.counter("a", "n=\"more\"", ""), Poco::RangeException);
    }

    void pluginsGetAFigureInAnyCase()
    {
        PluginMetrics plugins(_metrics);
        auto* counter = plugins.counter("p_total", "", "P.");
        CPPUNIT_ASSERT(counter == plugins.counter("p_total", "", "P."));
        counter->add(3);
        counter->add(-1); // a counter only grows
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, _metrics.counter("p_total", "", "").value());
        auto* gauge = plugins.gauge("p_now", "", "P.");
        gauge->set(5);
        gauge->add(-2);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, gauge->value());
        plugins.counter("not a name", "", "")->add(1);
        plugins.gauge("p_total", "", "")->set(1);
        CPPUNIT_ASSERT_EQUAL(
            std::uint64_t{2},
            _metrics.counter("nanomq_plugin_metrics_refused_total", "", "").value());
    }

    void pluginsReadEverySeries()
    {
        PluginMetrics plugins(_metrics);
        plugins.counter("p_total", "a=\"b\"", "Of a plugin.")->add(3);
        _metrics.gauge("k_now", "", "Of the kernel.").set(-2);
        struct Text final : sdk::MetricsReader::Visitor
        {
            void series(const sdk::MetricsReader::Series& one) override
            {
                const bool isGauge = one.kind == sdk::MetricsReader::Kind::Gauge;
                all += std::string(isGauge ? "gauge " : "counter ") + std::string(one.name.view()) +
                       '{' + std::string(one.labels.view()) + "} " + std::string(one.help.view()) +
                       ' ' + std::to_string(static_cast<int>(one.value)) + '\n';
            }
            std::string all;
        } text;
        plugins.snapshot(&text);
        CPPUNIT_ASSERT_EQUAL(std::string("gauge k_now{} Of the kernel. -2\n"
                                         "counter nanomq_plugin_metrics_refused_total{} "
                                         "Requests of plugins for series that cannot be made. 0\n"
                                         "counter p_total{a=\"b\"} Of a plugin. 3\n"),
                             text.all);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MetricsTest);
