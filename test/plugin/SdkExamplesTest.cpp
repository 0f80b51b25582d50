#include "HostFixture.h"

#include <cstdlib>

using namespace nanomq;

/// The SDK's examples, built against an installed SDK by installedSdk.cmake, in the plugin host.
class SdkExamplesTest : public HostFixture
{
    CPPUNIT_TEST_SUITE(SdkExamplesTest);
    CPPUNIT_TEST(messageCounterCounts);
    CPPUNIT_TEST(topicGuardRefusesWhatIsConfigured);
    CPPUNIT_TEST(topicGuardsSchemaChecksItsFile);
    CPPUNIT_TEST(slowAuthenticatorAnswersLater);
    CPPUNIT_TEST_SUITE_END();

    /// Library and configuration, as they come out of the example's project.
    void installExample(const std::string& name)
    {
        const char* folder = std::getenv("NANOMQ_EXAMPLES");
        CPPUNIT_ASSERT_MESSAGE("NANOMQ_EXAMPLES is not set", folder);
        const auto source = std::filesystem::path(folder) / name;
        writeBytes(libraryOf(name), readBytes(source / "build" / "plugins" / (name + ".so")));
        std::filesystem::copy_file(source / (name + ".conf"),
                                   _folder.path / "conf.d" / (name + ".conf"));
    }
    void loadExample(const std::string& name)
    {
        installExample(name);
        host().loadConfigured();
        const PluginInfo info = host().info(name).value();
        CPPUNIT_ASSERT_MESSAGE(info.reason, info.state == State::Active);
    }

public:
    void messageCounterCounts()
    {
        loadExample("message_counter");
        tell("a/b");
        tell("c");
        CPPUNIT_ASSERT(
            eventually([&] { return verb("message_counter status") == "{\"messages\":2}"; }));
        CPPUNIT_ASSERT(host().reload("message_counter"));
        CPPUNIT_ASSERT_EQUAL(std::string("{\"messages\":2}"), verb("message_counter status"));
        CPPUNIT_ASSERT_EQUAL(
            std::uint64_t{2},
            _services.registry.counter("message_counter_messages_total", "", "").value());
        CPPUNIT_ASSERT(host().unload("message_counter")->state == State::Gone);
        CPPUNIT_ASSERT(!mapped("message_counter"));
    }

    void topicGuardRefusesWhatIsConfigured()
    {
        loadExample("topic_guard");
        const HookOutcome refused = ask("secret/door");
        CPPUNIT_ASSERT(refused.verdict == sdk::Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x87, int{refused.reason});
        CPPUNIT_ASSERT_EQUAL(std::string("this topic is guarded"), refused.reasonText);
        CPPUNIT_ASSERT(ask("public/door").verdict == sdk::Verdict::Next);
        CPPUNIT_ASSERT(host().unload("topic_guard")->state == State::Gone);
    }

    void topicGuardsSchemaChecksItsFile()
    {
        installExample("topic_guard");
        configure("topic_guard", "topic_guard.deni.1 = secret/#\n");
        host().loadConfigured();
        const PluginInfo info = host().info("topic_guard").value();
        CPPUNIT_ASSERT(info.state == State::Failed);
        CPPUNIT_ASSERT_MESSAGE(info.reason,
                               info.reason.find("topic_guard.conf:1") != std::string::npos);
        configure("topic_guard", "topic_guard.enable = false\n");
        CPPUNIT_ASSERT(host().load("topic_guard")); // by hand the switch does not matter
    }

    void slowAuthenticatorAnswersLater()
    {
        loadExample("slow_authenticator");
        CPPUNIT_ASSERT(authenticate("open sesame").verdict == sdk::Verdict::Allow);
        const HookOutcome refused = authenticate("guess");
        CPPUNIT_ASSERT(refused.verdict == sdk::Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x86, int{refused.reason});
        CPPUNIT_ASSERT(host().unload("slow_authenticator")->state == State::Gone);
        CPPUNIT_ASSERT(!mapped("slow_authenticator"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SdkExamplesTest);
