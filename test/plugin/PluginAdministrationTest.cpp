#include "HostFixture.h"

#include "plugin/PluginAdministration.h"

#include <cerrno>

/// The interface nanomq.plugin_admin/1.
class PluginAdministrationTest : public HostFixture
{
    CPPUNIT_TEST_SUITE(PluginAdministrationTest);
    CPPUNIT_TEST(loadsAndUnloadsByJobs);
    CPPUNIT_TEST(tellsWhyAJobFailed);
    CPPUNIT_TEST(listsPluginsWithTheirHooks);
    CPPUNIT_TEST_SUITE_END();

    using Admin = nanomq::sdk::PluginAdmin;

    struct Outcome final : Admin::Outcome
    {
        void outcome(nanomq::sdk::Str given, nanomq::sdk::Str) override { code = given.view(); }
        std::string code = "none";
    };
    struct Visitor final : Admin::Visitor
    {
        void plugin(const Admin::Plugin& plugin) override
        {
            state = plugin.state.view();
            hooksTold = plugin.hooks;
            ++plugins;
        }
        void hook(const Admin::Hook& hook) override
        {
            CPPUNIT_ASSERT_EQUAL(std::string("sample"), std::string(hook.plugin.view()));
            ++hooks;
        }
        std::string state;
        std::size_t plugins = 0, hooks = 0, hooksTold = 0;
    };

    std::string act(Admin& admin, Admin::Action action, const char* name)
    {
        std::uint64_t job = 0;
        CPPUNIT_ASSERT_EQUAL(0, admin.begin(action, name, &job));
        Outcome outcome;
        CPPUNIT_ASSERT_EQUAL(0, admin.outcome(job, 60'000, &outcome));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("told once", -ENOENT, admin.outcome(job, 0, &outcome));
        return outcome.code;
    }

public:
    void loadsAndUnloadsByJobs()
    {
        nanomq::PluginAdministration admin(host());
        install("sample_one");
        CPPUNIT_ASSERT_EQUAL(std::string(), act(admin, Admin::Action::Load, "sample"));
        CPPUNIT_ASSERT(stateOf() == State::Active);
        CPPUNIT_ASSERT_EQUAL(std::string(), act(admin, Admin::Action::Reload, "sample"));
        CPPUNIT_ASSERT_EQUAL(std::string(), act(admin, Admin::Action::Unload, "sample"));
        CPPUNIT_ASSERT(stateOf() == State::Gone);
    }

    void tellsWhyAJobFailed()
    {
        nanomq::PluginAdministration admin(host());
        CPPUNIT_ASSERT_EQUAL(std::string("not_found"), act(admin, Admin::Action::Load, "nothing"));
        CPPUNIT_ASSERT_EQUAL(std::string("not_loaded"),
                             act(admin, Admin::Action::Unload, "nothing"));
        std::uint64_t job = 0;
        CPPUNIT_ASSERT_EQUAL(-EINVAL, admin.begin(Admin::Action{9}, "x", &job));
        Outcome outcome;
        CPPUNIT_ASSERT_EQUAL(-ENOENT, admin.outcome(4711, 0, &outcome));
    }

    void listsPluginsWithTheirHooks()
    {
        nanomq::PluginAdministration admin(host());
        install("sample_one");
        mustLoad();
        Visitor visitor;
        CPPUNIT_ASSERT_EQUAL(0, admin.list({}, &visitor));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, visitor.plugins);
        CPPUNIT_ASSERT(visitor.hooks > 0);
        CPPUNIT_ASSERT_EQUAL(visitor.hooksTold, visitor.hooks);
        CPPUNIT_ASSERT_EQUAL(std::string("active"), visitor.state);
        CPPUNIT_ASSERT_EQUAL(0, admin.list("sample", &visitor));
        CPPUNIT_ASSERT_EQUAL(-ENOENT, admin.list("nothing", &visitor));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PluginAdministrationTest);
