#include "HostFixture.h"

using namespace nanomq;

/// What the host's watchdog does: breakers, held workers, figures.
class BudgetTest : public HostFixture
{
    CPPUNIT_TEST_SUITE(BudgetTest);
    CPPUNIT_TEST(hookThatFailsAllTheTimeIsTakenOutAndBroughtBack);
    CPPUNIT_TEST(hookThatHoldsAWorkerIsNamed);
    CPPUNIT_TEST(figuresAreInTheRegistryAndGoOnAfterAReload);
    CPPUNIT_TEST(memoryOfTheCodeIsKnown);
    CPPUNIT_TEST_SUITE_END();

    HookStatistics publishHook() { return host().info("sample")->hooks.hooks.at(0); }
    HookBreaker::State breaker() { return publishHook().breaker; }
    std::uint64_t registered(const std::string& name, const std::string& hook)
    {
        return _services.registry
            .counter(name, "plugin=\"sample\",hook=\"" + hook + '"', "")
            .value();
    }

public:
    void hookThatFailsAllTheTimeIsTakenOutAndBroughtBack()
    {
        _overridden.watchdog.interval = std::chrono::milliseconds(1);
        _overridden.watchdog.breaker.failures = 10;
        _overridden.watchdog.breaker.pauseMs = 1;
        makeHost();
        install("sample_one");
        mustLoad();
        // A trial comes soon, and fails as well; so it is out at one time or another.
        CPPUNIT_ASSERT(eventually([&] {
            ask("throw");
            return breaker() != HookBreaker::State::Closed && publishHook().skipped > 0;
        }));
        CPPUNIT_ASSERT(ask("throw").verdict == sdk::Verdict::Deny); // it fails closed
        CPPUNIT_ASSERT(eventually([&] { return versionByHook() == "1.0.0"; }));
        CPPUNIT_ASSERT(eventually([&] {
            ask("a");
            return breaker() == HookBreaker::State::Closed;
        }));
    }

    void hookThatHoldsAWorkerIsNamed()
    {
        _overridden.watchdog.interval = std::chrono::milliseconds(1);
        _overridden.watchdog.reportAfter = std::chrono::milliseconds(5);
        makeHost();
        install("sample_one");
        configure("sample", "sample.hang = hook\nsample.gate = " + gate() + "\n");
        mustLoad();
        auto answer = askLater("a");
        Counter& reports = _services.registry.counter("nanomq_workers_held_total", "", "");
        CPPUNIT_ASSERT(eventually([&] { return reports.value() == 1; }));
        const auto holds = host().info("sample")->holds;
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, holds.size());
        CPPUNIT_ASSERT_EQUAL(0u, holds[0].worker);
        CPPUNIT_ASSERT(holds[0].point == sdk::HookPoint::MessagePublish);
        CPPUNIT_ASSERT_MESSAGE(
            holds[0].text(),
            holds[0].text().find("worker 0 has been inside message.publish of sample for") == 0);
        openGate();
        answer.get();
        Gauge& heldNow = _services.registry.gauge("nanomq_workers_held", "", "");
        CPPUNIT_ASSERT(eventually([&] { return heldNow.value() == 0; }));
        CPPUNIT_ASSERT(host().info("sample")->holds.empty());
    }

    void figuresAreInTheRegistryAndGoOnAfterAReload()
    {
        install("sample_one");
        mustLoad();
        ask("throw");
        ask("later");
        install("sample_two");
        CPPUNIT_ASSERT(host().reload("sample"));
        ask("throw");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, publishHook().calls); // of this version
        CPPUNIT_ASSERT(host().unload("sample"));
        const char* const hook = "message.publish";
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, registered("nanomq_plugin_hook_calls_total", hook));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, registered("nanomq_plugin_hook_errors_total", hook));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1},
                             registered("nanomq_plugin_hook_deferrals_total", hook));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0},
                             registered("nanomq_plugin_hook_calls_total", "message.published"));
    }

    void memoryOfTheCodeIsKnown()
    {
        install("sample_one");
        CPPUNIT_ASSERT(mustLoad().mappedBytes > 10'000);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BudgetTest);
