#include "HookFixture.h"

#include <cerrno>

using namespace nanomq;

/// Intercept and decide hooks: who is asked, in what order, and what becomes of the answers.
class HookChainTest : public HookFixture
{
    CPPUNIT_TEST_SUITE(HookChainTest);
    CPPUNIT_TEST(withoutHooksNoPointHasAny);
    CPPUNIT_TEST(asksByPriorityThenPluginThenRegistration);
    CPPUNIT_TEST(denyEndsTheChainWithItsReason);
    CPPUNIT_TEST(reasonOfAHookWithoutOpinionIsForgotten);
    CPPUNIT_TEST(nextHookSeesWhatTheOneBeforeChanged);
    CPPUNIT_TEST(changedClientIdIsSeenAndTheEventRestored);
    CPPUNIT_TEST(refusesChangesThatThePointDoesNotAllow);
    CPPUNIT_TEST(refusesValuesThatMqttDoesNotAllow);
    CPPUNIT_TEST(asksOnlyHooksWhoseFiltersMatch);
    CPPUNIT_TEST(failingHookIsSkippedAndCounted);
    CPPUNIT_TEST(failingHookThatFailsClosedDenies);
    CPPUNIT_TEST(dropIsAVerdictForMessagesOnly);
    CPPUNIT_TEST(refusesSpecsThatMakeNoSense);
    CPPUNIT_TEST(unloadedHookIsNotAsked);
    CPPUNIT_TEST(filterThatTheIndexRefusesLeavesNothingBehind);
    CPPUNIT_TEST(samplesTheTimeOfOneCallIn128);
    CPPUNIT_TEST_SUITE_END();

    std::vector<std::string> _order;
    FakePlugin::Function note(std::string name, Verdict verdict = Verdict::Next)
    {
        return [this, name = std::move(name), verdict](const Header&, Context&) {
            _order.push_back(name);
            return verdict;
        };
    }

public:
    void withoutHooksNoPointHasAny()
    {
        for (std::uint16_t number = 1; number < sdk::kHookPoints; ++number)
            CPPUNIT_ASSERT(!_bus.table().any(static_cast<Point>(number)));
        load(plugin(1).says(Point::MessagePublish, Verdict::Next));
        CPPUNIT_ASSERT(_bus.table().any(Point::MessagePublish));
        CPPUNIT_ASSERT(!_bus.table().any(Point::MessagePublished));
        CPPUNIT_ASSERT(!_bus.table().offloads(Point::MessagePublish));
    }

    void asksByPriorityThenPluginThenRegistration()
    {
        load(plugin(2).on(Point::MessagePublish, note("second plugin")));
        load(plugin(1)
                 .on(Point::MessagePublish, note("low"), {.priority = -5})
                 .on(Point::MessagePublish, note("first"))
                 .on(Point::MessagePublish, note("first again"))
                 .on(Point::MessagePublish, note("high"), {.priority = 100}));
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Next);
        const std::vector<std::string> expected{"high", "first", "first again", "second plugin",
                                                "low"};
        CPPUNIT_ASSERT(expected == _order);
    }

    void denyEndsTheChainWithItsReason()
    {
        FakePlugin& behind = plugin(2).says(Point::MessagePublish, Verdict::Allow);
        load(behind);
        load(plugin(1).on(Point::MessagePublish, [](const Header&, Context& context) {
            context.setReason(0x87, "not yours");
            return Verdict::Deny;
        }));
        const HookOutcome& outcome = publish("a");
        CPPUNIT_ASSERT(outcome.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x87, int{outcome.reason});
        CPPUNIT_ASSERT_EQUAL(std::string("not yours"), outcome.reasonText);
        CPPUNIT_ASSERT_EQUAL(0, behind.asked);
    }

    void reasonOfAHookWithoutOpinionIsForgotten()
    {
        load(plugin(1).on(Point::MessagePublish, [](const Header&, Context& context) {
            context.setReason(0x87, "perhaps");
            return Verdict::Next;
        }));
        load(plugin(2).says(Point::MessagePublish, Verdict::Deny));
        const HookOutcome& outcome = publish("a");
        CPPUNIT_ASSERT(outcome.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0, int{outcome.reason});
        CPPUNIT_ASSERT_EQUAL(std::string(), outcome.reasonText);
    }

    void nextHookSeesWhatTheOneBeforeChanged()
    {
        std::string topic, payload;
        int qos = -1;
        load(plugin(1).on(Point::MessagePublish, [](const Header&, Context& context) {
            CPPUNIT_ASSERT_EQUAL(0, context.setTopic("b/c"));
            CPPUNIT_ASSERT_EQUAL(0, context.setPayload({"off", 3}));
            CPPUNIT_ASSERT_EQUAL(0, context.setQoS(2));
            CPPUNIT_ASSERT_EQUAL(0, context.addUserProperty("k", "v"));
            return Verdict::Next;
        }));
        load(plugin(2).on(Point::MessagePublish,
                          [&](const Header& header, Context&) {
                              const auto& event =
                                  reinterpret_cast<const sdk::MessagePublish&>(header);
                              topic = event.topic.view();
                              payload = event.payload.view();
                              qos = event.qos;
                              return Verdict::Next;
                          },
                          {.filters = {"b/#"}}));
        const HookOutcome& outcome = publish("a");
        CPPUNIT_ASSERT_EQUAL(std::string("b/c"), topic);
        CPPUNIT_ASSERT_EQUAL(std::string("off"), payload);
        CPPUNIT_ASSERT_EQUAL(2, qos);
        CPPUNIT_ASSERT_EQUAL(std::string("b/c"), outcome.topic.value());
        CPPUNIT_ASSERT_EQUAL(std::string("off"), outcome.payload.value());
        CPPUNIT_ASSERT_EQUAL(2, int{outcome.qos.value()});
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, outcome.userProperties.size());
    }

    void changedClientIdIsSeenAndTheEventRestored()
    {
        std::string seen;
        load(plugin(1)
                 .on(Point::ClientConnect,
                     [](const Header&, Context& context) {
                         CPPUNIT_ASSERT_EQUAL(0, context.setClientId("other"));
                         CPPUNIT_ASSERT_EQUAL(0, context.setUserName("somebody"));
                         return Verdict::Next;
                     })
                 .on(Point::ClientConnect, [&](const Header& header, Context&) {
                     const auto& event = reinterpret_cast<const sdk::ClientConnect&>(header);
                     seen = std::string(event.client->clientId.view()) + '/' +
                            std::string(event.client->userName.view());
                     return Verdict::Next;
                 }));
        sdk::ClientInfo client{};
        client.clientId = "one";
        sdk::ClientConnect event{};
        event.client = &client;
        _bus.ask(_bus.table(), 0, event, {}, _outcome);
        CPPUNIT_ASSERT_EQUAL(std::string("other/somebody"), seen);
        CPPUNIT_ASSERT_EQUAL(std::string("other"), _outcome.clientId.value());
        CPPUNIT_ASSERT(event.client == &client);
    }

    void refusesChangesThatThePointDoesNotAllow()
    {
        std::vector<int> statuses;
        load(plugin(1).on(Point::ClientAuthenticate, [&](const Header&, Context& context) {
            statuses = {context.setTopic("a"),
                        context.setPayload({"x", 1}),
                        context.setQoS(1),
                        context.addUserProperty("a", "b"),
                        context.setClientId("x"),
                        context.setUserName("x"),
                        context.setAuthenticationData({"x", 1})};
            return Verdict::Allow;
        }));
        sdk::ClientAuthenticate event{};
        _bus.ask(_bus.table(), 0, event, {}, _outcome);
        CPPUNIT_ASSERT(statuses == std::vector<int>(7, -EPERM));
        CPPUNIT_ASSERT(_outcome.verdict == Verdict::Allow);
    }

    void refusesValuesThatMqttDoesNotAllow()
    {
        load(plugin(1).on(Point::MessagePublish, [](const Header&, Context& context) {
            CPPUNIT_ASSERT_EQUAL(-EINVAL, context.setTopic("a/+"));
            CPPUNIT_ASSERT_EQUAL(-EINVAL, context.setTopic(""));
            CPPUNIT_ASSERT_EQUAL(-EINVAL, context.setTopic("\xC0\x80"));
            CPPUNIT_ASSERT_EQUAL(-EINVAL, context.setTopic(std::string(65536, 'a')));
            CPPUNIT_ASSERT_EQUAL(-EINVAL, context.setQoS(3));
            CPPUNIT_ASSERT_EQUAL(-EINVAL, context.addUserProperty("\xED\xA0\x80", ""));
            return Verdict::Next;
        }));
        const HookOutcome& outcome = publish("a");
        CPPUNIT_ASSERT(outcome.verdict == Verdict::Next);
        CPPUNIT_ASSERT(!outcome.topic && !outcome.qos && outcome.userProperties.empty());
        CPPUNIT_ASSERT(_errors.texts.empty());
    }

    void asksOnlyHooksWhoseFiltersMatch()
    {
        FakePlugin& asked = plugin(1).says(Point::MessagePublish, Verdict::Next,
                                           {.filters = {"plant/+/state", "sport/#", "exact"}});
        load(asked);
        struct Case
        {
            const char* topic;
            int asked;
        };
        for (const Case& c : {Case{"plant/1/state", 1}, Case{"plant/1/other", 0}, Case{"sport", 1},
                              Case{"sport/x/y", 1}, Case{"sporty", 0}, Case{"exact", 1},
                              Case{"exactly", 0}, Case{"exac", 0}})
        {
            asked.asked = 0;
            publish(c.topic);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.topic, c.asked, asked.asked);
        }
    }

    void failingHookIsSkippedAndCounted()
    {
        FakePlugin& failing =
            plugin(1)
                .on(Point::MessagePublish,
                    [](const Header&, Context&) -> Verdict {
                        throw std::runtime_error("no database");
                    })
                .on(Point::MessagePublish, [](const Header&, Context&) -> Verdict { throw 7; })
                .says(Point::MessagePublish, Verdict::Error)
                .says(Point::MessagePublish, Verdict::Pending);
        load(failing);
        FakePlugin& behind = plugin(2).says(Point::MessagePublish, Verdict::Allow);
        load(behind);
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Allow);
        CPPUNIT_ASSERT_EQUAL(1, behind.asked);
        for (const auto& hook : failing.set().statistics().hooks)
        {
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, hook.calls);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, hook.errors);
        }
        const std::vector<std::string> expected{"message.publish: no database",
                                                "message.publish: an exception of unknown type",
                                                "message.publish: Pending without a deferral"};
        CPPUNIT_ASSERT(expected == _errors.texts);
    }

    void failingHookThatFailsClosedDenies()
    {
        load(plugin(1, "guard")
                 .says(Point::MessagePublish, Verdict::Error, {.flags = sdk::kFailClosed}));
        FakePlugin& behind = plugin(2).says(Point::MessagePublish, Verdict::Allow);
        load(behind);
        const HookOutcome& outcome = publish("a");
        CPPUNIT_ASSERT(outcome.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::string("the plugin guard failed"), outcome.reasonText);
        CPPUNIT_ASSERT_EQUAL(0, behind.asked);
    }

    void dropIsAVerdictForMessagesOnly()
    {
        load(plugin(1)
                 .says(Point::MessagePublish, Verdict::Drop)
                 .says(Point::ClientAuthorize, Verdict::Drop));
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Drop);
        sdk::ClientAuthorize event{};
        _bus.ask(_bus.table(), 0, event, {}, _outcome);
        CPPUNIT_ASSERT(_outcome.verdict == Verdict::Next);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _errors.texts.size());
    }

    void refusesSpecsThatMakeNoSense()
    {
        HookSet& set = plugin(1).set();
        const sdk::Str good = "a/#", bad = "a#";
        sdk::HookSpec valid{};
        valid.size = sizeof valid;
        valid.point = Point::MessagePublish;
        valid.function = [](void*, const Header*, Context*) { return Verdict::Next; };
        valid.topicFilters = &good;
        valid.filterCount = 1;
        struct Case
        {
            const char* what;
            std::function<void(sdk::HookSpec&)> change;
        };
        const Case cases[] = {
            {"too small", [](auto& s) { s.size = 8; }},
            {"no function", [](auto& s) { s.function = nullptr; }},
            {"point 0", [](auto& s) { s.point = static_cast<Point>(0); }},
            {"point 27", [](auto& s) { s.point = static_cast<Point>(27); }},
            {"unknown flag", [](auto& s) { s.flags = 1u << 31; }},
            {"ill-formed filter", [&](auto& s) { s.topicFilters = &bad; }},
            {"filters missing", [](auto& s) { s.topicFilters = nullptr; }},
            {"no topic to filter", [](auto& s) { s.point = Point::ClientConnect; }},
        };
        for (const Case& c : cases)
        {
            sdk::HookSpec spec = valid;
            c.change(spec);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, -EINVAL, set.add(spec));
        }
        CPPUNIT_ASSERT_EQUAL(0, set.add(valid));
        valid.filterCount = HookSet::kMaxFilters;
        CPPUNIT_ASSERT_EQUAL(-E2BIG, set.add(valid));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, set.hooks().size());
    }

    void unloadedHookIsNotAsked()
    {
        FakePlugin& one = plugin(1).says(Point::MessagePublish, Verdict::Deny);
        load(one);
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Deny);
        exchange(&one, nullptr);
        CPPUNIT_ASSERT(!_bus.table().any(Point::MessagePublish));
        CPPUNIT_ASSERT(publish("a").verdict == Verdict::Next);
        CPPUNIT_ASSERT_EQUAL(1, one.asked);
    }

    void filterThatTheIndexRefusesLeavesNothingBehind()
    {
        _filters.refused = "b/#";
        FakePlugin& one =
            plugin(1)
                .says(Point::MessagePublished, Verdict::Next, {.filters = {"c"}})
                .says(Point::MessagePublished, Verdict::Next, {.filters = {"a", "b/#"}});
        CPPUNIT_ASSERT(!_registry.exchange(nullptr, &one.set()));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _filters.size());
        CPPUNIT_ASSERT(!_bus.table().any(Point::MessagePublished));
    }

    void samplesTheTimeOfOneCallIn128()
    {
        FakePlugin& one = plugin(1).says(Point::MessagePublish, Verdict::Next);
        load(one);
        for (int i = 0; i < 256; ++i) publish("a");
        const auto statistics = one.set().statistics();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{256}, statistics.hooks[0].calls);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, statistics.hooks[0].samples);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HookChainTest);
