#include "HookFixture.h"

#include <optional>

using namespace nanomq;

/// Why did it happen, and what would happen: HookWitness and HookBus::askDry().
class HookWitnessTest : public HookFixture
{
    CPPUNIT_TEST_SUITE(HookWitnessTest);
    CPPUNIT_TEST(hearsWhoRefusedWhatAndWhy);
    CPPUNIT_TEST(hearsWhatWasChanged);
    CPPUNIT_TEST(hearsOfADelayAndOfItsAnswer);
    CPPUNIT_TEST(hearsNothingOfHooksThatLetPass);
    CPPUNIT_TEST(outcomeNamesThePluginThatRefused);
    CPPUNIT_TEST(dryRunAsksThoseWhoUnderstandIt);
    CPPUNIT_TEST(dryRunShowsChangesToTheNextHook);
    CPPUNIT_TEST(dryRunDefersNothingAndCountsNothing);
    CPPUNIT_TEST(dryRunOfAHookThatThrowsIsAnError);
    CPPUNIT_TEST_SUITE_END();

    struct Notes final : HookWitness
    {
        struct Note
        {
            std::string plugin, topic, reasonText, changes;
            Verdict verdict;
            int reason;
            bool late;
        };
        void decided(const HookDecision& decision) noexcept override
        {
            const auto& event = reinterpret_cast<const sdk::MessagePublish&>(decision.event);
            notes.push_back({std::string(decision.plugin), std::string(event.topic.view()),
                             std::string(decision.reasonText),
                             decision.outcome
                                 ? describeChanges(decision.changes, *decision.outcome)
                                 : "",
                             decision.verdict, decision.reason, decision.late});
        }
        std::vector<Note> notes;
    };
    static constexpr HookOptions kAware{.flags = sdk::kDryRunAware};

    std::vector<HookOpinion> wouldPublish(std::string_view topic)
    {
        std::vector<HookOpinion> opinions;
        _publish = {};
        _publish.topic = topic;
        _outcome = {};
        _bus.askDry(_bus.table(), 0, _publish, _outcome, opinions);
        return opinions;
    }

public:
    void setUp() override { _bus.setWitness(&_witness); }

    void hearsWhoRefusedWhatAndWhy()
    {
        load(plugin(1, "guard").on(Point::MessagePublish, [](const Header&, Context& context) {
            context.setReason(0x87, "rule 7");
            return Verdict::Deny;
        }));
        publish("a/b");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _witness.notes.size());
        const auto& note = _witness.notes.front();
        CPPUNIT_ASSERT_EQUAL(std::string("guard"), note.plugin);
        CPPUNIT_ASSERT_EQUAL(std::string("a/b"), note.topic);
        CPPUNIT_ASSERT_EQUAL(std::string("rule 7"), note.reasonText);
        CPPUNIT_ASSERT_EQUAL(0x87, note.reason);
        CPPUNIT_ASSERT(note.verdict == Verdict::Deny);
    }

    void hearsWhatWasChanged()
    {
        load(plugin(1, "mapper").on(Point::MessagePublish, [](const Header&, Context& context) {
            context.setTopic("new/topic");
            context.setQoS(1);
            return Verdict::Next;
        }));
        load(plugin(2, "looker").says(Point::MessagePublish, Verdict::Next));
        publish("a");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _witness.notes.size());
        CPPUNIT_ASSERT_EQUAL(std::string("mapper"), _witness.notes[0].plugin);
        CPPUNIT_ASSERT_EQUAL(std::string("topic \"new/topic\", qos 1"), _witness.notes[0].changes);
    }

    void hearsOfADelayAndOfItsAnswer()
    {
        sdk::Deferral deferral{};
        FakePlugin& slow =
            plugin(1, "slow").on(Point::MessagePublish, [&](const Header&, Context& context) {
                deferral = context.defer(60'000, Verdict::Deny);
                return Verdict::Pending;
            });
        load(slow);
        const auto token = publish("a").deferral;
        CPPUNIT_ASSERT(_witness.notes.at(0).verdict == Verdict::Pending);
        Waiter waiter;
        CPPUNIT_ASSERT(_bus.park(token, waiter));
        _bus.complete(slow.set(), deferral.token, Verdict::Deny, 0x87, "no");
        turn();
        CPPUNIT_ASSERT_EQUAL(1, waiter.resumed);
        CPPUNIT_ASSERT_EQUAL(std::string("slow"), waiter.answer.plugin);
        _bus.tellAnswered(0, _publish, waiter.answer);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _witness.notes.size());
        CPPUNIT_ASSERT(_witness.notes[1].late);
        CPPUNIT_ASSERT_EQUAL(std::string("no"), _witness.notes[1].reasonText);
    }

    void hearsNothingOfHooksThatLetPass()
    {
        load(plugin(1).says(Point::MessagePublish, Verdict::Next));
        load(plugin(2).says(Point::MessagePublish, Verdict::Allow));
        publish("a");
        CPPUNIT_ASSERT(_witness.notes.empty());
    }

    void outcomeNamesThePluginThatRefused()
    {
        load(plugin(1, "first").says(Point::MessagePublish, Verdict::Next));
        load(plugin(2, "second").says(Point::MessagePublish, Verdict::Drop));
        CPPUNIT_ASSERT_EQUAL(std::string("second"), publish("a").plugin);
        exchange(&_plugins.back(), nullptr);
        CPPUNIT_ASSERT_EQUAL(std::string(), publish("a").plugin);
    }

    void dryRunAsksThoseWhoUnderstandIt()
    {
        FakePlugin& unaware = plugin(1, "unaware").says(Point::MessagePublish, Verdict::Deny);
        load(unaware);
        load(plugin(2, "aware").on(
            Point::MessagePublish,
            [](const Header& event, Context& context) {
                context.setReason(0x87, "rule 1");
                return (event.flags & sdk::kDryRun) != 0 ? Verdict::Deny : Verdict::Next;
            },
            kAware));
        FakePlugin& behind = plugin(3, "behind").says(Point::MessagePublish, Verdict::Allow, kAware);
        load(behind);
        const auto opinions = wouldPublish("a");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, opinions.size());
        CPPUNIT_ASSERT(!opinions[0].asked);
        CPPUNIT_ASSERT_EQUAL(std::string("aware"), opinions[1].plugin);
        CPPUNIT_ASSERT(opinions[1].verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::string("rule 1"), opinions[1].reasonText);
        CPPUNIT_ASSERT(_outcome.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::string("aware"), _outcome.plugin);
        CPPUNIT_ASSERT_EQUAL(0, unaware.asked);
        CPPUNIT_ASSERT_EQUAL(0, behind.asked);
        CPPUNIT_ASSERT(_witness.notes.empty());
    }

    void dryRunShowsChangesToTheNextHook()
    {
        std::string seen;
        load(plugin(1).on(
            Point::MessagePublish,
            [](const Header&, Context& context) {
                context.setTopic("b");
                return Verdict::Next;
            },
            kAware));
        load(plugin(2).on(
            Point::MessagePublish,
            [&](const Header& event, Context&) {
                seen = reinterpret_cast<const sdk::MessagePublish&>(event).topic.view();
                return Verdict::Next;
            },
            kAware));
        const auto opinions = wouldPublish("a");
        CPPUNIT_ASSERT_EQUAL(std::string("b"), seen);
        CPPUNIT_ASSERT_EQUAL(std::string("topic \"b\""), opinions[0].changes);
        CPPUNIT_ASSERT_EQUAL(std::string("b"), *_outcome.topic);
    }

    void dryRunDefersNothingAndCountsNothing()
    {
        std::uint64_t token = 1;
        FakePlugin& slow = plugin(1, "slow").on(
            Point::MessagePublish,
            [&](const Header&, Context& context) {
                token = context.defer(1'000, Verdict::Deny).token;
                return Verdict::Pending;
            },
            kAware);
        load(slow);
        const auto opinions = wouldPublish("a");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, token);
        CPPUNIT_ASSERT(opinions.at(0).verdict == Verdict::Pending);
        CPPUNIT_ASSERT_EQUAL(0u, slow.set().openDeferrals());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, slow.set().statistics().hooks.at(0).calls);
    }

    void dryRunOfAHookThatThrowsIsAnError()
    {
        const HookOptions closed{.flags = sdk::kDryRunAware | sdk::kFailClosed};
        load(plugin(1, "broken").on(
            Point::MessagePublish,
            [](const Header&, Context&) -> Verdict { throw std::runtime_error("out of order"); },
            closed));
        const auto opinions = wouldPublish("a");
        CPPUNIT_ASSERT(opinions.at(0).verdict == Verdict::Error);
        CPPUNIT_ASSERT_EQUAL(std::string("out of order"), opinions[0].reasonText);
        CPPUNIT_ASSERT(_outcome.verdict == Verdict::Deny);
    }

private:
    Notes _witness;
};

CPPUNIT_TEST_SUITE_REGISTRATION(HookWitnessTest);
