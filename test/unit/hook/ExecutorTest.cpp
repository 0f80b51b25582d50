#include "HookFixture.h"

#include "hook/Executor.h"

#include <atomic>
#include <future>

using namespace nanomq;

/// A plugin's own thread.
class ExecutorTest : public CppUnit::TestFixture, private ExecutorSource
{
    CPPUNIT_TEST_SUITE(ExecutorTest);
    CPPUNIT_TEST(runsWhatIsPostedInOrderOnOneThread);
    CPPUNIT_TEST(tellsOfExceptionsAndGoesOn);
    CPPUNIT_TEST(takesABoundedNumber);
    CPPUNIT_TEST(timerRunsAgainUntilItIsCancelled);
    CPPUNIT_TEST(cancelWaitsForARunInProgress);
    CPPUNIT_TEST(timerMayCancelItself);
    CPPUNIT_TEST(stopWorksOffWhatIsPostedAndTakesNoMore);
    CPPUNIT_TEST(stopTellsWhenAFunctionDoesNotReturn);
    CPPUNIT_TEST_SUITE_END();

    std::atomic<int> _failures{0};
    Executor _executor{"test", *this};

    bool drainSome() override { return false; }
    bool drained() const noexcept override { return true; }
    void taskFailed(std::string_view) noexcept override { ++_failures; }

    struct Log
    {
        std::mutex mutex;
        std::vector<int> numbers;
        std::vector<std::thread::id> threads;
    };
    struct Entry
    {
        Log* log;
        int number;
        static void run(void* self)
        {
            const auto& entry = *static_cast<Entry*>(self);
            std::lock_guard lock(entry.log->mutex);
            entry.log->numbers.push_back(entry.number);
            entry.log->threads.push_back(std::this_thread::get_id());
        }
    };
    struct Gate
    {
        std::promise<void> entered, open;
        static void run(void* self)
        {
            auto& gate = *static_cast<Gate*>(self);
            gate.entered.set_value();
            gate.open.get_future().wait();
        }
    };

public:
    void tearDown() override { CPPUNIT_ASSERT(_executor.stop(std::chrono::seconds(10))); }

    void runsWhatIsPostedInOrderOnOneThread()
    {
        Log log;
        std::vector<Entry> entries;
        for (int i = 0; i < 1000; ++i) entries.push_back({&log, i});
        for (auto& entry : entries) CPPUNIT_ASSERT(_executor.post(&Entry::run, &entry));
        CPPUNIT_ASSERT(_executor.stop(std::chrono::seconds(10)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1000}, log.numbers.size());
        for (int i = 0; i < 1000; ++i)
            CPPUNIT_ASSERT_EQUAL(i, log.numbers[static_cast<std::size_t>(i)]);
        for (const auto& thread : log.threads) CPPUNIT_ASSERT(thread == log.threads[0]);
        CPPUNIT_ASSERT(log.threads[0] != std::this_thread::get_id());
    }

    void tellsOfExceptionsAndGoesOn()
    {
        CPPUNIT_ASSERT(_executor.post([](void*) { throw std::runtime_error("x"); }, nullptr));
        CPPUNIT_ASSERT(_executor.post([](void*) { throw 7; }, nullptr));
        CPPUNIT_ASSERT(_executor.stop(std::chrono::seconds(10)));
        CPPUNIT_ASSERT_EQUAL(2, _failures.load());
    }

    void takesABoundedNumber()
    {
        Gate gate;
        CPPUNIT_ASSERT(_executor.post(&Gate::run, &gate));
        gate.entered.get_future().wait();
        for (std::size_t i = 0; i < Executor::kMaxPosted; ++i)
            CPPUNIT_ASSERT(_executor.post([](void*) {}, nullptr));
        CPPUNIT_ASSERT(!_executor.post([](void*) {}, nullptr));
        for (std::size_t i = 0; i < Executor::kMaxTimers; ++i)
            CPPUNIT_ASSERT(_executor.schedule(
                               60'000, 0, [](void*) {}, nullptr) != 0);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, _executor.schedule(
                                                   1, 0, [](void*) {}, nullptr));
        gate.open.set_value();
    }

    void timerRunsAgainUntilItIsCancelled()
    {
        std::atomic<int> runs{0};
        const auto count = [](void* self) { ++*static_cast<std::atomic<int>*>(self); };
        const auto id = _executor.schedule(1, 1, count, &runs);
        CPPUNIT_ASSERT(eventually([&] { return runs >= 3; }));
        _executor.cancel(id);
        const int after = runs;
        // A later timer has come, so the cancelled one would have, too.
        std::atomic<int> later{0};
        _executor.schedule(5, 0, count, &later);
        CPPUNIT_ASSERT(eventually([&] { return later == 1; }));
        CPPUNIT_ASSERT_EQUAL(after, runs.load());
    }

    void cancelWaitsForARunInProgress()
    {
        Gate gate;
        const auto id = _executor.schedule(0, 0, &Gate::run, &gate);
        gate.entered.get_future().wait();
        std::atomic<bool> cancelled{false};
        std::thread other([&] {
            _executor.cancel(id);
            cancelled = true;
        });
        CPPUNIT_ASSERT(!cancelled);
        gate.open.set_value();
        other.join();
        CPPUNIT_ASSERT(cancelled);
    }

    void timerMayCancelItself()
    {
        struct Self
        {
            Executor& executor;
            std::atomic<std::uint64_t> id{0};
            std::atomic<int> runs{0};
        } self{_executor};
        self.id = _executor.schedule(
            5, 1,
            [](void* pointer) {
                auto& me = *static_cast<Self*>(pointer);
                ++me.runs;
                me.executor.cancel(me.id);
            },
            &self);
        CPPUNIT_ASSERT(eventually([&] { return self.runs == 1; }));
        std::atomic<bool> later{false};
        _executor.schedule(
            10, 0, [](void* flag) { *static_cast<std::atomic<bool>*>(flag) = true; }, &later);
        CPPUNIT_ASSERT(eventually([&] { return later.load(); }));
        CPPUNIT_ASSERT_EQUAL(1, self.runs.load());
    }

    void stopWorksOffWhatIsPostedAndTakesNoMore()
    {
        std::atomic<int> runs{0};
        const auto count = [](void* self) { ++*static_cast<std::atomic<int>*>(self); };
        _executor.schedule(60'000, 0, count, &runs);
        for (int i = 0; i < 200; ++i) _executor.post(count, &runs);
        CPPUNIT_ASSERT(_executor.stop(std::chrono::seconds(10)));
        CPPUNIT_ASSERT_EQUAL(200, runs.load());
        CPPUNIT_ASSERT(!_executor.post(count, &runs));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, _executor.schedule(0, 0, count, &runs));
    }

    void stopTellsWhenAFunctionDoesNotReturn()
    {
        Gate gate;
        CPPUNIT_ASSERT(_executor.post(&Gate::run, &gate));
        gate.entered.get_future().wait();
        CPPUNIT_ASSERT(!_executor.stop(std::chrono::milliseconds(20)));
        gate.open.set_value();
        CPPUNIT_ASSERT(_executor.stop(std::chrono::seconds(10)));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ExecutorTest);
