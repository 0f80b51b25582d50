#include "AuthScram.h"
#include "credentials/PasswordFile.h"
#include "nanomq/testing.h"
#include "support/ScramClient.h"
#include "support/TemporaryFolder.h"

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <sys/stat.h>

namespace
{

using namespace nanomq::sdk;
using namespace nanomq::sdk::testing;
using auth_scram::AuthScram;
using nanomq::test::ScramClient;

class Loaded
{
public:
    explicit Loaded(credentials::Scheme scheme = credentials::Scheme::ScramSha256)
    {
        credentials::Record form;
        form.scheme = scheme;
        form.iterations = credentials::kMinimumIterations;
        const std::string path = folder / "users";
        nanomq::test::writeFile(path,
                                "alice:" + credentials::makeRecord("secret", form).text() + "\n");
        ::chmod(path.c_str(), 0600);
        host = std::make_unique<FakeHost>("auth_scram.password_file=" + path + "\n");
    }
    ~Loaded()
    {
        if (std::exchange(alive, false)) host->unload(*plugin);
        host->tasks.stop();
    }
    Loaded& start()
    {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(host->allErrors(), Status{0}, host->load(*plugin));
        alive = true;
        return *this;
    }

    struct Step
    {
        Verdict verdict;
        int reason;
        std::string data, state, userName;
        bool deferred;
    };
    Step ask(const FakeClient& client, int stage, std::string_view data, std::string_view state = {},
             std::string_view method = AuthScram::kMethod)
    {
        FakeContext context(host->retainCount());
        auto asked = event<ClientEnhancedAuth>(client);
        asked.method = method;
        asked.data = {data.data(), data.size()};
        asked.state = {state.data(), state.size()};
        asked.stage = static_cast<std::uint8_t>(stage);
        const Verdict verdict = host->fire(asked, context);
        return {verdict, context.reason, context.set["authenticationData"],
                context.set["authenticationState"], context.set["userName"], context.deferral != 0};
    }

    nanomq::test::TemporaryFolder folder;
    std::unique_ptr<FakeHost> host;
    std::unique_ptr<AuthScram> plugin = std::make_unique<AuthScram>();
    bool alive = false;
};

class AuthScramPluginTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(AuthScramPluginTest);
    CPPUNIT_TEST(letsInWhoKnowsThePassword);
    CPPUNIT_TEST(refusesWhoDoesNotAndTakesItsTime);
    CPPUNIT_TEST(showsNotWhichUsersThereAre);
    CPPUNIT_TEST(noncesAreNewEachTime);
    CPPUNIT_TEST(leavesOtherMethodsToOthers);
    CPPUNIT_TEST(staysWithTheUserNameOfConnect);
    CPPUNIT_TEST(refusesMessagesOutOfTurnOrTooLong);
    CPPUNIT_TEST(wantsUsersWithScramRecords);
    CPPUNIT_TEST_SUITE_END();

public:
    void letsInWhoKnowsThePassword()
    {
        Loaded loaded;
        loaded.start();
        for (const int stage : {0, 2})
        {
            ScramClient scram("alice", "secret");
            const FakeClient client("c1");
            const auto first = loaded.ask(client, stage, scram.first());
            CPPUNIT_ASSERT(first.verdict == Verdict::Continue);
            const auto last = loaded.ask(client, 1, scram.final(first.data), first.state);
            CPPUNIT_ASSERT(last.verdict == Verdict::Allow);
            CPPUNIT_ASSERT_EQUAL(std::string("alice"), last.userName);
            CPPUNIT_ASSERT(scram.serverIsGenuine(last.data));
        }
    }

    void refusesWhoDoesNotAndTakesItsTime()
    {
        Loaded loaded;
        loaded.start();
        for (const char* user : {"alice", "mallory"})
        {
            ScramClient scram(user, "guess");
            const FakeClient client("c1");
            const auto first = loaded.ask(client, 0, scram.first());
            CPPUNIT_ASSERT(first.verdict == Verdict::Continue);
            const auto begin = std::chrono::steady_clock::now();
            const auto before = loaded.host->completions().size();
            const auto last = loaded.ask(client, 1, scram.final(first.data), first.state);
            CPPUNIT_ASSERT(last.verdict == Verdict::Pending);
            CPPUNIT_ASSERT(last.deferred);
            CPPUNIT_ASSERT(last.data.empty() && last.userName.empty());
            CPPUNIT_ASSERT(
                eventually([&] { return loaded.host->completions().size() == before + 1; }));
            CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= 1s);
            CPPUNIT_ASSERT(loaded.host->completions().back().verdict == Verdict::Deny);
            CPPUNIT_ASSERT_EQUAL(0x86, int{loaded.host->completions().back().reason});
        }
    }

    void showsNotWhichUsersThereAre()
    {
        Loaded loaded;
        loaded.start();
        const auto salt = [&](const char* user) {
            const auto first = loaded.ask(FakeClient("c"), 0, ScramClient(user, "x").first());
            CPPUNIT_ASSERT(first.verdict == Verdict::Continue);
            return first.data.substr(first.data.find(",s="));
        };
        CPPUNIT_ASSERT_EQUAL(salt("mallory"), salt("mallory"));
        CPPUNIT_ASSERT(salt("mallory") != salt("eve"));
        CPPUNIT_ASSERT_EQUAL(salt("alice").size(), salt("mallory").size());
    }

    void noncesAreNewEachTime()
    {
        Loaded loaded;
        loaded.start();
        ScramClient scram("alice", "secret");
        const auto one = loaded.ask(FakeClient("c"), 0, scram.first());
        const auto other = loaded.ask(FakeClient("c"), 0, scram.first());
        CPPUNIT_ASSERT(one.data != other.data);
        // What was said in one exchange is of no use in the other.
        CPPUNIT_ASSERT(loaded.ask(FakeClient("c"), 1, scram.final(one.data), other.state).verdict !=
                       Verdict::Allow);
    }

    void leavesOtherMethodsToOthers()
    {
        Loaded loaded;
        loaded.start();
        for (const char* method : {"SCRAM-SHA-1", "scram-sha-256", "GS2-KRB5", ""})
            CPPUNIT_ASSERT_MESSAGE(
                method, loaded.ask(FakeClient("c"), 0, "n,,n=alice,r=x", {}, method).verdict ==
                            Verdict::Next);
    }

    void staysWithTheUserNameOfConnect()
    {
        Loaded loaded;
        loaded.start();
        ScramClient scram("alice", "secret");
        CPPUNIT_ASSERT(loaded.ask(FakeClient("c", "alice"), 0, scram.first()).verdict ==
                       Verdict::Continue);
        const auto other = loaded.ask(FakeClient("c", "bob"), 0, scram.first());
        CPPUNIT_ASSERT(other.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x86, other.reason);
        const auto again = loaded.ask(FakeClient("c", "bob"), 2, scram.first());
        CPPUNIT_ASSERT(again.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x87, again.reason);
    }

    void refusesMessagesOutOfTurnOrTooLong()
    {
        Loaded loaded;
        loaded.start();
        CPPUNIT_ASSERT(loaded.ask(FakeClient("c"), 0, "").verdict == Verdict::Deny);
        CPPUNIT_ASSERT(loaded.ask(FakeClient("c"), 0, "p=x,,n=alice,r=x").verdict == Verdict::Deny);
        CPPUNIT_ASSERT(loaded.ask(FakeClient("c"), 1, "c=biws,r=x,p=x", "").verdict == Verdict::Deny);
        const auto longOne = loaded.ask(FakeClient("c"), 0, "n,,n=alice,r=" + std::string(2'000, 'x'));
        CPPUNIT_ASSERT(longOne.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x82, longOne.reason);
        const auto largest =
            loaded.ask(FakeClient("c"), 0, "n,,n=alice,r=" + std::string(1'024 - 13, 'x'));
        CPPUNIT_ASSERT(largest.verdict == Verdict::Continue);
        CPPUNIT_ASSERT(largest.state.size() <= 4'096);
    }

    void wantsUsersWithScramRecords()
    {
        Loaded pbkdf2(credentials::Scheme::Pbkdf2Sha256);
        CPPUNIT_ASSERT(pbkdf2.host->load(*pbkdf2.plugin) != 0);
        CPPUNIT_ASSERT(pbkdf2.host->allErrors().find("passwd --scram") != std::string::npos);
        FakeHost host("");
        AuthScram plugin;
        CPPUNIT_ASSERT(host.load(plugin) != 0);
        CPPUNIT_ASSERT(host.allErrors().find("auth_scram.password_file is missing") !=
                       std::string::npos);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AuthScramPluginTest);

} // namespace
