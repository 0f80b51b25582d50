#include "HookFixture.h"

#include <atomic>

using namespace nanomq;

/// Workers dispatch at full speed while plugins come, go and are exchanged.
///
/// What a plugin owns is poisoned the moment its unloading is over, as unmapping would do. A hook
/// that runs afterwards sees the poison, so leaving out the grace period makes these tests fail
/// (and a sanitizer report).
class HookSwapTest : public HookFixture
{
    CPPUNIT_TEST_SUITE(HookSwapTest);
    CPPUNIT_TEST(eachEventIsSeenByExactlyOneVersion);
    CPPUNIT_TEST(withoutTheGracePeriodAHookRunsInADeadPlugin);
    CPPUNIT_TEST_SUITE_END();

    static constexpr std::uint32_t kAlive = 0x600D600D, kDead = 0xDEADDEAD;

    /// One loaded version, as its hooks see it.
    struct Version
    {
        std::atomic<std::uint32_t> state{kAlive};
        std::atomic<std::uint64_t> asked{0};
        std::atomic<std::uint64_t> told{0};
        std::atomic<std::uint64_t>* afterDeath = nullptr;
        std::atomic<bool>* inside = nullptr; // when set: tell that a hook is in, and wait
        std::atomic<bool>* goOn = nullptr;
        HookBus* bus = nullptr;
        HookSet* set = nullptr;

        void check()
        {
            if (state != kAlive) ++*afterDeath;
        }
        static Verdict publish(void* self, const Header*, Context* context)
        {
            auto& version = *static_cast<Version*>(self);
            if (version.inside && !version.inside->exchange(true))
                while (!*version.goOn) std::this_thread::yield();
            version.check();
            const auto number = ++version.asked;
            if (number % 64 != 0) return Verdict::Next;
            // Answered at once by another thread: the executor.
            const auto deferral = context->defer(60'000, Verdict::Deny);
            if (deferral.token == 0) return Verdict::Next;
            version.bus->complete(*version.set, deferral.token, Verdict::Next, 0, {});
            return Verdict::Pending;
        }
        static Verdict published(void* self, const Header*, Context*)
        {
            auto& version = *static_cast<Version*>(self);
            version.check();
            ++version.told;
            return Verdict::Next;
        }
    };

    std::atomic<std::uint64_t> _afterDeath{0};
    std::list<Version> _versions; // memory stays, so that the poison can be read

    std::pair<Ref<HookSet>, Version*> makeVersion()
    {
        Version& version = _versions.emplace_back();
        version.afterDeath = &_afterDeath;
        version.bus = &_bus;
        auto set = _registry.make(1, "swapped", &_errors);
        version.set = set.get();
        const sdk::Str filter = "a/#";
        sdk::HookSpec spec{};
        spec.size = sizeof spec;
        spec.self = &version;
        spec.point = Point::MessagePublish;
        spec.function = &Version::publish;
        CPPUNIT_ASSERT_EQUAL(0, set->add(spec));
        spec.point = Point::MessagePublished;
        spec.function = &Version::published;
        spec.filterCount = 1;
        spec.topicFilters = &filter;
        CPPUNIT_ASSERT_EQUAL(0, set->add(spec));
        return {std::move(set), &version};
    }

    struct Dispatcher
    {
        std::uint64_t asked = 0, told = 0;
        std::uint64_t resumed = 0;
    };

    struct CountingWaiter final : Parked
    {
        void resume(const HookAnswer&) override
        {
            ++resumed;
            free.push_back(this);
        }
        CountingWaiter(std::uint64_t& r, std::vector<CountingWaiter*>& f) : resumed(r), free(f) {}
        std::uint64_t& resumed;
        std::vector<CountingWaiter*>& free;
    };

    void work(unsigned worker, const std::atomic<bool>& stop, Dispatcher& figures)
    {
        const auto reader = _quiescence.join();
        std::list<CountingWaiter> waiters;
        std::vector<CountingWaiter*> free;
        std::uint64_t parked = 0;
        const auto turn = [&](bool dispatch) {
            _quiescence.online(reader);
            _mailboxes[worker].drain();
            for (int i = 0; dispatch && i < 64; ++i)
            {
                const HookTable& table = _bus.table();
                HookOutcome outcome;
                sdk::MessagePublish event{};
                event.topic = "a/b";
                if (table.any(Point::MessagePublish))
                {
                    _bus.ask(table, worker, event, {}, outcome);
                    ++figures.asked;
                }
                if (outcome.verdict == Verdict::Pending)
                {
                    if (free.empty()) free.push_back(&waiters.emplace_back(figures.resumed, free));
                    CountingWaiter* waiter = free.back();
                    free.pop_back();
                    if (_bus.park(outcome.deferral, *waiter)) ++parked;
                }
                const auto observers = _filters.find("a/b");
                sdk::MessagePublished told{};
                told.topic = "a/b";
                std::uint64_t known = 0;
                for (const auto id : observers) known += table.observer(id) != nullptr;
                _bus.tellPublished(table, worker, told, {}, observers);
                figures.told += known;
            }
            _bus.endOfTurn(worker);
            _quiescence.offline(reader);
            _quiescence.reclaim();
        };
        while (!stop) turn(true);
        while (figures.resumed < parked) turn(false);
        _quiescence.leave(reader);
    }

public:
    void eachEventIsSeenByExactlyOneVersion()
    {
        std::atomic<bool> stop{false};
        Dispatcher figures[2];
        std::thread workers[2] = {std::thread([&] { work(0, stop, figures[0]); }),
                                  std::thread([&] { work(1, stop, figures[1]); })};
        const auto bury = [&](Ref<HookSet>& set, Version& version) {
            bool clean = !_registry.graceful(std::chrono::seconds(10));
            clean = clean && _registry.drain(*set, std::chrono::seconds(10));
            _registry.withdrawFilters(*set);
            clean = clean && set->executor().stop(std::chrono::seconds(10));
            version.state = kDead;
            return clean;
        };

        bool clean = true;
        auto [current, version] = makeVersion();
        std::vector<Ref<HookSet>> sets{current};
        clean = _registry.exchange(nullptr, current.get());
        for (int round = 0; round < 100 && clean; ++round)
        {
            // Every fifth time as unload and load, else as reload.
            auto [next, nextVersion] = makeVersion();
            sets.push_back(next);
            if (round % 5 == 0)
            {
                clean = _registry.exchange(current.get(), nullptr) && bury(current, *version);
                clean = clean && _registry.exchange(nullptr, next.get());
            }
            else
            {
                clean = _registry.exchange(current.get(), next.get()) && bury(current, *version);
            }
            current = next;
            version = nextVersion;
        }
        stop = true;
        for (auto& worker : workers) worker.join();
        clean = _registry.exchange(current.get(), nullptr) && bury(current, *version) && clean;

        CPPUNIT_ASSERT(clean);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, _afterDeath.load());
        std::uint64_t asked = 0, told = 0, dropped = 0;
        for (const auto& each : _versions)
        {
            asked += each.asked;
            told += each.told;
        }
        for (const auto& set : sets)
        {
            const auto statistics = set->statistics();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, statistics.queued);
            CPPUNIT_ASSERT_EQUAL(statistics.accepted, statistics.delivered);
            dropped += statistics.dropped;
        }
        CPPUNIT_ASSERT_EQUAL(figures[0].asked + figures[1].asked, asked);
        CPPUNIT_ASSERT_EQUAL(figures[0].told + figures[1].told, told + dropped);
        CPPUNIT_ASSERT(asked > 1000);
    }

    void withoutTheGracePeriodAHookRunsInADeadPlugin()
    {
        // The control of the test above: the same poison, no grace period, and a worker that is
        // held inside a hook meanwhile. graceful() must see that worker.
        std::atomic<bool> inside{false}, goOn{false}, stop{false};
        auto [set, version] = makeVersion();
        version->inside = &inside;
        version->goOn = &goOn;
        CPPUNIT_ASSERT(_registry.exchange(nullptr, set.get()));
        Dispatcher figures;
        std::thread worker([&] { work(0, stop, figures); });
        const bool entered = eventually([&] { return inside.load(); });
        const bool exchanged = _registry.exchange(set.get(), nullptr);
        const auto held = _registry.graceful(std::chrono::milliseconds(20));
        version->state = kDead; // what nobody may do now
        goOn = true;
        stop = true;
        worker.join();
        set->executor().stop(std::chrono::seconds(10));
        CPPUNIT_ASSERT(entered && exchanged);
        CPPUNIT_ASSERT(held.has_value());
        CPPUNIT_ASSERT(_afterDeath > 0);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HookSwapTest);
