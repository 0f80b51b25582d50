#include "AuthFile.h"
#include "credentials/PasswordFile.h"
#include "nanomq/testing.h"
#include "support/TemporaryFolder.h"

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <mutex>
#include <sys/stat.h>
#include <vector>

namespace
{

using namespace nanomq::sdk;
using namespace nanomq::sdk::testing;
using auth_file::AuthFile;

credentials::Record cheap(std::string_view password, credentials::Scheme scheme)
{
    credentials::Record form;
    form.scheme = scheme;
    form.iterations = credentials::kMinimumIterations;
    form.logN = 10;
    return credentials::makeRecord(password, form);
}

/// Notes what the plugin asks of the broker.
class FakeBroker final : public nanomq::sdk::Broker
{
public:
    Status publish(const Publication*) override { return 0; }
    Status kick(Str clientId, ReasonCode reason) override
    {
        kicked.push_back(std::string(clientId.view()) + " " + std::to_string(reason));
        return 0;
    }
    Status message(const Message*, MessagePublished*) override { return -EINVAL; }
    Status reauthorize(Str clientId) override
    {
        reauthorized.emplace_back(clientId.view());
        return 0;
    }

    std::vector<std::string> kicked, reauthorized;
};

/// A plugin in its broker, with a password file, unloaded at the end whatever happens.
class Loaded
{
public:
    explicit Loaded(const std::string& configuration, bool withFile = true)
    {
        const std::string path = folder / "users";
        nanomq::test::writeFile(path, "alice:" + cheap("secret", credentials::Scheme::Pbkdf2Sha256).text() +
                                          "\nbob:" + cheap("word", credentials::Scheme::Scrypt).text() +
                                          "\ncarol:" +
                                          cheap("scram", credentials::Scheme::ScramSha256).text() + "\n");
        ::chmod(path.c_str(), 0600);
        const std::string file = withFile ? "auth_file.password_file=" + path + "\n" : "";
        host = std::make_unique<FakeHost>(file + configuration, "auth_file.conf");
        host->offer(nanomq::sdk::Broker::kInterface, static_cast<nanomq::sdk::Broker*>(&broker));
    }
    ~Loaded() { unload(); }

    Status init()
    {
        const Status status = plugin->init(host.get());
        alive = status == 0;
        return status;
    }
    Loaded& start()
    {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(host->allErrors(), Status{0}, init());
        CPPUNIT_ASSERT_EQUAL(Status{0}, plugin->start());
        return *this;
    }
    void unload()
    {
        if (std::exchange(alive, false)) host->unload(*plugin);
        host->tasks.stop();
    }

    Verdict login(const FakeClient& client, const char* password, FakeContext& context)
    {
        auto asked = event<ClientAuthenticate>(client);
        asked.hasPassword = password != nullptr;
        if (password) asked.password = {password, std::string_view(password).size()};
        return host->fire(asked, context);
    }
    /// The answer, at once or later.
    FakeHost::Completion settled(const FakeClient& client, const char* password)
    {
        FakeContext context(host->retainCount());
        const auto before = host->completions().size();
        const Verdict verdict = login(client, password, context);
        if (verdict != Verdict::Pending) return {0, verdict, context.reason, context.reasonText};
        CPPUNIT_ASSERT(eventually([&] { return host->completions().size() > before; }));
        return host->completions().back();
    }
    Verdict ask(const FakeClient& client, Access access, const char* topic, FakeContext& context,
                std::uint32_t flags = 0)
    {
        auto asked = event<ClientAuthorize>(client);
        asked.header.flags = flags;
        asked.topic = topic;
        asked.access = access;
        return host->fire(asked, context);
    }
    std::int64_t logins(const char* result) const
    {
        return host->metrics->value("auth_file_logins_total",
                                    std::string("result=\"") + result + "\"");
    }

    nanomq::test::TemporaryFolder folder;
    FakeBroker broker;
    std::unique_ptr<FakeHost> host;
    std::unique_ptr<AuthFile> plugin = std::make_unique<AuthFile>();
    bool alive = false;
};

constexpr const char* kNoDelay = "auth_file.delay.min=0ms\nauth_file.delay.max=0ms\n";

class AuthFilePluginTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(AuthFilePluginTest);
    CPPUNIT_TEST(letsUsersInWithTheirPasswords);
    CPPUNIT_TEST(answersLaterAndNeverOnTheWorker);
    CPPUNIT_TEST(remembersRightPasswordsOnly);
    CPPUNIT_TEST(wrongPasswordsWait);
    CPPUNIT_TEST(unknownUsersCanBeLeftToOthers);
    CPPUNIT_TEST(hasNoOpinionOnClientsWithoutAUserName);
    CPPUNIT_TEST(leavesCertificatesToTheBroker);
    CPPUNIT_TEST(answersServerBusyWhenTooManyWait);
    CPPUNIT_TEST(answersServerBusyAfterTheDeadline);
    CPPUNIT_TEST(takesNanoMQsUsersWithAWarning);
    CPPUNIT_TEST(decidesByRules);
    CPPUNIT_TEST(disconnectsWhoIsDeniedIfSoConfigured);
    CPPUNIT_TEST(whatNoRuleIsAboutIsAsConfigured);
    CPPUNIT_TEST(askForRightsAgainWhenItStarts);
    CPPUNIT_TEST(refusesConfigurationsThatAreNotInOrder);
    CPPUNIT_TEST_SUITE_END();

public:
    void letsUsersInWithTheirPasswords()
    {
        Loaded loaded(kNoDelay);
        loaded.start();
        struct Case
        {
            const char *user, *password;
            Verdict verdict;
            int reason;
        };
        static constexpr Case cases[] = {
            {"alice", "secret", Verdict::Allow, 0},
            {"bob", "word", Verdict::Allow, 0},
            {"carol", "scram", Verdict::Allow, 0}, // a SCRAM record does for plain passwords
            {"alice", "word", Verdict::Deny, 0x86},
            {"alice", "", Verdict::Deny, 0x86},
            {"alice", nullptr, Verdict::Deny, 0x86},
            {"Alice", "secret", Verdict::Deny, 0x86},
            {"mallory", "secret", Verdict::Deny, 0x86},
            {"", "secret", Verdict::Deny, 0x86},
        };
        for (const auto& c : cases)
        {
            const auto answer = loaded.settled(FakeClient("c1", c.user), c.password);
            const std::string name = std::string(c.user) + "/" + (c.password ? c.password : "-");
            CPPUNIT_ASSERT_MESSAGE(name, answer.verdict == c.verdict);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, c.reason, int{answer.reason});
        }
    }

    void answersLaterAndNeverOnTheWorker()
    {
        Loaded loaded(kNoDelay);
        loaded.start();
        for (const char* user : {"alice", "mallory"}) // who is unknown costs as much
        {
            FakeContext context(loaded.host->retainCount());
            CPPUNIT_ASSERT(loaded.login(FakeClient("c", user), "x", context) == Verdict::Pending);
            CPPUNIT_ASSERT(context.deferral != 0);
        }
        CPPUNIT_ASSERT(eventually([&] { return loaded.host->completions().size() == 2; }));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, loaded.logins("wrong"));
    }

    void remembersRightPasswordsOnly()
    {
        Loaded loaded(kNoDelay);
        loaded.start();
        const FakeClient alice("c1", "alice");
        CPPUNIT_ASSERT(loaded.settled(alice, "secret").verdict == Verdict::Allow);
        FakeContext context(loaded.host->retainCount());
        CPPUNIT_ASSERT(loaded.login(alice, "secret", context) == Verdict::Allow);
        CPPUNIT_ASSERT(context.deferral == 0);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, loaded.logins("cached"));
        CPPUNIT_ASSERT(loaded.settled(alice, "secreT").verdict == Verdict::Deny);
        CPPUNIT_ASSERT(loaded.settled(alice, "secreT").verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, loaded.logins("wrong"));
        // Name and password are not one text.
        CPPUNIT_ASSERT(loaded.settled(FakeClient("c1", "alices"), "ecret").verdict == Verdict::Deny);

        Loaded forgetful(std::string(kNoDelay) + "auth_file.cache.time=0ms\n");
        forgetful.start();
        CPPUNIT_ASSERT(forgetful.settled(alice, "secret").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(forgetful.settled(alice, "secret").verdict == Verdict::Allow);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, forgetful.logins("right"));
    }

    void wrongPasswordsWait()
    {
        Loaded loaded("auth_file.delay.min=150ms\nauth_file.delay.max=300ms\n");
        loaded.start();
        const FakeClient alice("c1", "alice");
        for (const auto least : {150ms, 300ms, 300ms})
        {
            const auto begin = std::chrono::steady_clock::now();
            CPPUNIT_ASSERT(loaded.settled(alice, "wrong").verdict == Verdict::Deny);
            CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= least);
        }
        // Nobody else waits for that, and no thread is held: many wait at the same time.
        const auto begin = std::chrono::steady_clock::now();
        const auto before = loaded.host->completions().size();
        FakeContext context(loaded.host->retainCount());
        for (int i = 0; i < 20; ++i)
            loaded.login(FakeClient("c", "user" + std::to_string(i)), "wrong", context);
        CPPUNIT_ASSERT(
            eventually([&] { return loaded.host->completions().size() == before + 20; }));
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin < 20 * 150ms);
    }

    void unknownUsersCanBeLeftToOthers()
    {
        Loaded loaded(std::string(kNoDelay) + "auth_file.unknown_user=next\n");
        loaded.start();
        CPPUNIT_ASSERT(loaded.settled(FakeClient("c1", "mallory"), "x").verdict == Verdict::Next);
        CPPUNIT_ASSERT(loaded.settled(FakeClient("c1", "alice"), "x").verdict == Verdict::Deny);
    }

    void hasNoOpinionOnClientsWithoutAUserName()
    {
        Loaded loaded(kNoDelay);
        loaded.start();
        CPPUNIT_ASSERT(loaded.settled(FakeClient("c1"), nullptr).verdict == Verdict::Next);
        CPPUNIT_ASSERT(loaded.settled(FakeClient("c1"), "secret").verdict == Verdict::Next);
    }

    void leavesCertificatesToTheBroker()
    {
        Loaded loaded(kNoDelay);
        loaded.start();
        for (const char* user : {"alice", "device7"})
        {
            FakeClient client("c1", user);
            client.info().certificateSubject = "CN=device7,O=Plant";
            CPPUNIT_ASSERT(loaded.settled(client, nullptr).verdict == Verdict::Next);
            CPPUNIT_ASSERT(loaded.settled(client, "wrong").verdict == Verdict::Deny);
        }
    }

    void answersServerBusyWhenTooManyWait()
    {
        Loaded loaded("auth_file.queue=2\n");
        CPPUNIT_ASSERT_EQUAL(Status{0}, loaded.init()); // not started: nobody takes from the queue
        FakeContext context(loaded.host->retainCount());
        const FakeClient alice("c1", "alice");
        CPPUNIT_ASSERT(loaded.login(alice, "secret", context) == Verdict::Pending);
        CPPUNIT_ASSERT(loaded.login(alice, "secret", context) == Verdict::Pending);
        CPPUNIT_ASSERT(loaded.login(alice, "secret", context) == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x89, int{context.reason});
        CPPUNIT_ASSERT_EQUAL(Status{0}, loaded.plugin->start());
        CPPUNIT_ASSERT(eventually([&] { return loaded.host->completions().size() == 2; }));
        for (const auto& answer : loaded.host->completions())
            CPPUNIT_ASSERT(answer.verdict == Verdict::Allow);
    }

    void answersServerBusyAfterTheDeadline()
    {
        Loaded loaded("auth_file.deadline=1ms\n");
        CPPUNIT_ASSERT_EQUAL(Status{0}, loaded.init());
        FakeContext context(loaded.host->retainCount());
        const auto asked = std::chrono::steady_clock::now();
        CPPUNIT_ASSERT(loaded.login(FakeClient("c", "alice"), "secret", context) == Verdict::Pending);
        CPPUNIT_ASSERT(eventually([&] { return std::chrono::steady_clock::now() > asked + 2ms; }));
        CPPUNIT_ASSERT_EQUAL(Status{0}, loaded.plugin->start());
        CPPUNIT_ASSERT(eventually([&] { return loaded.host->completions().size() == 1; }));
        CPPUNIT_ASSERT_EQUAL(0x89, int{loaded.host->completions()[0].reason});
    }

    void takesNanoMQsUsersWithAWarning()
    {
        Loaded loaded(std::string(kNoDelay) + "auth.1.login=admin\nauth.1.password=public\n"
                                              "auth.2.login=bo\nauth.2.password=x y\n",
                      false);
        loaded.start();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, loaded.host->logged("plain text"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, loaded.host->logged("public"));
        CPPUNIT_ASSERT(loaded.settled(FakeClient("c", "admin"), "public").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(loaded.settled(FakeClient("c", "bo"), "x y").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(loaded.settled(FakeClient("c", "admin"), "x y").verdict == Verdict::Deny);
    }

    void decidesByRules()
    {
        Loaded loaded("acl.rule.10={\"permit\":\"allow\"}\n"
                      "acl.rule.2={\"permit\":\"deny\",\"topics\":[\"a/#\"]}\n",
                      false);
        loaded.start();
        FakeContext context(loaded.host->retainCount());
        const FakeClient client("c1");
        CPPUNIT_ASSERT(loaded.ask(client, Access::Publish, "b", context) == Verdict::Allow);
        CPPUNIT_ASSERT(loaded.ask(client, Access::Receive, "+/x", context) == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x87, int{context.reason});
        CPPUNIT_ASSERT_EQUAL(std::string("acl.rule.2"), context.reasonText);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, loaded.host->metrics->value("auth_file_denials_total"));
        CPPUNIT_ASSERT(loaded.ask(client, Access::Publish, "a", context, kDryRun) == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::string("auth_file.conf:2: acl.rule.2"), context.reasonText);
        CPPUNIT_ASSERT(loaded.ask(client, Access::Publish, "b", context, kDryRun) == Verdict::Allow);
        CPPUNIT_ASSERT_EQUAL(std::string("auth_file.conf:1: acl.rule.10"), context.reasonText);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, loaded.host->metrics->value("auth_file_denials_total"));
        CPPUNIT_ASSERT(loaded.broker.kicked.empty());
    }

    void disconnectsWhoIsDeniedIfSoConfigured()
    {
        Loaded loaded("acl.rule.1={\"permit\":\"deny\"}\nacl_deny_action=disconnect\n", false);
        loaded.start();
        FakeContext context(loaded.host->retainCount());
        const FakeClient client("c1");
        for (const Access access : {Access::Will, Access::Receive})
            CPPUNIT_ASSERT(loaded.ask(client, access, "t", context) == Verdict::Deny);
        CPPUNIT_ASSERT(loaded.ask(client, Access::Publish, "t", context, kDryRun) == Verdict::Deny);
        CPPUNIT_ASSERT(loaded.broker.kicked.empty());
        for (const Access access : {Access::Publish, Access::Subscribe})
            CPPUNIT_ASSERT(loaded.ask(client, access, "t", context) == Verdict::Deny);
        CPPUNIT_ASSERT(loaded.broker.kicked == std::vector<std::string>(2, "c1 135"));
    }

    void whatNoRuleIsAboutIsAsConfigured()
    {
        const std::string rule = "acl.rule.1={\"permit\":\"allow\",\"topics\":[\"a\"]}\n";
        const FakeClient client("c1");
        for (const auto& [word, verdict] : {std::pair("", Verdict::Allow),
                                            {"acl_nomatch=allow\n", Verdict::Allow},
                                            {"acl_nomatch=deny\n", Verdict::Deny},
                                            {"acl_nomatch=next\n", Verdict::Next}})
        {
            Loaded loaded(rule + word, false);
            loaded.start();
            FakeContext context(loaded.host->retainCount());
            CPPUNIT_ASSERT_MESSAGE(word, loaded.ask(client, Access::Publish, "b", context) == verdict);
        }
        Loaded off(rule + "acl_enable=false\n");
        off.start();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, off.host->logged("not looked at"));
        for (const auto& hook : off.host->hooks())
            CPPUNIT_ASSERT(hook.spec.point != HookPoint::ClientAuthorize);
    }

    void askForRightsAgainWhenItStarts()
    {
        Loaded loaded("acl_nomatch=deny\n", false);
        CPPUNIT_ASSERT_EQUAL(Status{0}, loaded.init());
        CPPUNIT_ASSERT(loaded.broker.reauthorized.empty()); // the old rules still hold
        CPPUNIT_ASSERT_EQUAL(Status{0}, loaded.plugin->start());
        CPPUNIT_ASSERT(loaded.broker.reauthorized == std::vector<std::string>{""});
    }

    void refusesConfigurationsThatAreNotInOrder()
    {
        struct Case
        {
            const char* configuration;
            const char* why;
        };
        static constexpr Case cases[] = {
            {"", "has neither users"},
            {"acl_enable=true\nauth_file.threads=0\n", "auth_file.conf:2: auth_file.threads: found"},
            {"auth_file.password_file=/nonexistent/users\n", "/nonexistent/users: cannot be read"},
            {"auth_file.unknown_user=allow\n", "expected one of deny, next"},
            {"auth_file.deadline=5\n", "expected a time"},
            {"auth_file.deadline=25h\n", "expected a time"},
            {"auth_file.delay.min=9s\nacl_nomatch=deny\n", "shorter than"},
            {"acl_nomatch=maybe\n", "expected one of allow, deny, next"},
            {"acl_deny_action=kill\n", "expected one of ignore, disconnect"},
            {"acl.rule.x={}\n", "auth_file.conf:1: acl.rule.x: found"},
            {"acl.rule.1={}\n", "auth_file.conf:1: acl.rule.1: has no \"permit\""},
            {"acl.rule.1={\"permit\":\"allow\"}\nacl.rule.01={\"permit\":\"allow\"}\n",
             "stands here already"},
            {"auth.1.login=x\n", "auth.1 has no password"},
            {"auth_file.users=x\n", "knows no such key"},
        };
        for (const auto& c : cases)
        {
            Loaded loaded(c.configuration, false);
            CPPUNIT_ASSERT_MESSAGE(c.configuration, loaded.init() != 0);
            CPPUNIT_ASSERT_MESSAGE(std::string(c.configuration) + ": " + loaded.host->allErrors(),
                                   loaded.host->allErrors().find(c.why) != std::string::npos);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AuthFilePluginTest);

} // namespace
