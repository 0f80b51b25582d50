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
    CPPUNIT_TEST(maintenanceRefusesWhileItIsOn);
    CPPUNIT_TEST(serviceIsUsedWhileItIsThere);
    CPPUNIT_TEST(serviceIsReplacedWhileItIsUsed);
    CPPUNIT_TEST(pluginInCCountsAndRefuses);
    CPPUNIT_TEST_SUITE_END();

    /// Library and configuration, as they come out of the example's project.
    void installExample(const std::string& name, const std::string& project = {})
    {
        const char* folder = std::getenv("NANOMQ_EXAMPLES");
        CPPUNIT_ASSERT_MESSAGE("NANOMQ_EXAMPLES is not set", folder);
        const auto source = std::filesystem::path(folder) / (project.empty() ? name : project);
        writeBytes(libraryOf(name), readBytes(source / "build" / "plugins" / (name + ".so")));
        std::filesystem::copy_file(source / (name + ".conf"),
                                   _folder.path / "conf.d" / (name + ".conf"));
    }
    void loadExample(const std::string& name, const std::string& project = {})
    {
        installExample(name, project);
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

    void maintenanceRefusesWhileItIsOn()
    {
        loadExample("maintenance");
        CPPUNIT_ASSERT_EQUAL(std::string("{\"on\":false,\"refused\":0}"), verb("maintenance status"));
        CPPUNIT_ASSERT(connect().verdict == sdk::Verdict::Next);
        CPPUNIT_ASSERT_EQUAL(std::string("{\"on\":true,\"refused\":0}"), verb("maintenance begin"));
        CPPUNIT_ASSERT_EQUAL(0x88, int{connect().reason});
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1},
                             _services.registry.gauge("maintenance_on", "", "").value());
        CPPUNIT_ASSERT_EQUAL(std::string("{\"on\":false,\"refused\":1}"), verb("maintenance end"));
        CPPUNIT_ASSERT(connect().verdict == sdk::Verdict::Next);
        CPPUNIT_ASSERT(host().unload("maintenance")->state == State::Gone);
        CPPUNIT_ASSERT(!mapped("maintenance"));
    }

    void serviceIsUsedWhileItIsThere()
    {
        loadExample("word_filter", "service_pair"); // before the one it needs
        CPPUNIT_ASSERT(ask("a", "confidential").verdict == sdk::Verdict::Next);
        loadExample("word_list", "service_pair");
        CPPUNIT_ASSERT_EQUAL(0x99, int{ask("a", "confidential").reason});
        CPPUNIT_ASSERT(ask("a", "harmless").verdict == sdk::Verdict::Next);
        CPPUNIT_ASSERT(host().unload("word_list")->state == State::Gone);
        CPPUNIT_ASSERT(!mapped("word_list"));
        CPPUNIT_ASSERT(ask("a", "confidential").verdict == sdk::Verdict::Next);
        CPPUNIT_ASSERT(host().unload("word_filter")->state == State::Gone);
    }

    void serviceIsReplacedWhileItIsUsed()
    {
        loadExample("word_list", "service_pair");
        loadExample("word_filter", "service_pair");
        std::atomic<bool> stop{false};
        std::atomic<int> passed{0};
        std::thread asking([&] {
            while (!stop) passed += ask("a", "confidential").verdict != sdk::Verdict::Deny;
        });
        for (int round = 0; round < 20; ++round)
            CPPUNIT_ASSERT(host().reload(round % 2 == 0 ? "word_list" : "word_filter"));
        stop = true;
        asking.join();
        CPPUNIT_ASSERT_EQUAL(0, passed.load());
    }

    void pluginInCCountsAndRefuses()
    {
        installExample("c_counter");
        configure("c_counter", "c_counter.deny = secret/#\n");
        host().loadConfigured();
        const PluginInfo info = host().info("c_counter").value();
        CPPUNIT_ASSERT_MESSAGE(info.reason, info.state == State::Active);
        CPPUNIT_ASSERT_EQUAL(0x87, int{ask("secret/door").reason});
        CPPUNIT_ASSERT(ask("public/door").verdict == sdk::Verdict::Next);
        tell("a/b");
        CPPUNIT_ASSERT(eventually([&] { return verb("c_counter status") == "{\"messages\":1}"; }));
        CPPUNIT_ASSERT(host().reload("c_counter"));
        CPPUNIT_ASSERT(host().unload("c_counter")->state == State::Gone);
        CPPUNIT_ASSERT(!mapped("c_counter"));

        configure("c_counter", "c_counter.deny = a/#/b\n");
        CPPUNIT_ASSERT(!host().load("c_counter"));
        const auto reason = host().info("c_counter")->reason;
        CPPUNIT_ASSERT_MESSAGE(reason, reason.find("no Topic Filter") != std::string::npos);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SdkExamplesTest);
