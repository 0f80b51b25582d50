#include "ExchangeTest.h"

#include "credentials/PasswordFile.h"
#include "support/ScramClient.h"

#include <filesystem>
#include <thread>

namespace nanomq::test
{

namespace
{

using namespace std::chrono_literals;

/// Looks until it holds, or the patience of a dialogue is over.
template <class Condition> void expectSoon(const std::string& what, Condition condition)
{
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition())
    {
        CPPUNIT_ASSERT_MESSAGE(what, std::chrono::steady_clock::now() < end);
        std::this_thread::sleep_for(5ms);
    }
}

constexpr std::string_view kMethod = "SCRAM-SHA-256";

} // namespace

/// Who may come in, and what they may do: plugins/auth_file and plugins/auth_scram in the broker.
class AccessTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(AccessTest);
    CPPUNIT_TEST(letsUsersInWithTheirPasswords);
    CPPUNIT_TEST(anonymousMeansThatNoCredentialsWereGiven);
    CPPUNIT_TEST(appliesRulesToPublishSubscribeAndWill);
    CPPUNIT_TEST(disconnectsWhoIsDeniedIfSoConfigured);
    CPPUNIT_TEST(endsSubscriptionsWhenRulesChange);
    CPPUNIT_TEST(endsManySubscriptionsAndKeepsTheOthers);
    CPPUNIT_TEST(takesTheWillBackWhenRulesChange);
    CPPUNIT_TEST(asksForRightsAgainWhenASessionIsResumed);
    CPPUNIT_TEST(finishesWhatWasUnderWayWhenRulesChange);
    CPPUNIT_TEST(keepsTheOldRulesWhenTheNewOnesAreWrong);
    CPPUNIT_TEST(doesNotStartWithSecurityFilesThatAreNotInOrder);
    CPPUNIT_TEST(bindsSessionsToTheirUser);
    CPPUNIT_TEST(authenticatesWithScram);
    CPPUNIT_TEST(refusesScramWithAWrongPassword);
    CPPUNIT_TEST(refusesOtherMethodsAndPacketsOutOfTurn);
    CPPUNIT_TEST(authenticatesAgainAsTheSameUserOnly);
    CPPUNIT_TEST(writesPasswordFiles);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        credentials::Record form;
        form.iterations = credentials::kMinimumIterations;
        for (const char* user : {"alice", "bob"})
        {
            form.scheme = credentials::Scheme::ScramSha256;
            const auto record = credentials::makeRecord(std::string(user) + "'s", form);
            credentials::editPasswordFile(passwords(), user, &record);
        }
    }
    void tearDown() override
    {
        if (_broker) _broker->stop();
    }

    void letsUsersInWithTheirPasswords()
    {
        start(users() + "auth_file.delay.min = 0ms\nauth_file.delay.max = 0ms\n");
        struct Case
        {
            const char *user, *password;
            ReasonCode reason;
        };
        static constexpr Case cases[] = {
            {"alice", "alice's", ReasonCode::Success},
            {"alice", "bob's", ReasonCode::BadUserNameOrPassword},
            {"alice", "", ReasonCode::BadUserNameOrPassword},
            {"mallory", "alice's", ReasonCode::BadUserNameOrPassword},
            {"alice", "alice's", ReasonCode::Success}, // from the cache
        };
        for (const auto version : kVersions)
            for (const auto& c : cases)
            {
                auto client = open(version);
                client.sendConnect({.clientId = "c", .userName = c.user, .password = c.password});
                client.expectConnack(c.reason);
                if (isFailure(c.reason)) client.expectClosed();
                else client.expectNothingBeforePingresp();
            }
    }

    void anonymousMeansThatNoCredentialsWereGiven()
    {
        start(users() + "auth_file.unknown_user = next\n");
        open().connect({.clientId = "c"});
        // Left to others, and there are none: wrong credentials are never as good as none.
        refused({.clientId = "c", .userName = "mallory", .password = "x"},
                ReasonCode::BadUserNameOrPassword);
        _broker->stop();

        start(users(), "allow_anonymous = false\n");
        refused({.clientId = "c"}, ReasonCode::NotAuthorized);
        auto old = open(ProtocolVersion::v3_1_1);
        old.sendConnect({.clientId = "c"}).expectConnack(ReasonCode::NotAuthorized);
        open().connect({.clientId = "c", .userName = "alice", .password = "alice's"});
    }

    void appliesRulesToPublishSubscribeAndWill()
    {
        start(users() + kDevices);
        auto alice = user("alice", "a1");
        CPPUNIT_ASSERT(alice.publish("dev/a1/x", "1", {.qos = QoS::AtLeastOnce}) !=
                       ReasonCode::NotAuthorized);
        CPPUNIT_ASSERT(alice.publish("dev/a2/x", "1", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::NotAuthorized);
        CPPUNIT_ASSERT(alice.publish("dev/a2/x", "1", {.qos = QoS::ExactlyOnce}) ==
                       ReasonCode::NotAuthorized);
        struct Case
        {
            const char* filter;
            ReasonCode reason;
        };
        static constexpr Case cases[] = {
            {"dev/a1/#", ReasonCode::Success},
            {"dev/#", ReasonCode::NotAuthorized},
            {"dev/+/x", ReasonCode::NotAuthorized},
            {"#", ReasonCode::NotAuthorized},
            {"$share/g/dev/a2/x", ReasonCode::NotAuthorized},
            {"$share/g/dev/a1/x", ReasonCode::Success},
            {"free/#", ReasonCode::Success},
        };
        for (const auto& c : cases)
        {
            alice.send(Subscribe{1, {{.topicFilter = c.filter}}, {}});
            CPPUNIT_ASSERT_MESSAGE(c.filter, alice.expect<Suback>()->reasons[0] == c.reason);
        }
        // A name that looks like a wildcard opens nothing [CVE-2017-7650].
        auto wildcard = user("alice", "#");
        wildcard.send(Subscribe{1, {{.topicFilter = "dev/#"}}, {}});
        CPPUNIT_ASSERT(wildcard.expect<Suback>()->reasons[0] == ReasonCode::NotAuthorized);
        Will will;
        will.topicName = "dev/a2/gone";
        refused({.clientId = "a1", .will = will, .userName = "alice", .password = "alice's"},
                ReasonCode::NotAuthorized);
    }

    void disconnectsWhoIsDeniedIfSoConfigured()
    {
        start(users() + kDevices + "acl_deny_action = disconnect\n");
        auto alice = user("alice", "a1");
        alice.sendPublish("dev/a2/x", "1", {.qos = QoS::AtLeastOnce}, 1);
        alice.expectPuback(1, ReasonCode::NotAuthorized).expectDisconnect(ReasonCode::NotAuthorized);
    }

    void endsSubscriptionsWhenRulesChange()
    {
        start(users() + kOpen);
        auto alice = user("alice", "a1");
        alice.subscribe("secret/#").subscribe("free/#").subscribe("$share/g/secret/x");
        auto bob = user("bob", "b1");
        CPPUNIT_ASSERT(bob.publish("secret/x", "1", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::Success);
        alice.expectPublish("secret/x", "1");
        alice.expectPublish("secret/x", "1");

        change(users() + kNoSecrets);
        expectSoon("secret/# ends", [&] { return subscriptions() == 1; });
        bob.publish("secret/x", "2", {.qos = QoS::AtLeastOnce});
        bob.publish("free/x", "3", {.qos = QoS::AtLeastOnce});
        alice.expectPublish("free/x", "3");
        alice.expectNothingBeforePingresp();
        alice.send(Subscribe{1, {{.topicFilter = "secret/#"}}, {}});
        CPPUNIT_ASSERT(alice.expect<Suback>()->reasons[0] == ReasonCode::NotAuthorized);
        // Nor what was retained before the right went.
        alice.expectNothingBeforePingresp();
    }

    void endsManySubscriptionsAndKeepsTheOthers()
    {
        start(users() + kOpen);
        auto alice = user("alice", "a1");
        constexpr int kEach = 500; // far more than are asked about in one turn
        for (int i = 0; i < kEach; ++i)
        {
            const auto number = std::to_string(i);
            const std::string secret = "secret/" + number;
            const std::string free = "free/" + number;
            alice.subscribe({{.topicFilter = secret}, {.topicFilter = free}});
        }
        CPPUNIT_ASSERT_EQUAL(2 * kEach, subscriptions());
        change(users() + kNoSecrets);
        expectSoon("half of them end", [&] { return subscriptions() == kEach; });
        alice.publish("secret/7", "x", {.qos = QoS::AtLeastOnce});
        alice.sendPublish("free/7", "x").expectPublish("free/7", "x");
        alice.expectNothingBeforePingresp();
    }

    void takesTheWillBackWhenRulesChange()
    {
        start(users() + kOpen);
        Will will;
        will.topicName = "secret/gone";
        will.payload = asBytes("x");
        auto alice = open();
        alice.connect({.clientId = "a1", .will = will, .userName = "alice", .password = "alice's"});
        alice.subscribe("secret/#");
        auto admin = open();
        admin.connect({.clientId = "b1", .userName = "bob", .password = "bob's"});
        change(users() + kSecretsOfBob);
        admin.subscribe("secret/#");
        expectSoon("alice's ends", [&] { return subscriptions() == 1; });
        alice.expectNothingBeforePingresp(); // and her Will was reviewed before it
        alice.drop();
        expectSoon("alice is gone", [&] { return clients() == 1; });
        admin.expectNothingBeforePingresp();
    }

    void asksForRightsAgainWhenASessionIsResumed()
    {
        for (const auto version : kNewerVersions)
        {
            start(users() + kOpen);
            {
                auto alice = user("alice", "a1", version, false);
                alice.subscribe("secret/#", QoS::AtLeastOnce).subscribe("free/#", QoS::AtLeastOnce);
                alice.disconnect();
            }
            auto bob = user("bob", "b1");
            for (const char* topic : {"secret/1", "free/1", "secret/2", "free/2"})
                CPPUNIT_ASSERT(bob.publish(topic, "x", {.qos = QoS::AtLeastOnce}) ==
                               ReasonCode::Success);
            change(users() + kNoSecrets);
            auto alice = user("alice", "a1", version, false, true);
            CPPUNIT_ASSERT(alice.receiveMessage()->topicName == "free/1");
            CPPUNIT_ASSERT(alice.receiveMessage()->topicName == "free/2");
            bob.publish("secret/3", "x", {.qos = QoS::AtLeastOnce});
            alice.expectNothingBeforePingresp();
            CPPUNIT_ASSERT_EQUAL(1, subscriptions());
            _broker->stop();
        }
    }

    void finishesWhatWasUnderWayWhenRulesChange()
    {
        start(users() + kOpen);
        auto alice = open();
        ConnectOptions options{.clientId = "a1", .userName = "alice", .password = "alice's"};
        options.properties.add(PropertyId::ReceiveMaximum, 1);
        alice.connect(options);
        alice.subscribe("secret/#", QoS::AtLeastOnce);
        auto bob = user("bob", "b1");
        bob.sendPublish("secret/0", "x", {.qos = QoS::ExactlyOnce}, 9).expectPubrec(9);
        bob.publish("secret/1", "x", {.qos = QoS::AtLeastOnce}); // waits behind the first
        const auto first = alice.expect<Publish>();
        CPPUNIT_ASSERT(first->topicName == "secret/0");

        change(users() + kNoSecrets);
        expectSoon("secret/# ends", [&] { return subscriptions() == 0; });
        // What has left goes to its end; what was queued does not go out any more.
        alice.sendPuback(first->packetIdentifier).expectNothingBeforePingresp();
        bob.sendPubrel(9).expectPubcomp(9);
        CPPUNIT_ASSERT(bob.publish("secret/2", "x", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::NotAuthorized);
    }

    void keepsTheOldRulesWhenTheNewOnesAreWrong()
    {
        start(users() + kNoSecrets);
        auto alice = user("alice", "a1");
        struct Case
        {
            const char* conf;
            const char* why;
        };
        static constexpr Case cases[] = {
            {"acl.rule.1 = {\"permit\": \"allow\"\n", "acl.rule.1"},
            {"acl.rule.1 = {\"permit\": \"perhaps\"}\n", "expected allow or deny"},
            {"acl_nomatch = perhaps\n", "acl_nomatch"},
            {"auth_file.password_file = /nonexistent\n", "/nonexistent"},
            {"", "auth_file"},
        };
        for (const auto& c : cases)
        {
            _broker->writeConf("auth_file.conf", "auth_file.enable = true\n" + std::string(c.conf));
            const auto reload = _broker->ctl({"plugin", "reload", "auth_file"});
            CPPUNIT_ASSERT_MESSAGE(c.why, reload.status != 0);
            CPPUNIT_ASSERT_MESSAGE(std::string(c.why) + " in " + reload.errors,
                                   reload.errors.find(c.why) != std::string::npos);
            CPPUNIT_ASSERT(alice.publish("secret/x", "1", {.qos = QoS::AtLeastOnce}) ==
                           ReasonCode::NotAuthorized);
            user("bob", "b1").disconnect();
        }
    }

    void doesNotStartWithSecurityFilesThatAreNotInOrder()
    {
        struct Case
        {
            const char* text;
            int mode;
            const char* conf;
            const char* why;
        };
        static constexpr Case cases[] = {
            {"", 0600, "", "has no users"},
            {"alice", 0600, "", "users:1: expected"},
            {"alice:$pbkdf2-sha256$i=5000$AAAA", 0600, "", "users:1: a part"},
            {"auth.1.login=a\nauth.1.password=b\n", 0666, "", "can be changed by others"},
            {"auth.1.login=a\nauth.1.password=b\n", 0600, "acl.rule.1 = {\"permit\": 1}\n",
             "auth_file.conf:3"},
        };
        for (const auto& c : cases)
        {
            writeFile(passwords(), c.text);
            std::filesystem::permissions(passwords(), static_cast<std::filesystem::perms>(c.mode));
            const TemporaryFolder folder;
            writeFile(folder / "conf.d/auth_file.conf",
                      "auth_file.enable = true\n" + users() + c.conf);
            const auto run = runCommand(
                NANOMQ_BROKER_PROGRAM,
                {"--url", "nmq-tcp://127.0.0.1:0", "--conf-dir", (folder / "conf.d").string(),
                 "--plugin-dir", NANOMQ_PLUGIN_FOLDER, "--state-dir", (folder / "state").string(),
                 "--control", (folder / "s").string()});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.why, 1, run.status);
            CPPUNIT_ASSERT_MESSAGE(std::string(c.why) + " in " + run.errors,
                                   run.errors.find(c.why) != std::string::npos);
            CPPUNIT_ASSERT(run.output.find("nanomq ready") == std::string::npos);
        }
    }

    void bindsSessionsToTheirUser() // two users, one Client Identifier, in all orders
    {
        start(users());
        const auto connect = [&](const char* name, bool cleanStart) {
            ConnectOptions options{.clientId = "c", .cleanStart = cleanStart};
            _password = name ? std::string(name) + "'s" : "";
            if (name)
            {
                options.userName = name;
                options.password = _password;
            }
            options.properties.add(PropertyId::SessionExpiryInterval, kLong);
            return options;
        };
        const auto present = [&](const ConnectOptions& options) {
            auto client = open();
            client.sendConnect(options);
            const auto connack = client.expect<Connack>();
            CPPUNIT_ASSERT(connack->reason == ReasonCode::Success);
            return std::pair(std::move(client), connack->sessionPresent);
        };
        for (const auto& [owner, other] : {std::pair<const char*, const char*>{"alice", "bob"},
                                           {"alice", nullptr},
                                           {nullptr, "bob"}})
        {
            auto first = present(connect(owner, true));
            // While the owner is connected: nobody is thrown out by another user.
            refused(connect(other, false), ReasonCode::NotAuthorized);
            refused(connect(other, true), ReasonCode::NotAuthorized);
            first.first.expectNothingBeforePingresp();
            first.first.disconnect();
            // While it waits for its owner.
            refused(connect(other, false), ReasonCode::NotAuthorized);
            {
                auto back = present(connect(owner, false));
                CPPUNIT_ASSERT(back.second);
                auto taken = present(connect(owner, false)); // the same user may take over
                CPPUNIT_ASSERT(taken.second);
                back.first.expectDisconnect(ReasonCode::SessionTakenOver);
                taken.first.disconnect();
            }
            // Clean Start: the old session ends, and the new one is the other user's.
            auto anew = present(connect(other, true));
            CPPUNIT_ASSERT(!anew.second);
            anew.first.disconnect();
            refused(connect(owner, false), ReasonCode::NotAuthorized);
            auto again = present(connect(owner, true));
            CPPUNIT_ASSERT(!again.second);
            again.first.disconnect(ReasonCode::Success, with(PropertyId::SessionExpiryInterval, 0));
            expectSoon("the session ends", [&] { return sessions() == 0; });
        }
        auto old = open(ProtocolVersion::v3_1_1);
        present(connect("alice", true));
        old.sendConnect({.clientId = "c", .cleanStart = false, .userName = "bob", .password = "bob's"});
        old.expectConnack(ReasonCode::NotAuthorized); // 0x05, since there is no 0x87
    }

    void authenticatesWithScram() // [MQTT-4.12.0-2, -5]
    {
        start("acl.rule.1 = {\"permit\": \"allow\", \"topics\": [\"home/%u\"]}\nacl_nomatch = deny\n",
              "allow_anonymous = false\n");
        auto alice = open();
        ScramClient scram("alice", "alice's");
        authenticate(alice, scram, "c1");
        // She is who she has proved to be.
        CPPUNIT_ASSERT(alice.publish("home/alice", "x", {.qos = QoS::AtLeastOnce}) !=
                       ReasonCode::NotAuthorized);
        CPPUNIT_ASSERT(alice.publish("home/bob", "x", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::NotAuthorized);
        alice.disconnect();
        refused({.clientId = "c1"}, ReasonCode::NotAuthorized);
    }

    void refusesScramWithAWrongPassword() // [MQTT-4.12.0-4]
    {
        start("acl_nomatch = allow\n");
        for (const char* name : {"alice", "mallory"})
        {
            auto client = open();
            ScramClient scram(name, "guess");
            sendConnect(client, scram, "c1");
            const auto begin = std::chrono::steady_clock::now();
            sendAuth(client, scram.final(serverFirst(client)));
            client.expectConnack(ReasonCode::BadUserNameOrPassword);
            client.expectClosed();
            CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= 1s);
        }
    }

    void refusesOtherMethodsAndPacketsOutOfTurn()
    {
        start("acl_nomatch = allow\n");
        // [MQTT-4.12.0-1]
        refused({.clientId = "c1", .properties = with(PropertyId::AuthenticationMethod, "GS2-KRB5")},
                ReasonCode::BadAuthenticationMethod);
        ScramClient scram("alice", "alice's");
        const auto begun = [&] {
            auto client = open();
            sendConnect(client, scram, "c1");
            serverFirst(client);
            return client;
        };
        // [MQTT-3.1.2-30]
        auto publishes = begun();
        publishes.sendPublish("t", "x").expectConnack(ReasonCode::ProtocolError);
        publishes.expectClosed();
        auto pings = begun();
        pings.send(Pingreq{}).expectConnack(ReasonCode::ProtocolError);
        pings.expectClosed();
        // [MQTT-4.12.0-5]
        auto changes = begun();
        sendAuth(changes, "x", ReasonCode::ContinueAuthentication, "SCRAM-SHA-1");
        changes.expectConnack(ReasonCode::ProtocolError);
        changes.expectClosed();
        auto restarts = begun();
        sendAuth(restarts, scram.first(), ReasonCode::Reauthenticate);
        restarts.expectConnack(ReasonCode::ProtocolError);
        restarts.expectClosed();
        auto leaves = begun();
        leaves.send(Disconnect{});
        leaves.expectClosed();
        // [MQTT-4.12.0-7]
        auto without = open();
        without.connect({.clientId = "c2"});
        sendAuth(without, scram.first(), ReasonCode::Reauthenticate);
        without.expectDisconnect(ReasonCode::ProtocolError);
    }

    void authenticatesAgainAsTheSameUserOnly() // §4.12.1
    {
        start("acl_nomatch = allow\n");
        auto alice = open();
        ScramClient scram("alice", "alice's");
        authenticate(alice, scram, "c1");
        for (int round = 0; round < 2; ++round)
        {
            sendAuth(alice, scram.first(), ReasonCode::Reauthenticate);
            const auto first = serverFirst(alice);
            alice.expectNothingBeforePingresp(); // the connection goes on meanwhile
            sendAuth(alice, scram.final(first));
            const auto last = alice.expect<Auth>();
            CPPUNIT_ASSERT(last->reason == ReasonCode::Success);
            CPPUNIT_ASSERT(last->properties.authenticationMethod == kMethod);
            CPPUNIT_ASSERT(scram.serverIsGenuine(asText(last->properties.authenticationData)));
        }
        ScramClient other("bob", "bob's");
        sendAuth(alice, other.first(), ReasonCode::Reauthenticate);
        alice.expectDisconnect(ReasonCode::NotAuthorized); // [MQTT-4.12.1-2]

        auto again = open();
        authenticate(again, scram, "c1");
        sendAuth(again, scram.first(), ReasonCode::ContinueAuthentication); // nothing is under way
        again.expectDisconnect(ReasonCode::ProtocolError);
        auto changes = open();
        authenticate(changes, scram, "c1");
        sendAuth(changes, scram.first(), ReasonCode::Reauthenticate, "SCRAM-SHA-1");
        changes.expectDisconnect(ReasonCode::ProtocolError); // [MQTT-4.12.1-1]
    }

    void writesPasswordFiles()
    {
        const std::string file = _folder / "made";
        const auto passwd = [&](const std::string& input, const std::string& arguments) {
            return runCommand("sh", {"-c", "printf '%s' \"$1\" | '" NANOMQ_CTL_PROGRAM "' passwd " +
                                               arguments,
                                     "sh", input});
        };
        const std::string quoted = " '" + file + "' ";
        for (const auto& [user, options] : {std::pair<std::string, std::string>{"ann", ""},
                                            {"ben", "--scrypt"},
                                            {"cid", "--scram"},
                                            {"ann", "--iterations 5000"}})
        {
            const auto run = passwd(user + "'s\n", "--password-stdin " + options + quoted + user);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(run.errors, 0, run.status);
            CPPUNIT_ASSERT(run.output.find(user + "'s") == std::string::npos);
        }
        const auto made = credentials::PasswordFile::read(file);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, made.users().size());
        CPPUNIT_ASSERT(made.warnings().empty());
        CPPUNIT_ASSERT_EQUAL(5000u, made.users().at("ann").iterations);
        for (const auto& [name, record] : made.users())
            CPPUNIT_ASSERT_MESSAGE(name, credentials::verify(record, name + "'s"));
        CPPUNIT_ASSERT_EQUAL(0, passwd("", "-D" + quoted + "ben").status);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, credentials::PasswordFile::read(file).users().size());

        CPPUNIT_ASSERT_EQUAL(1, passwd("", "-D" + quoted + "ben").status);
        CPPUNIT_ASSERT_EQUAL(1, passwd("\n", "--password-stdin" + quoted + "x").status);
        CPPUNIT_ASSERT_EQUAL(1, passwd("x", quoted + "x").status); // no terminal to ask at
        CPPUNIT_ASSERT_EQUAL(2, passwd("x", "--password-stdin --scram --scrypt" + quoted + "x").status);
        CPPUNIT_ASSERT_EQUAL(2, passwd("x", "--password-stdin" + quoted).status);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, credentials::PasswordFile::read(file).users().size());
    }

private:
    static constexpr const char* kDevices =
        "acl.rule.1 = {\"permit\": \"allow\", \"topics\": [\"dev/%c/#\"]}\n"
        "acl.rule.2 = {\"permit\": \"deny\", \"topics\": [\"dev/#\"]}\n"
        "acl.rule.3 = {\"permit\": \"allow\"}\n";
    static constexpr const char* kOpen = "acl_nomatch = allow\n";
    static constexpr const char* kNoSecrets =
        "acl.rule.1 = {\"permit\": \"deny\", \"topics\": [\"secret/#\"]}\n";
    static constexpr const char* kSecretsOfBob =
        "acl.rule.1 = {\"permit\": \"allow\", \"username\": \"bob\"}\n"
        "acl.rule.2 = {\"permit\": \"deny\", \"topics\": [\"secret/#\"]}\n";

    std::string passwords() const { return _folder / "users"; }
    std::string users() const { return "auth_file.password_file = " + passwords() + "\n"; }

    void start(const std::string& authFile, const std::string& kernel = "")
    {
        _broker = std::make_unique<BrokerProcess>(BrokerOptions{
            .conf = {{"nanomq.conf", kernel},
                     {"auth_file.conf", "auth_file.enable = true\n" + authFile},
                     {"auth_scram.conf", "auth_scram.enable = true\nauth_scram.password_file = " +
                                             passwords() + "\n"}},
            .pluginFolder = NANOMQ_PLUGIN_FOLDER});
    }
    /// Other rules, from now on.
    void change(const std::string& authFile)
    {
        _broker->writeConf("auth_file.conf", "auth_file.enable = true\n" + authFile);
        const auto reload = _broker->ctl({"plugin", "reload", "auth_file"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(reload.errors, 0, reload.status);
    }
    /// A figure of `nanomqctl status --json`.
    int figure(const std::string& name)
    {
        const auto status = _broker->ctl({"metrics", "--json"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(status.errors, 0, status.status);
        const auto at = status.output.find(name);
        CPPUNIT_ASSERT_MESSAGE(status.output, at != std::string::npos);
        return std::stoi(status.output.substr(status.output.find("\"value\"", at) + 8));
    }
    int subscriptions() { return figure("\"nanomq_subscriptions\""); }
    int sessions() { return figure("\"nanomq_sessions\""); }
    int clients() { return figure("\"nanomq_connections\""); }

    ScriptedClient open(ProtocolVersion version = ProtocolVersion::v5_0)
    {
        return ScriptedClient(_broker->port(), version);
    }
    ScriptedClient user(std::string_view name, std::string_view clientId,
                        ProtocolVersion version = ProtocolVersion::v5_0, bool cleanStart = true,
                        bool sessionPresent = false)
    {
        auto client = open(version);
        const std::string password = std::string(name) + "'s";
        ConnectOptions options{.clientId = clientId, .cleanStart = cleanStart, .userName = name,
                               .password = password};
        if (version == ProtocolVersion::v5_0 && !cleanStart)
            options.properties.add(PropertyId::SessionExpiryInterval, kLong);
        client.connect(options, sessionPresent);
        return client;
    }
    void refused(const ConnectOptions& options, ReasonCode reason)
    {
        auto client = open();
        client.sendConnect(options);
        client.expectConnack(reason);
        client.expectClosed();
    }

    void sendConnect(ScriptedClient& client, const ScramClient& scram, std::string_view clientId)
    {
        ConnectOptions options{.clientId = clientId};
        const std::string first = scram.first();
        options.properties.add(PropertyId::AuthenticationMethod, kMethod)
            .add(PropertyId::AuthenticationData, asBytes(first));
        client.sendConnect(options);
    }
    void sendAuth(ScriptedClient& client, const std::string& data,
                  ReasonCode reason = ReasonCode::ContinueAuthentication,
                  std::string_view method = kMethod)
    {
        PropertyList properties;
        properties.add(PropertyId::AuthenticationMethod, method)
            .add(PropertyId::AuthenticationData, asBytes(data));
        client.send(Auth{reason, properties.view()});
    }
    std::string serverFirst(ScriptedClient& client)
    {
        const auto auth = client.expect<Auth>();
        CPPUNIT_ASSERT(auth->reason == ReasonCode::ContinueAuthentication);
        CPPUNIT_ASSERT(auth->properties.authenticationMethod == kMethod);
        return std::string(asText(auth->properties.authenticationData));
    }
    void authenticate(ScriptedClient& client, ScramClient& scram, std::string_view clientId)
    {
        sendConnect(client, scram, clientId);
        sendAuth(client, scram.final(serverFirst(client)));
        const auto connack = client.expectConnack();
        CPPUNIT_ASSERT(connack->properties.authenticationMethod == kMethod);
        CPPUNIT_ASSERT(scram.serverIsGenuine(asText(connack->properties.authenticationData)));
    }

    TemporaryFolder _folder;
    std::string _password;
    std::unique_ptr<BrokerProcess> _broker;
};

CPPUNIT_TEST_SUITE_REGISTRATION(AccessTest);

} // namespace nanomq::test
