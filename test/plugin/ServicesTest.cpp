#include "HostFixture.h"

using namespace nanomq;

/// Services from plugin to plugin: who keeps one, keeps its provider.
class ServicesTest : public HostFixture
{
    CPPUNIT_TEST_SUITE(ServicesTest);
    CPPUNIT_TEST(providerInUseIsNotUnloaded);
    CPPUNIT_TEST(providerInUseIsNotReplaced);
    CPPUNIT_TEST(unloadedUserGivesBackWhatItKept);
    CPPUNIT_TEST(userIsToldWhenAServiceComesAndGoes);
    CPPUNIT_TEST(nameIsProvidedByOnePluginAtATime);
    CPPUNIT_TEST(kernelHooksComeAndGo);
    CPPUNIT_TEST_SUITE_END();

    std::string told() { return verb("keeper told"); }
    void loadBoth()
    {
        _overridden.deferralDeadline = std::chrono::milliseconds(50);
        makeHost();
        install("provider", "provider");
        install("keeper", "keeper");
        mustLoad("provider");
        mustLoad("keeper");
    }

public:
    void providerInUseIsNotUnloaded()
    {
        loadBoth();
        const auto refused = host().unload("provider");
        CPPUNIT_ASSERT(!refused);
        CPPUNIT_ASSERT_EQUAL(std::string("in_use"), refused.error().code);
        CPPUNIT_ASSERT_EQUAL(std::string("provider goes on: it is in use by keeper"),
                             refused.error().message);
        CPPUNIT_ASSERT(stateOf("provider") == State::Active);
        // It goes, then it is there after all, and is found again: one more reference.
        CPPUNIT_ASSERT_EQUAL(std::string("\"+-+\""), told());
    }

    void providerInUseIsNotReplaced()
    {
        loadBoth();
        const auto refused = host().reload("provider");
        CPPUNIT_ASSERT(!refused);
        CPPUNIT_ASSERT_EQUAL(std::string("in_use"), refused.error().code);
        CPPUNIT_ASSERT(stateOf("provider") == State::Active);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, host().info("provider")->generation);
    }

    void unloadedUserGivesBackWhatItKept()
    {
        loadBoth();
        CPPUNIT_ASSERT(host().unload("keeper"));
        CPPUNIT_ASSERT(host().unload("provider")->state == State::Gone);
        CPPUNIT_ASSERT(!mapped("provider"));
    }

    void userIsToldWhenAServiceComesAndGoes()
    {
        _overridden.deferralDeadline = std::chrono::seconds(20);
        makeHost();
        install("provider", "provider");
        install("keeper", "keeper");
        mustLoad("keeper");
        CPPUNIT_ASSERT_EQUAL(std::string("\"\""), told());
        mustLoad("provider");
        CPPUNIT_ASSERT_EQUAL(std::string("\"+\""), told());
        auto unloaded = host().unloadLater("provider");
        CPPUNIT_ASSERT(eventually([&] { return told() == "\"+-\""; }));
        CPPUNIT_ASSERT_EQUAL(std::string("true"), verb("keeper release"));
        CPPUNIT_ASSERT(unloaded.get()->state == State::Gone);
        mustLoad("provider");
        CPPUNIT_ASSERT_EQUAL(std::string("\"+-+\""), told());
        CPPUNIT_ASSERT_EQUAL(std::string("true"), verb("keeper release"));
    }

    void nameIsProvidedByOnePluginAtATime()
    {
        install("provider", "provider");
        install("rival", "rival");
        mustLoad("provider");
        const auto refused = host().load("rival");
        CPPUNIT_ASSERT(!refused);
        CPPUNIT_ASSERT_MESSAGE(refused.error().message,
                               refused.error().message.find("taken") != std::string::npos);
        CPPUNIT_ASSERT(host().unload("provider"));
        mustLoad("rival");
    }

    /// What a trace has in the table while it runs.
    void kernelHooksComeAndGo()
    {
        static std::atomic<int> seen;
        seen = 0;
        const sdk::Str filter = "a/#";
        sdk::HookSpec spec{};
        spec.size = sizeof spec;
        spec.point = sdk::HookPoint::MessagePublished;
        spec.flags = sdk::kInline;
        spec.filterCount = 1;
        spec.topicFilters = &filter;
        spec.function = [](void*, const sdk::EventHeader*, sdk::HookContext*) {
            ++seen;
            return sdk::Verdict::Next;
        };
        const auto hooks = host().addHooks("trace", {spec}, std::make_shared<int>(0));
        CPPUNIT_ASSERT(bool(hooks));
        tell("a/b");
        tell("b");
        CPPUNIT_ASSERT_EQUAL(1, seen.load());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _filters.size());
        host().removeHooks(*hooks);
        tell("a/b");
        CPPUNIT_ASSERT_EQUAL(1, seen.load());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _filters.size());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ServicesTest);
