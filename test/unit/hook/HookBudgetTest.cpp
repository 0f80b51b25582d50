#include "HookFixture.h"

using namespace nanomq;

/// What plugins cost, and what happens to hooks that fail: figures, marks, breaker.
class HookBudgetTest : public HookFixture
{
    CPPUNIT_TEST_SUITE(HookBudgetTest);
    CPPUNIT_TEST(histogramKeepsDurationsToAQuarter);
    CPPUNIT_TEST(quantilesOfNothingAreZero);
    CPPUNIT_TEST(rareHooksAreTimedEachTime);
    CPPUNIT_TEST(markTellsWhichHookRuns);
    CPPUNIT_TEST(marksOfTheSamePluginAreAlike);
    CPPUNIT_TEST(breakerOpensWhenTooManyCallsFail);
    CPPUNIT_TEST(breakerStaysClosedWhileMostCallsSucceed);
    CPPUNIT_TEST(breakerForgetsFailuresOfAnotherWindow);
    CPPUNIT_TEST(breakerTriesAfterAPauseAndCloses);
    CPPUNIT_TEST(failedTrialDoublesThePause);
    CPPUNIT_TEST(trialWaitsForAnAnswerThatComesLater);
    CPPUNIT_TEST(trialThatNobodyMetIsOfferedAgain);
    CPPUNIT_TEST(breakerCanBeSwitchedOff);
    CPPUNIT_TEST(openBreakerSkipsTheHook);
    CPPUNIT_TEST(openBreakerOfAHookThatFailsClosedDenies);
    CPPUNIT_TEST(openBreakerLeavesObserversOut);
    CPPUNIT_TEST(waitingAnswersAreCountedUntilTheyEnd);
    CPPUNIT_TEST_SUITE_END();

    using Breaker = HookBreaker;
    using Change = HookBreaker::Change;
    static constexpr Breaker::Settings kSettings{10, 50, 10'000, 1'000, 4'000};

    static Change judge(Breaker& breaker, std::uint64_t calls, std::uint64_t failures,
                        MonotonicMs now, std::int64_t waiting = 0)
    {
        return breaker.judge({calls, failures, waiting}, now, kSettings);
    }
    /// Opens at time 0, so that it may be tried at 1,000.
    static void open(Breaker& breaker)
    {
        CPPUNIT_ASSERT(judge(breaker, 10, 10, 0) == Change::Opened);
    }
    static HookRecord& recordOf(FakePlugin& plugin) { return *plugin.set().hooks()[0]; }
    void tellConnected()
    {
        sdk::ClientConnected event{};
        _bus.tell(_bus.table(), 0, event, {});
    }

public:
    void histogramKeepsDurationsToAQuarter()
    {
        for (std::uint64_t ns = 1; ns < 100'000'000'000; ns = ns * 9 / 8 + 1)
        {
            const std::uint64_t edge = TimeHistogram::upperEdge(TimeHistogram::bucketOf(ns));
            CPPUNIT_ASSERT_MESSAGE(std::to_string(ns), edge >= ns && edge <= ns + ns / 4);
        }
        TimeHistogram histogram;
        for (int i = 0; i < 990; ++i) histogram.add(100);
        for (int i = 0; i < 10; ++i) histogram.add(1'000'000);
        TimeHistogram::Counts counts{};
        histogram.addTo(counts);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{111}, TimeHistogram::quantile(counts, 0.5));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{111}, TimeHistogram::quantile(counts, 0.98));
        CPPUNIT_ASSERT(TimeHistogram::quantile(counts, 0.999) >= 1'000'000);
    }

    void quantilesOfNothingAreZero()
    {
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, TimeHistogram::quantile({}, 0.5));
    }

    void rareHooksAreTimedEachTime()
    {
        FakePlugin& seen = plugin(1).on(
            Point::ClientConnected, [](const auto&, auto&) { return Verdict::Next; },
            {.flags = sdk::kInline});
        load(seen);
        for (int i = 0; i < 5; ++i) tellConnected();
        const HookStatistics figures = seen.set().statistics().hooks[0];
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, figures.samples);
        CPPUNIT_ASSERT(figures.medianNs <= figures.p99Ns && figures.p99Ns <= figures.longestNs);
    }

    void markTellsWhichHookRuns()
    {
        std::vector<std::uint64_t> seen;
        load(plugin(1, "guard").on(Point::MessagePublish, [&](const auto&, auto&) {
            seen.push_back(_registry.look(0));
            return Verdict::Next;
        }));
        publish("a");
        publish("a");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, _registry.look(0));
        CPPUNIT_ASSERT(seen.at(0) != seen.at(1)); // two calls
        const auto hook = _registry.hookOf(seen[0]);
        CPPUNIT_ASSERT_EQUAL(std::string("guard"), std::string(hook.plugin));
        CPPUNIT_ASSERT(hook.point == Point::MessagePublish);
    }

    void marksOfTheSamePluginAreAlike()
    {
        HookNames names;
        const auto a = names.tagFor("a");
        const auto b = names.tagFor("b");
        CPPUNIT_ASSERT(a != b);
        CPPUNIT_ASSERT_EQUAL(a, names.tagFor("a"));
        const auto hook = names.find(HookNames::with(b, Point::RouteAdded));
        CPPUNIT_ASSERT_EQUAL(std::string("b"), std::string(hook.plugin));
        CPPUNIT_ASSERT(hook.point == Point::RouteAdded);
    }

    void breakerOpensWhenTooManyCallsFail()
    {
        Breaker breaker;
        CPPUNIT_ASSERT(judge(breaker, 9, 9, 100) == Change::None);
        CPPUNIT_ASSERT(breaker.admits());
        CPPUNIT_ASSERT(judge(breaker, 20, 10, 200) == Change::Opened);
        CPPUNIT_ASSERT(!breaker.admits());
        CPPUNIT_ASSERT(breaker.state() == Breaker::State::Open);
    }

    void breakerStaysClosedWhileMostCallsSucceed()
    {
        Breaker breaker;
        CPPUNIT_ASSERT(judge(breaker, 1'000, 499, 100) == Change::None);
        CPPUNIT_ASSERT(breaker.admits());
    }

    void breakerForgetsFailuresOfAnotherWindow()
    {
        Breaker breaker;
        CPPUNIT_ASSERT(judge(breaker, 9, 9, 1'000) == Change::None);
        CPPUNIT_ASSERT(judge(breaker, 9, 9, 11'000) == Change::None); // a new window begins
        CPPUNIT_ASSERT(judge(breaker, 18, 18, 12'000) == Change::None);
        CPPUNIT_ASSERT(judge(breaker, 19, 19, 13'000) == Change::Opened);
    }

    void breakerTriesAfterAPauseAndCloses()
    {
        Breaker breaker;
        open(breaker);
        CPPUNIT_ASSERT(judge(breaker, 10, 10, 999) == Change::None);
        CPPUNIT_ASSERT(!breaker.admits());
        CPPUNIT_ASSERT(judge(breaker, 10, 10, 1'000) == Change::None);
        CPPUNIT_ASSERT(breaker.admits()); // one, and no more
        CPPUNIT_ASSERT(!breaker.admits());
        CPPUNIT_ASSERT(judge(breaker, 11, 10, 1'100) == Change::None); // may still be running
        CPPUNIT_ASSERT(judge(breaker, 11, 10, 1'200) == Change::Closed);
        CPPUNIT_ASSERT(breaker.admits() && breaker.admits());
        CPPUNIT_ASSERT(judge(breaker, 20, 19, 1'300) == Change::None);
        CPPUNIT_ASSERT(judge(breaker, 21, 20, 1'400) == Change::Opened);
    }

    void failedTrialDoublesThePause()
    {
        Breaker breaker;
        open(breaker);
        MonotonicMs now = 0;
        std::uint64_t failures = 10;
        for (const MonotonicMs pause : {1'000, 2'000, 4'000, 4'000})
        {
            CPPUNIT_ASSERT_EQUAL(pause, breaker.pauseMs());
            judge(breaker, failures, failures, now + pause - 1);
            CPPUNIT_ASSERT(!breaker.admits());
            now += pause;
            judge(breaker, failures, failures, now);
            CPPUNIT_ASSERT(breaker.admits());
            ++failures;
            CPPUNIT_ASSERT(judge(breaker, failures, failures, now) == Change::Reopened);
        }
    }

    void trialWaitsForAnAnswerThatComesLater()
    {
        Breaker breaker;
        open(breaker);
        judge(breaker, 10, 10, 1'000);
        CPPUNIT_ASSERT(breaker.admits());
        for (MonotonicMs now = 1'100; now < 5'000; now += 100)
            CPPUNIT_ASSERT(judge(breaker, 11, 10, now, 1) == Change::None);
        CPPUNIT_ASSERT(judge(breaker, 11, 10, 5'000, 0) == Change::Closed);
    }

    void trialThatNobodyMetIsOfferedAgain()
    {
        Breaker breaker;
        open(breaker);
        judge(breaker, 10, 10, 1'000);
        CPPUNIT_ASSERT(breaker.admits()); // taken, but the ring had no room: no call
        judge(breaker, 10, 10, 2'000);
        judge(breaker, 10, 10, 2'100);
        CPPUNIT_ASSERT(breaker.admits());
    }

    void breakerCanBeSwitchedOff()
    {
        Breaker breaker;
        auto settings = kSettings;
        settings.failures = 0;
        CPPUNIT_ASSERT(breaker.judge({1'000, 1'000, 0}, 1, settings) == Change::None);
        CPPUNIT_ASSERT(breaker.admits());
    }

    void openBreakerSkipsTheHook()
    {
        FakePlugin& failing = plugin(1).says(Point::MessagePublish, Verdict::Error);
        load(failing);
        publish("a");
        open(recordOf(failing).breaker);
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Next);
        CPPUNIT_ASSERT_EQUAL(1, failing.asked);
        const HookStatistics figures = failing.set().statistics().hooks[0];
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, figures.skipped);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, figures.calls);
        CPPUNIT_ASSERT(figures.breaker == Breaker::State::Open);
    }

    void openBreakerOfAHookThatFailsClosedDenies()
    {
        FakePlugin& failing =
            plugin(1).says(Point::MessagePublish, Verdict::Error, {.flags = sdk::kFailClosed});
        load(failing);
        open(recordOf(failing).breaker);
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::string("the plugin test failed"), _outcome.reasonText);
    }

    void openBreakerLeavesObserversOut()
    {
        FakePlugin& failing = plugin(1).says(Point::ClientConnected, Verdict::Next);
        load(failing);
        open(recordOf(failing).breaker);
        tellConnected();
        const HookSetStatistics figures = failing.set().statistics();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, figures.accepted);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, figures.hooks[0].skipped);
    }

    void waitingAnswersAreCountedUntilTheyEnd()
    {
        FakePlugin& slow = plugin(1).on(Point::MessagePublish, [](const auto&, Context& context) {
            context.defer(1'000, Verdict::Next);
            return Verdict::Pending;
        });
        load(slow);
        const HookRecord& record = recordOf(slow);
        Waiter answered, late, left;
        for (Waiter* waiter : {&answered, &late, &left})
        {
            const std::uint64_t deferral = publish("a").deferral;
            CPPUNIT_ASSERT(_bus.park(deferral, *waiter));
            if (waiter == &answered) _bus.complete(slow.set(), deferral, Verdict::Next, 0, {});
            if (waiter == &left) _bus.forget(deferral);
        }
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, record.figures().waiting);
        turn();
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, record.figures().waiting);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, record.figures().failures);
        pass(2'000);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, record.figures().waiting);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, record.figures().failures); // it came too late
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, record.figures().calls);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HookBudgetTest);
