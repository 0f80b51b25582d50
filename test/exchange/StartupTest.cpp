#include "ExchangeTest.h"

#include "credentials/PasswordFile.h"

#include <csignal>
#include <filesystem>

namespace nanomq::test
{

/// What the broker does with plugins that are to keep somebody out, and with what is wrong on disk.
class StartupTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(StartupTest);
    CPPUNIT_TEST(doesNotStartWithoutALibraryThatIsSwitchedOn);
    CPPUNIT_TEST(startsWithoutItWhenToldSo);
    CPPUNIT_TEST(staysClosedWhenTheLastAuthenticatorIsUnloaded);
    CPPUNIT_TEST(opensWithoutAnAuthenticatorOnlyIfThatIsWrittenOut);
    CPPUNIT_TEST(reloadsOnSighup);
    CPPUNIT_TEST(checksCertificateFiles);
    CPPUNIT_TEST_SUITE_END();

public:
    void tearDown() override
    {
        if (_broker) _broker->stop();
    }

    void doesNotStartWithoutALibraryThatIsSwitchedOn()
    {
        writeFile(_folder / "plugins/broken.so", "no library");
        for (const char* name : {"missing", "broken"})
        {
            const std::string conf = (_folder / "conf.d").string();
            std::filesystem::remove_all(conf);
            writeFile(conf + "/" + name + ".conf", "");
            const auto run = runBroker({});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(run.errors, 1, run.status);
            expectIn(run.errors, std::string("the plugin ") + name + " is switched on");
            expectIn(run.errors, "plugin.missing = ignore starts without it");
            const auto check = runBroker({"--check"});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(check.errors, 1, check.status);
        }
    }

    void startsWithoutItWhenToldSo()
    {
        start({{"nanomq.conf", "plugin.missing = ignore\n"}, {"missing.conf", ""}});
        ScriptedClient client(_broker->port());
        client.connect({.clientId = "c"});
        client.expectNothingBeforePingresp();
    }

    void staysClosedWhenTheLastAuthenticatorIsUnloaded()
    {
        start(guarded());
        ScriptedClient there(_broker->port());
        there.connect({.clientId = "there", .userName = "alice", .password = "alice's"});
        expectIn(unload(), "allow_anonymous is not written out");
        there.expectNothingBeforePingresp(); // stays
        expectAnswer({.clientId = "c"}, ReasonCode::NotAuthorized);
        expectAnswer({.clientId = "c", .userName = "alice", .password = "alice's"},
                     ReasonCode::NotAuthorized);
        const auto loaded = _broker->ctl({"plugin", "load", "auth_file"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(loaded.errors, 0, loaded.status);
        expectAnswer({.clientId = "c", .userName = "alice", .password = "alice's"},
                     ReasonCode::Success);
    }

    void opensWithoutAnAuthenticatorOnlyIfThatIsWrittenOut()
    {
        start(guarded("allow_anonymous = true\n"));
        expectIn(unload(), "allow_anonymous = true lets everybody in");
        expectAnswer({.clientId = "c"}, ReasonCode::Success);
    }

    void reloadsOnSighup()
    {
        start(guarded());
        expectAnswer({.clientId = "b", .userName = "bob", .password = "bob's"},
                     ReasonCode::BadUserNameOrPassword);
        addUser("bob");
        _broker->writeConf("auth_file.conf", authFile() + "# touched\n");
        _broker->process().signal(SIGHUP);
        const Deadline deadline(kPatience);
        for (;;)
        {
            ScriptedClient client(_broker->port());
            client.sendConnect({.clientId = "b", .userName = "bob", .password = "bob's"});
            if (client.expect<Connack>()->reason == ReasonCode::Success) break;
            CPPUNIT_ASSERT_MESSAGE(_broker->log(), deadline.remainingMs() > 0);
        }
    }

    void checksCertificateFiles()
    {
        writeFile(_folder / "conf.d/nanomq.conf", "listener.s.url = tls+nmq-tcp://127.0.0.1:0\n"
                                                  "listener.s.tls.certfile = " +
                                                      (_folder / "none.pem").string() +
                                                      "\nlistener.s.tls.keyfile = " +
                                                      (_folder / "none.key").string() + '\n');
        const auto run = runBroker({"--check"});
        CPPUNIT_ASSERT_EQUAL(1, run.status);
        expectIn(run.errors, "nanomq.conf:1");
        expectIn(run.errors, "none.");
    }

private:
    using Conf = std::map<std::string, std::string>;

    std::string authFile() const
    {
        return "auth_file.enable = true\nauth_file.password_file = " + (_folder / "users").string() +
               "\nauth_file.delay.min = 0ms\nauth_file.delay.max = 0ms\n";
    }
    Conf guarded(const std::string& kernel = {})
    {
        addUser("alice");
        // Only what is asked for changes anything.
        return {{"nanomq.conf", "plugin.watch = false\n" + kernel}, {"auth_file.conf", authFile()}};
    }
    void addUser(const std::string& name)
    {
        credentials::Record form;
        form.iterations = credentials::kMinimumIterations;
        const auto record = credentials::makeRecord(name + "'s", form);
        credentials::editPasswordFile((_folder / "users").string(), name, &record);
    }
    void start(Conf conf)
    {
        _broker = std::make_unique<BrokerProcess>(
            BrokerOptions{.conf = std::move(conf), .pluginFolder = NANOMQ_PLUGIN_FOLDER});
    }
    std::string unload()
    {
        const auto result = _broker->ctl({"plugin", "unload", "auth_file"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(result.errors, 0, result.status);
        return result.output;
    }
    void expectAnswer(const ConnectOptions& options, ReasonCode reason)
    {
        ScriptedClient client(_broker->port());
        client.sendConnect(options);
        client.expectConnack(reason);
    }
    CommandResult runBroker(std::vector<std::string> more)
    {
        std::vector<std::string> arguments = {
            "--url",        "nmq-tcp://127.0.0.1:0",         "--conf-dir",
            (_folder / "conf.d").string(),                   "--plugin-dir",
            (_folder / "plugins").string(),                  "--state-dir",
            (_folder / "state").string(),                    "--control",
            (_folder / "s").string()};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return runCommand(NANOMQ_BROKER_PROGRAM, arguments);
    }
    static void expectIn(const std::string& text, const std::string& part)
    {
        CPPUNIT_ASSERT_MESSAGE('"' + part + "\" is not in:\n" + text,
                               text.find(part) != std::string::npos);
    }

    TemporaryFolder _folder;
    std::unique_ptr<BrokerProcess> _broker;
};

CPPUNIT_TEST_SUITE_REGISTRATION(StartupTest);

} // namespace nanomq::test
