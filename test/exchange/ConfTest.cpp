#include "nanomq/testing/mqtt_client.h"
#include "support/BrokerProcess.h"

#include <cppunit/extensions/HelperMacros.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace nanomq::test
{

namespace
{

using sdk::testing::MqttClient;

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

std::string textOf(const std::filesystem::path& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string rules(const std::string& denied)
{
    return "auth_file.enable = true\nacl.rule.1 = {\"permit\": \"deny\", \"topics\": [\"" + denied +
           "\"]}\nacl.rule.2 = {\"permit\": \"allow\"}\n";
}

} // namespace

/// `nanomqctl conf`: configuration as a transaction over all files and plugins.
class ConfTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ConfTest);
    CPPUNIT_TEST(checkTellsAllErrorsOfAllFiles);
    CPPUNIT_TEST(diffTellsWhatWouldChangeAndWhatNeedsARestart);
    CPPUNIT_TEST(applyTakesAFolderAndKeepsClients);
    CPPUNIT_TEST(applyTakesWhatWasEditedInPlace);
    CPPUNIT_TEST(applyChangesNothingWhenAnyFileIsWrong);
    CPPUNIT_TEST(applyPutsAllBackWhenOnePluginRefuses);
    CPPUNIT_TEST(applySwitchesPluginsOnAndOff);
    CPPUNIT_TEST(rollbackTakesTheLastChangeBack);
    CPPUNIT_TEST(commentsChangeNothing);
    CPPUNIT_TEST(startPutsBackWhatAnInterruptedChangeLeft);
    CPPUNIT_TEST_SUITE_END();

    void start(std::map<std::string, std::string> conf)
    {
        BrokerOptions options;
        options.conf = std::move(conf);
        options.pluginFolder = CONF_PLUGINS;
        _broker = std::make_unique<BrokerProcess>(std::move(options));
    }
    std::string candidate(const std::map<std::string, std::string>& conf)
    {
        std::filesystem::remove_all(_folder / "candidate");
        std::filesystem::create_directory(_folder / "candidate");
        for (const auto& [name, text] : conf) writeFile(_folder / "candidate" / name, text);
        return (_folder / "candidate").string();
    }
    CommandResult conf(std::vector<std::string> words)
    {
        words.insert(words.begin(), "conf");
        return _broker->ctl(std::move(words));
    }
    void mustSucceed(const CommandResult& told)
    {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(told.errors + told.output, 0, told.status);
    }
    std::string confD(const std::string& name) const { return textOf(_broker->confFolder() / name); }
    bool denied(MqttClient& client, const char* topic)
    {
        return client.publish(topic, "x", 1) == 0x87;
    }

public:
    void tearDown() override
    {
        if (_broker) _broker->stop();
    }

    void checkTellsAllErrorsOfAllFiles()
    {
        start({{"auth_file.conf", rules("a")}});
        mustSucceed(conf({"check"}));
        const auto told = conf({"check", candidate({{"nanomq.conf", "# first\nmsq_len = many\n"},
                                                    {"auth_file.conf", "acl_enabel = true\n"}})});
        CPPUNIT_ASSERT_EQUAL(1, told.status);
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "nanomq.conf:2: msq_len"));
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "auth_file.conf:1: acl_enabel"));
    }

    void diffTellsWhatWouldChangeAndWhatNeedsARestart()
    {
        start({{"auth_file.conf", rules("a")}});
        CPPUNIT_ASSERT(contains(conf({"diff"}).output, "nothing would change"));
        const auto folder = candidate(
            {{"nanomq.conf", "msq_len = 77\n"}, {"auth_file.conf", rules("b")}});
        const auto told = conf({"diff", folder, "--json"});
        mustSucceed(told);
        for (const char* part :
             {"\"key\":\"msq_len\"", "\"after\":\"77\"", "at the next start", "acl.rule.1",
              "\"action\":\"reload\"", "\"needs_restart\":true"})
            CPPUNIT_ASSERT_MESSAGE(told.output + " lacks " + part, contains(told.output, part));
        CPPUNIT_ASSERT_MESSAGE("only asked", confD("nanomq.conf").empty());
    }

    void applyTakesAFolderAndKeepsClients()
    {
        start({{"auth_file.conf", rules("a")}});
        MqttClient client(_broker->port(), {"c1"});
        CPPUNIT_ASSERT(denied(client, "a"));
        mustSucceed(conf({"apply", candidate({{"auth_file.conf", rules("b")}})}));
        CPPUNIT_ASSERT(!denied(client, "a"));
        CPPUNIT_ASSERT(denied(client, "b"));
        CPPUNIT_ASSERT_EQUAL(rules("b"), confD("auth_file.conf"));
    }

    void applyTakesWhatWasEditedInPlace()
    {
        start({{"auth_file.conf", rules("a")}});
        MqttClient client(_broker->port(), {"c1"});
        _broker->writeConf("auth_file.conf", rules("b"));
        mustSucceed(conf({"apply"}));
        CPPUNIT_ASSERT(denied(client, "b"));
        CPPUNIT_ASSERT(contains(conf({"diff"}).output, "nothing would change"));
    }

    void applyChangesNothingWhenAnyFileIsWrong()
    {
        start({{"auth_file.conf", rules("a")}});
        MqttClient client(_broker->port(), {"c1"});
        const auto told = conf({"apply", candidate({{"nanomq.conf", "msq_len = many\n"},
                                                    {"auth_file.conf", rules("b")}})});
        CPPUNIT_ASSERT_EQUAL(1, told.status);
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "nothing was changed"));
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "nanomq.conf:1: msq_len"));
        CPPUNIT_ASSERT(denied(client, "a"));
        CPPUNIT_ASSERT_EQUAL(rules("a"), confD("auth_file.conf"));
    }

    void applyPutsAllBackWhenOnePluginRefuses()
    {
        // webhook comes behind auth_file, and its schema cannot know that a rule makes no sense.
        const std::string hook = "web.hook.enable = true\nweb.hook.url = http://127.0.0.1:1\n";
        start({{"auth_file.conf", rules("a")}, {"webhook.conf", hook}});
        MqttClient client(_broker->port(), {"c1"});
        const std::string refused =
            hook + "web.hook.rule.message.nonsense.1 = {\"action\": \"on_message_publish\"}\n";
        const auto told = conf(
            {"apply", candidate({{"auth_file.conf", rules("b")}, {"webhook.conf", refused}})});
        CPPUNIT_ASSERT_EQUAL(1, told.status);
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "put back: webhook"));
        CPPUNIT_ASSERT(denied(client, "a"));
        CPPUNIT_ASSERT(!denied(client, "b"));
        CPPUNIT_ASSERT_EQUAL(rules("a"), confD("auth_file.conf"));
        CPPUNIT_ASSERT_EQUAL(hook, confD("webhook.conf"));
        CPPUNIT_ASSERT_EQUAL(refused,
                             textOf(_broker->stateFolder() / "conf" / "refused" / "webhook.conf"));
        const auto list = _broker->ctl({"plugin", "list", "--json"}).output;
        CPPUNIT_ASSERT_MESSAGE(list, !contains(list, "\"failed\""));
    }

    void applySwitchesPluginsOnAndOff()
    {
        start({});
        MqttClient client(_broker->port(), {"c1"});
        CPPUNIT_ASSERT(!denied(client, "a"));
        mustSucceed(conf({"apply", candidate({{"auth_file.conf", rules("a")}})}));
        CPPUNIT_ASSERT(denied(client, "a"));
        mustSucceed(conf({"apply", candidate({})}));
        CPPUNIT_ASSERT(!denied(client, "a"));
        CPPUNIT_ASSERT(!std::filesystem::exists(_broker->confFolder() / "auth_file.conf"));
    }

    void rollbackTakesTheLastChangeBack()
    {
        start({{"auth_file.conf", rules("a")}});
        MqttClient client(_broker->port(), {"c1"});
        CPPUNIT_ASSERT_EQUAL(1, conf({"rollback"}).status);
        mustSucceed(conf({"apply", candidate({{"auth_file.conf", rules("b")}})}));
        mustSucceed(conf({"rollback"}));
        CPPUNIT_ASSERT(denied(client, "a"));
        CPPUNIT_ASSERT_EQUAL(rules("a"), confD("auth_file.conf"));
        mustSucceed(conf({"rollback"})); // and that one, too
        CPPUNIT_ASSERT(denied(client, "b"));
    }

    void commentsChangeNothing()
    {
        start({{"auth_file.conf", rules("a")}});
        const auto told =
            conf({"apply", candidate({{"auth_file.conf", "# why\n" + rules("a")}})});
        mustSucceed(told);
        CPPUNIT_ASSERT_MESSAGE(told.output, contains(told.output, "nothing had to change"));
        CPPUNIT_ASSERT_EQUAL("# why\n" + rules("a"), confD("auth_file.conf"));
        const auto info = _broker->ctl({"plugin", "info", "auth_file", "--json"}).output;
        CPPUNIT_ASSERT_MESSAGE(info, contains(info, "\"generation\":1"));
    }

    void startPutsBackWhatAnInterruptedChangeLeft()
    {
        start({{"auth_file.conf", rules("a")}});
        _broker->kill();
        writeFile(_broker->stateFolder() / "conf" / "changing", "");
        _broker->writeConf("auth_file.conf", rules("b"));
        _broker->writeConf("webhook.conf", "half");
        _broker->start();
        MqttClient client(_broker->port(), {"c1"});
        CPPUNIT_ASSERT(denied(client, "a"));
        CPPUNIT_ASSERT_EQUAL(rules("a"), confD("auth_file.conf"));
        CPPUNIT_ASSERT(!std::filesystem::exists(_broker->confFolder() / "webhook.conf"));
    }

private:
    TemporaryFolder _folder;
    std::unique_ptr<BrokerProcess> _broker;
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConfTest);

} // namespace nanomq::test
