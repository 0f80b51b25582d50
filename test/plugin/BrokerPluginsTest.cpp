#include "support/BrokerProcess.h"
#include "support/ScriptedClient.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <filesystem>
#include <memory>
#include <sys/stat.h>

namespace nanomq::test
{

namespace fs = std::filesystem;

/// What an operator meets: files that are dropped in, a hook that holds a worker, nanomqctl top.
class BrokerPluginsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(BrokerPluginsTest);
    CPPUNIT_TEST(pluginThatIsDroppedInBecomesActiveAndGoesWithItsConf);
    CPPUNIT_TEST(watcherCanBeSwitchedOff);
    CPPUNIT_TEST(heldWorkerIsToldAndEndsTheBrokerIfThatIsWanted);
    CPPUNIT_TEST(topTellsWhatHooksCost);
    CPPUNIT_TEST_SUITE_END();

public:
    void tearDown() override
    {
        if (_broker) _broker->stop();
        _broker.reset();
    }

    void pluginThatIsDroppedInBecomesActiveAndGoesWithItsConf()
    {
        start({});
        drop("sample_one");
        _broker->writeConf("sample.conf", "");
        CPPUNIT_ASSERT(listed("\"state\":\"active\""));
        fs::remove(_broker->confFolder() / "sample.conf");
        CPPUNIT_ASSERT(listed("\"state\":\"gone\""));
    }

    void watcherCanBeSwitchedOff()
    {
        start({.watchPlugins = false});
        drop("sample_one");
        _broker->writeConf("sample.conf", "");
        // `reload` does it, and is the first to find something to do.
        const CommandResult told = _broker->ctl({"reload", "--json"});
        CPPUNIT_ASSERT_MESSAGE(told.output,
                               told.output.find("\"action\":\"loaded\"") != std::string::npos);
    }

    void heldWorkerIsToldAndEndsTheBrokerIfThatIsWanted()
    {
        const std::string gate = _plugins / "gate";
        CPPUNIT_ASSERT_EQUAL(0, ::mkfifo(gate.c_str(), 0600));
        drop("sample_one");
        start({.conf = {{"nanomq.conf",
                         "watchdog.report_after = 50ms\nwatchdog.abort_after = 200ms\n"},
                        {"sample.conf", "sample.hang = hook\nsample.gate = " + gate + "\n"}}});
        ScriptedClient client(_broker->port());
        client.connect({.clientId = "c"});
        client.sendPublish("a", "x"); // the hook waits for the gate, which nobody opens
        const auto status = _broker->process().waitForExit();
        CPPUNIT_ASSERT(status && *status != 0);
        const std::string said = _broker->log();
        CPPUNIT_ASSERT_MESSAGE(
            said, said.find("has been inside message.publish of sample for") != std::string::npos);
        CPPUNIT_ASSERT_MESSAGE(said,
                               said.find("past watchdog.abort_after") != std::string::npos);
        _broker->kill();
        _broker.reset();
    }

    void topTellsWhatHooksCost()
    {
        drop("sample_one");
        start({.conf = {{"sample.conf", ""}}});
        ScriptedClient client(_broker->port());
        client.connect({.clientId = "c"});
        client.publish("a/b", "x", {.qos = QoS::AtLeastOnce});
        const CommandResult told = _broker->ctl({"top", "--once"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(told.errors, 0, told.status);
        CPPUNIT_ASSERT_MESSAGE(told.output,
                               told.output.find("\nsample\tmessage.publish\t") != std::string::npos);
        CPPUNIT_ASSERT(shows({"metrics"}, "nanomq_plugin_hook_calls_total\tplugin=\"sample\",hook="
                                          "\"message.publish\"\tcounter\t1\t"));
    }

private:
    struct Start
    {
        std::map<std::string, std::string> conf{};
        bool watchPlugins = true;
    };
    void start(const Start& how)
    {
        _broker = std::make_unique<BrokerProcess>(
            BrokerOptions{.conf = how.conf,
                          .pluginFolder = _plugins.path().string(),
                          .watchPlugins = how.watchPlugins});
    }
    /// As `cp` does it.
    void drop(const std::string& built)
    {
        fs::copy_file(fs::path(TEST_PLUGINS) / (built + ".so"), _plugins / "sample.so");
    }
    bool listed(const char* text) { return shows({"plugin", "list", "--json"}, text); }
    /// Whether nanomqctl shows a text, in the end.
    bool shows(const std::vector<std::string>& arguments, const char* text)
    {
        const Deadline deadline(kPatience);
        while (deadline.remainingMs() > 0)
            if (_broker->ctl(arguments).output.find(text) != std::string::npos) return true;
        return false;
    }

    TemporaryFolder _plugins;
    std::unique_ptr<BrokerProcess> _broker;
};

CPPUNIT_TEST_SUITE_REGISTRATION(BrokerPluginsTest);

} // namespace nanomq::test
