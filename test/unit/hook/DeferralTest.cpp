#include "HookFixture.h"

using namespace nanomq;

/// Hooks that answer later.
class DeferralTest : public HookFixture
{
    CPPUNIT_TEST_SUITE(DeferralTest);
    CPPUNIT_TEST(laterAnswerResumesWhoWaits);
    CPPUNIT_TEST(answerMayComeFromAnotherThread);
    CPPUNIT_TEST(missedDeadlineHasTheAnswerItAskedFor);
    CPPUNIT_TEST(lateAndSecondAnswersAreCountedAndIgnored);
    CPPUNIT_TEST(oldTokenDoesNotAnswerTheNextWaitInItsSlot);
    CPPUNIT_TEST(anotherPluginsAnswerIsIgnored);
    CPPUNIT_TEST(answerBeforeAnybodyIsParkedIsNotLost);
    CPPUNIT_TEST(forgottenWaitIsNeverResumed);
    CPPUNIT_TEST(deferralThatIsNotPendingIsGivenUp);
    CPPUNIT_TEST(overTheLimitTheErrorPolicyAnswers);
    CPPUNIT_TEST(laterAnswerThatIsNoVerdictFollowsTheErrorPolicy);
    CPPUNIT_TEST(chainGoesOnBehindTheHookThatDeferred);
    CPPUNIT_TEST(chainGoesOnAtTheRightPlaceOfAChangedTable);
    CPPUNIT_TEST(changesMadeBeforeADeferralAreSeenAfterIt);
    CPPUNIT_TEST(drainWaitsThenAnswersAsForAMissedDeadline);
    CPPUNIT_TEST(observersCannotDefer);
    CPPUNIT_TEST(standInParksUntilTheNextVersionIsAsked);
    CPPUNIT_TEST(standInDoesNotSkipANextVersionThatMovedForward);
    CPPUNIT_TEST_SUITE_END();

    sdk::Deferral _deferral{};

    FakePlugin& deferring(std::uint32_t number, FakePlugin::Options options = {},
                          Verdict onTimeout = Verdict::Deny)
    {
        return plugin(number).on(
            Point::MessagePublish,
            [this, onTimeout](const Header&, Context& context) {
                _deferral = context.defer(1000, onTimeout);
                return Verdict::Pending;
            },
            options);
    }
    void park(Waiter& waiter)
    {
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Pending);
        CPPUNIT_ASSERT(_outcome.deferral != 0);
        CPPUNIT_ASSERT(_bus.park(_outcome.deferral, waiter));
    }
    std::uint64_t late(FakePlugin& plugin) { return plugin.set().statistics().lateAnswers; }

public:
    void laterAnswerResumesWhoWaits()
    {
        FakePlugin& one = deferring(1);
        load(one);
        Waiter waiter;
        park(waiter);
        _bus.complete(one.set(), _deferral.token, Verdict::Deny, 0x87, "no");
        CPPUNIT_ASSERT_EQUAL(0, waiter.resumed);
        turn();
        CPPUNIT_ASSERT_EQUAL(1, waiter.resumed);
        CPPUNIT_ASSERT(waiter.answer.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x87, int{waiter.answer.reason});
        CPPUNIT_ASSERT_EQUAL(std::string("no"), waiter.answer.reasonText);
        CPPUNIT_ASSERT(!waiter.answer.timedOut);
        CPPUNIT_ASSERT_EQUAL(0u, one.set().openDeferrals());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, one.set().statistics().hooks[0].deferrals);
    }

    void answerMayComeFromAnotherThread()
    {
        FakePlugin& one = deferring(1);
        load(one);
        Waiter waiter;
        park(waiter);
        std::thread other(
            [&] { _bus.complete(one.set(), _deferral.token, Verdict::Allow, 0, {}); });
        CPPUNIT_ASSERT(eventually([&] {
            turn();
            return waiter.resumed == 1;
        }));
        other.join();
        CPPUNIT_ASSERT(waiter.answer.verdict == Verdict::Allow);
    }

    void missedDeadlineHasTheAnswerItAskedFor()
    {
        FakePlugin& one = deferring(1, {}, Verdict::Drop);
        load(one);
        Waiter waiter;
        park(waiter);
        pass(900);
        CPPUNIT_ASSERT_EQUAL(0, waiter.resumed);
        pass(1100);
        CPPUNIT_ASSERT_EQUAL(1, waiter.resumed);
        CPPUNIT_ASSERT(waiter.answer.verdict == Verdict::Drop);
        CPPUNIT_ASSERT(waiter.answer.timedOut);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, one.set().statistics().hooks[0].timeouts);
    }

    void lateAndSecondAnswersAreCountedAndIgnored()
    {
        FakePlugin& one = deferring(1);
        load(one);
        Waiter waiter;
        park(waiter);
        _bus.complete(one.set(), _deferral.token, Verdict::Allow, 0, {});
        _bus.complete(one.set(), _deferral.token, Verdict::Deny, 0, {});
        turn();
        CPPUNIT_ASSERT_EQUAL(1, waiter.resumed);
        CPPUNIT_ASSERT(waiter.answer.verdict == Verdict::Allow);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, late(one));

        park(waiter);
        pass(2000);
        _bus.complete(one.set(), _deferral.token, Verdict::Allow, 0, {});
        turn();
        CPPUNIT_ASSERT_EQUAL(2, waiter.resumed);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, late(one));
        // Tokens that never were: none, another worker's, beyond all slots.
        for (const std::uint64_t token : {std::uint64_t{0}, std::uint64_t{9} << 56,
                                          ~std::uint64_t{0}, std::uint64_t{77} << 32 | 1})
            _bus.complete(one.set(), token, Verdict::Allow, 0, {});
        turn();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{6}, late(one));
    }

    void oldTokenDoesNotAnswerTheNextWaitInItsSlot()
    {
        FakePlugin& one = deferring(1);
        load(one);
        Waiter first, second;
        park(first);
        const auto old = _deferral.token;
        pass(2000);
        park(second);
        CPPUNIT_ASSERT(old != _deferral.token);
        CPPUNIT_ASSERT_EQUAL(old >> 32, _deferral.token >> 32); // the same slot, so that it matters
        _bus.complete(one.set(), old, Verdict::Allow, 0, {});
        turn();
        CPPUNIT_ASSERT_EQUAL(0, second.resumed);
        _bus.complete(one.set(), _deferral.token, Verdict::Allow, 0, {});
        turn();
        CPPUNIT_ASSERT_EQUAL(1, second.resumed);
    }

    void anotherPluginsAnswerIsIgnored()
    {
        load(deferring(1));
        FakePlugin& other = plugin(2);
        Waiter waiter;
        park(waiter);
        _bus.complete(other.set(), _deferral.token, Verdict::Allow, 0, {});
        turn();
        CPPUNIT_ASSERT_EQUAL(0, waiter.resumed);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, late(other));
        _bus.forget(_deferral.token);
    }

    void answerBeforeAnybodyIsParkedIsNotLost()
    {
        FakePlugin& one = deferring(1);
        load(one);
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Pending);
        _bus.complete(one.set(), _deferral.token, Verdict::Allow, 0, {});
        turn();
        Waiter waiter;
        CPPUNIT_ASSERT(_bus.park(_deferral.token, waiter));
        CPPUNIT_ASSERT_EQUAL(0, waiter.resumed);
        turn();
        CPPUNIT_ASSERT_EQUAL(1, waiter.resumed);
        CPPUNIT_ASSERT(waiter.answer.verdict == Verdict::Allow);
        CPPUNIT_ASSERT(!_bus.park(_deferral.token, waiter));
    }

    void forgottenWaitIsNeverResumed()
    {
        FakePlugin& one = deferring(1);
        load(one);
        Waiter waiter;
        park(waiter);
        _bus.complete(one.set(), _deferral.token, Verdict::Allow, 0, {});
        _bus.forget(_deferral.token);
        turn();
        pass(2000);
        CPPUNIT_ASSERT_EQUAL(0, waiter.resumed);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, late(one));
        CPPUNIT_ASSERT_EQUAL(0u, one.set().openDeferrals());
    }

    void deferralThatIsNotPendingIsGivenUp()
    {
        FakePlugin& one = plugin(1).on(Point::MessagePublish, [](const Header&, Context& context) {
            const auto first = context.defer(1000, Verdict::Deny);
            CPPUNIT_ASSERT_EQUAL(first.token, context.defer(5, Verdict::Allow).token);
            return Verdict::Allow;
        });
        load(one);
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Allow);
        CPPUNIT_ASSERT_EQUAL(0u, one.set().openDeferrals());
    }

    void overTheLimitTheErrorPolicyAnswers()
    {
        load(deferring(1, {.flags = sdk::kFailClosed}));
        std::vector<std::uint64_t> open;
        for (std::uint32_t i = 0; i < HookSet::kMaxOpenDeferrals; ++i)
        {
            CPPUNIT_ASSERT(publish("a").verdict == Verdict::Pending);
            open.push_back(_outcome.deferral);
        }
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, _deferral.token);
        _bus.forget(open.back());
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Pending);
    }

    void laterAnswerThatIsNoVerdictFollowsTheErrorPolicy()
    {
        FakePlugin& one = deferring(1, {.flags = sdk::kFailClosed});
        load(one);
        for (const Verdict verdict : {Verdict::Pending, Verdict::Error, static_cast<Verdict>(99)})
        {
            Waiter waiter;
            park(waiter);
            _bus.complete(one.set(), _deferral.token, verdict, 0, {});
            turn();
            CPPUNIT_ASSERT(waiter.answer.verdict == Verdict::Deny);
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, one.set().statistics().hooks[0].errors);
    }

    void chainGoesOnBehindTheHookThatDeferred()
    {
        FakePlugin& before = plugin(1).says(Point::MessagePublish, Verdict::Next);
        FakePlugin& one = deferring(2);
        FakePlugin& behind = plugin(3).says(Point::MessagePublish, Verdict::Next);
        load(before);
        load(one);
        load(behind);
        Waiter waiter;
        park(waiter);
        _bus.complete(one.set(), _deferral.token, Verdict::Next, 0, {});
        turn();
        CPPUNIT_ASSERT_EQUAL(0, behind.asked);
        CPPUNIT_ASSERT(publish("a", &waiter.answer.position).verdict == Verdict::Next);
        CPPUNIT_ASSERT_EQUAL(1, before.asked);
        CPPUNIT_ASSERT_EQUAL(1, behind.asked);
    }

    void chainGoesOnAtTheRightPlaceOfAChangedTable()
    {
        FakePlugin& before = plugin(1).says(Point::MessagePublish, Verdict::Next);
        FakePlugin& one = deferring(2);
        FakePlugin& gone = plugin(3).says(Point::MessagePublish, Verdict::Deny);
        FakePlugin& behind = plugin(5).says(Point::MessagePublish, Verdict::Next);
        for (FakePlugin* each : {&before, &one, &gone, &behind}) load(*each);
        Waiter waiter;
        park(waiter);
        _bus.complete(one.set(), _deferral.token, Verdict::Next, 0, {});
        turn();

        // While it waited, one behind went, others came on both sides, and the one that had
        // deferred went as well.
        FakePlugin& cameBehind = plugin(4).says(Point::MessagePublish, Verdict::Next);
        FakePlugin& cameBefore =
            plugin(6).says(Point::MessagePublish, Verdict::Next, {.priority = 1});
        exchange(&gone, &cameBehind);
        exchange(&one, &cameBefore);
        CPPUNIT_ASSERT(publish("a", &waiter.answer.position).verdict == Verdict::Next);
        CPPUNIT_ASSERT_EQUAL(1, before.asked);
        CPPUNIT_ASSERT_EQUAL(0, cameBefore.asked);
        CPPUNIT_ASSERT_EQUAL(1, cameBehind.asked);
        CPPUNIT_ASSERT_EQUAL(1, behind.asked);
    }

    void changesMadeBeforeADeferralAreSeenAfterIt()
    {
        load(plugin(1).on(Point::MessagePublish, [](const Header&, Context& context) {
            return context.setTopic("changed") == 0 ? Verdict::Next : Verdict::Error;
        }));
        FakePlugin& one = deferring(2);
        load(one);
        FakePlugin& behind =
            plugin(3).says(Point::MessagePublish, Verdict::Next, {.filters = {"changed"}});
        load(behind);
        Waiter waiter;
        park(waiter);
        _bus.complete(one.set(), _deferral.token, Verdict::Next, 0, {});
        turn();
        publish("a", &waiter.answer.position);
        CPPUNIT_ASSERT_EQUAL(1, behind.asked);
        CPPUNIT_ASSERT_EQUAL(std::string("changed"), _outcome.topic.value());
    }

    void drainWaitsThenAnswersAsForAMissedDeadline()
    {
        FakePlugin& one = deferring(1, {}, Verdict::Deny);
        load(one);
        Waiter waiter;
        park(waiter);
        exchange(&one, nullptr);
        bool drained = false;
        std::thread host(
            [&] { drained = _registry.drain(one.set(), std::chrono::milliseconds(50)); });
        const bool resumed = eventually([&] {
            turn();
            turn(1);
            return waiter.resumed == 1;
        });
        host.join();
        CPPUNIT_ASSERT(resumed);
        CPPUNIT_ASSERT(drained);
        CPPUNIT_ASSERT(waiter.answer.timedOut);
        CPPUNIT_ASSERT(waiter.answer.verdict == Verdict::Deny);
        // No worker takes its turn: nothing can be promised then.
        Waiter second;
        load(one);
        park(second);
        exchange(&one, nullptr);
        CPPUNIT_ASSERT(!_registry.drain(one.set(), std::chrono::milliseconds(1)));
        turn();
        CPPUNIT_ASSERT_EQUAL(1, second.resumed);
    }

    void observersCannotDefer()
    {
        std::uint64_t token = 1;
        load(plugin(1).on(Point::ClientConnected,
                          [&](const Header&, Context& context) {
                              token = context.defer(1000, Verdict::Deny).token;
                              return Verdict::Next;
                          },
                          {.flags = sdk::kInline}));
        sdk::ClientConnected event{};
        _bus.tell(_bus.table(), 0, event, {});
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, token);
    }

    void standInParksUntilTheNextVersionIsAsked()
    {
        FakePlugin& before = plugin(1).says(Point::MessagePublish, Verdict::Next);
        FakePlugin& old = plugin(2)
                              .says(Point::MessagePublish, Verdict::Deny)
                              .says(Point::MessagePublished, Verdict::Next, {.filters = {"a"}});
        load(before);
        load(old);
        const Ref<HookSet> standIn = _registry.standIn(old.set(), std::chrono::seconds(1));
        CPPUNIT_ASSERT(_registry.exchange(&old.set(), standIn.get()));
        Waiter waiter;
        park(waiter);
        sdk::MessagePublished published{};
        published.topic = "a";
        _bus.tellPublished(_bus.table(), 0, published, {}, _filters.find("a"));

        FakePlugin& next = plugin(2).says(Point::MessagePublish, Verdict::Allow);
        CPPUNIT_ASSERT(_registry.exchange(standIn.get(), &next.set()));
        _registry.resumeParked(*standIn, &next.set());
        turn();
        CPPUNIT_ASSERT_EQUAL(1, waiter.resumed);
        CPPUNIT_ASSERT(waiter.answer.verdict == Verdict::Next);
        CPPUNIT_ASSERT(!waiter.answer.timedOut);
        CPPUNIT_ASSERT(publish("a", &waiter.answer.position).verdict == Verdict::Allow);
        CPPUNIT_ASSERT_EQUAL(1, before.asked);
        CPPUNIT_ASSERT_EQUAL(0, old.asked);
        CPPUNIT_ASSERT_EQUAL(1, next.asked);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, next.set().statistics().dropped);
    }

    void standInDoesNotSkipANextVersionThatMovedForward()
    {
        FakePlugin& old = plugin(2).says(Point::MessagePublish, Verdict::Next);
        load(old);
        const Ref<HookSet> standIn = _registry.standIn(old.set(), std::chrono::seconds(1));
        CPPUNIT_ASSERT(_registry.exchange(&old.set(), standIn.get()));
        Waiter waiter;
        park(waiter);
        FakePlugin& next = plugin(2).says(Point::MessagePublish, Verdict::Deny, {.priority = 50});
        CPPUNIT_ASSERT(_registry.exchange(standIn.get(), &next.set()));
        _registry.resumeParked(*standIn, &next.set());
        turn();
        CPPUNIT_ASSERT(publish("a", &waiter.answer.position).verdict == Verdict::Deny);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DeferralTest);
