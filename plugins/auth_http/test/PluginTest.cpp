#include "AuthHttp.h"
#include "nanomq/testing.h"
#include "support/TestEndpoint.h"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <mutex>

namespace
{

using namespace auth_http;
using namespace nanomq::sdk;
using namespace nanomq::sdk::testing;
using Reply = TestEndpoint::Reply;

/// Notes whom the plugin sends away.
class FakeBroker final : public nanomq::sdk::Broker
{
public:
    Status publish(const Publication*) override { return 0; }
    Status kick(Str clientId, ReasonCode reason) override
    {
        const std::lock_guard lock(_mutex);
        _kicked.push_back(std::string(clientId.view()) + " " + std::to_string(reason));
        return 0;
    }
    Status message(const Message*, MessagePublished*) override { return -EINVAL; }
    Status reauthorize(Str) override { return 0; }
    std::vector<std::string> kicked() const
    {
        const std::lock_guard lock(_mutex);
        return _kicked;
    }

private:
    mutable std::mutex _mutex; // guards _kicked
    std::vector<std::string> _kicked;
};

/// A plugin in its broker, unloaded at the end whatever happens.
class Loaded
{
public:
    /// @param url  of the server; the keys of a login stand in front of `more`.
    explicit Loaded(const std::string& url, const std::string& more = {})
        : host("auth.http.auth_req.url=" + url +
                   "\nauth.http.auth_req.params=c=%c,u=%u,p=%P\nauth.http.deadline=20s\n" + more,
               "auth_http.conf")
    {
        host.offer(nanomq::sdk::Broker::kInterface, static_cast<nanomq::sdk::Broker*>(&broker));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(host.allErrors(), Status{0}, init());
        CPPUNIT_ASSERT_EQUAL(Status{0}, plugin.start());
    }
    ~Loaded() { unload(); }
    void unload()
    {
        if (std::exchange(_alive, false)) host.unload(plugin);
        host.tasks.stop();
    }

    Verdict login(const FakeClient& client, const std::string& password, FakeContext& context)
    {
        auto asked = event<ClientAuthenticate>(client);
        asked.hasPassword = 1;
        asked.password = {password.data(), password.size()};
        return host.fire(asked, context);
    }
    Verdict login(const std::string& client, const std::string& password = "secret")
    {
        FakeContext context(host.retainCount());
        return login(FakeClient(client), password, context);
    }
    /// The answer, at once or later.
    FakeHost::Completion settled(const std::string& client, const std::string& password = "secret")
    {
        FakeContext context(host.retainCount());
        const auto before = host.completions().size();
        const Verdict verdict = login(FakeClient(client), password, context);
        if (verdict != Verdict::Pending) return {0, verdict, context.reason, context.reasonText};
        return later(before);
    }
    FakeHost::Completion mayPublish(const FakeClient& client, const char* topic,
                                    Access access = Access::Publish)
    {
        FakeContext context(host.retainCount());
        const auto before = host.completions().size();
        auto asked = event<ClientAuthorize>(client);
        asked.topic = topic;
        asked.access = access;
        const Verdict verdict = host.fire(asked, context);
        if (verdict != Verdict::Pending) return {0, verdict, context.reason, context.reasonText};
        return later(before);
    }
    bool comesTo(std::size_t completions)
    {
        return eventually([&] { return host.completions().size() >= completions; }, 20s);
    }
    std::int64_t settledBy(const char* how) const
    {
        return host.metrics->value("auth_http_settled_total", "how=\"" + std::string(how) + "\"");
    }
    Poco::JSON::Object::Ptr call(const char* verb, const char* arguments = "{}")
    {
        const auto result = host.control.call(verb, arguments);
        CPPUNIT_ASSERT_MESSAGE(result.errorText, result.found && result.errorCode.empty());
        return Poco::JSON::Parser().parse(result.json).extract<Poco::JSON::Object::Ptr>();
    }

    FakeBroker broker;
    FakeHost host;
    AuthHttp plugin;

private:
    Status init()
    {
        const Status status = plugin.init(&host);
        _alive = status == 0;
        return status;
    }
    FakeHost::Completion later(std::size_t before)
    {
        CPPUNIT_ASSERT(comesTo(before + 1));
        return host.completions().back();
    }
    bool _alive = false;
};

class PluginTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PluginTest);
    CPPUNIT_TEST(allowsAndDeniesAsTheServerSays);
    CPPUNIT_TEST(workersNeverWaitAndThePoolIsTheLimit);
    CPPUNIT_TEST(connectionsAreOpenedOnDemandAndKept);
    CPPUNIT_TEST(equalQuestionsAreAskedOnce);
    CPPUNIT_TEST(remembersAsConfiguredAndAsTheServerSays);
    CPPUNIT_TEST(rightsAreRememberedByTheWholeQuestion);
    CPPUNIT_TEST(superusersAreNotAskedAboutRights);
    CPPUNIT_TEST(errorsAreSettledAsConfigured);
    CPPUNIT_TEST(staleAnswersHoldWhileTheServerFails);
    CPPUNIT_TEST(breakerLeavesTheServerAloneAndFindsItAgain);
    CPPUNIT_TEST(deadlineEndsTheWaitAndLateAnswersAreKept);
    CPPUNIT_TEST(tooManyQuestionsAreBusy);
    CPPUNIT_TEST(rateOfRequestsIsKept);
    CPPUNIT_TEST(ignoreAsksTheNext);
    CPPUNIT_TEST(grantsDecideWithoutAsking);
    CPPUNIT_TEST(clientsGoWhenTheirAuthorisationExpires);
    CPPUNIT_TEST(threadsThatCannotBeStartedAreTriedAgain);
    CPPUNIT_TEST(unloadingDoesNotWaitForTheServer);
    CPPUNIT_TEST(statusAndTestShowWhatHappens);
    CPPUNIT_TEST_SUITE_END();

public:
    void allowsAndDeniesAsTheServerSays()
    {
        TestEndpoint server([](const std::string& body, unsigned) {
            return body == "c=good&p=secret" ? 200 : 401;
        });
        Loaded loaded(server.url());
        CPPUNIT_ASSERT(loaded.settled("good").verdict == Verdict::Allow);
        const auto denied = loaded.settled("bad");
        CPPUNIT_ASSERT(denied.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x87, int{denied.reason});
        CPPUNIT_ASSERT_EQUAL(std::string("HTTP: answered 401 Because"), denied.text);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1},
                             loaded.host.metrics->value("auth_http_answers_total",
                                                        "request=\"auth\",answer=\"deny\""));
        for (const auto& hook : loaded.host.hooks())
            CPPUNIT_ASSERT(hook.spec.point == HookPoint::ClientAuthenticate &&
                           hook.spec.flags == kFailClosed && hook.spec.priority == 10);
    }

    void workersNeverWaitAndThePoolIsTheLimit()
    {
        TestEndpoint server;
        server.close();
        Loaded loaded(server.url(), "auth.http.pool_size=3\n");
        for (int i = 0; i < 20; ++i)
            CPPUNIT_ASSERT(loaded.login("c" + std::to_string(i)) == Verdict::Pending);
        CPPUNIT_ASSERT(eventually([&] { return server.mostAtATime() == 3; }));
        CPPUNIT_ASSERT(loaded.host.completions().empty());
        server.open();
        CPPUNIT_ASSERT(loaded.comesTo(20));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, server.mostAtATime());
        CPPUNIT_ASSERT_EQUAL(3, server.connections());
    }

    void connectionsAreOpenedOnDemandAndKept()
    {
        TestEndpoint server;
        Loaded loaded(server.url());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, loaded.host.tasks.threadsStarted());
        for (int i = 0; i < 10; ++i)
        {
            loaded.settled("c" + std::to_string(i));
            // Until the one connection is idle again: else the next question opens another.
            CPPUNIT_ASSERT(
                eventually([&] { return loaded.call("status")->getValue<int>("in_flight") == 0; }));
        }
        CPPUNIT_ASSERT(loaded.host.tasks.threadsStarted() <= 3);
        CPPUNIT_ASSERT(server.connections() <= 3);
    }

    void equalQuestionsAreAskedOnce()
    {
        TestEndpoint server;
        server.close();
        Loaded loaded(server.url());
        for (int i = 0; i < 10; ++i) CPPUNIT_ASSERT(loaded.login("same") == Verdict::Pending);
        CPPUNIT_ASSERT(loaded.login("same", "other password") == Verdict::Pending);
        server.open();
        CPPUNIT_ASSERT(loaded.comesTo(11));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, server.requests());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{9}, loaded.settledBy("joined"));
        for (const auto& answer : loaded.host.completions())
            CPPUNIT_ASSERT(answer.verdict == Verdict::Allow);
    }

    void remembersAsConfiguredAndAsTheServerSays()
    {
        TestEndpoint server([](const std::string& body, unsigned) {
            if (body.find("c=always") == 0)
                return Reply(200, "", {{"Cache-Control", "max-age=60"}});
            if (body.find("c=never") == 0) return Reply(200, "", {{"Cache-Control", "no-store"}});
            if (body.find("c=denied") == 0)
                return Reply(403, "", {{"Cache-Control", "max-age=60"}});
            return Reply(200);
        });
        Loaded plain(server.url());
        for (const auto& [client, requests] : {std::pair("always", 1u), std::pair("never", 2u),
                                               std::pair("denied", 1u), std::pair("plain", 2u)})
        {
            const auto before = server.requests();
            const auto first = plain.settled(client);
            CPPUNIT_ASSERT(plain.settled(client).verdict == first.verdict);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(client, before + requests, server.requests());
        }
        Loaded remembers(server.url(), "auth.http.cache.auth_ttl=1h\n");
        const auto before = server.requests();
        for (int i = 0; i < 3; ++i) remembers.settled("plain");
        CPPUNIT_ASSERT_EQUAL(before + 1, server.requests());
        CPPUNIT_ASSERT(remembers.login("plain", "other password") == Verdict::Pending);
    }

    void rightsAreRememberedByTheWholeQuestion()
    {
        TestEndpoint server([](const std::string& body, unsigned) {
            return body == "a=2&t=mine&c=c1" ? 200 : 403;
        });
        Loaded loaded(server.url(), "auth.http.acl_req.url=" + server.url() +
                                        "\nauth.http.acl_req.params=a=%A,t=%t,c=%c\n");
        const FakeClient client("c1"), other("c2");
        for (int i = 0; i < 3; ++i)
        {
            CPPUNIT_ASSERT(loaded.mayPublish(client, "mine").verdict == Verdict::Allow);
            CPPUNIT_ASSERT(loaded.mayPublish(client, "other").verdict == Verdict::Deny);
            CPPUNIT_ASSERT(loaded.mayPublish(other, "mine").verdict == Verdict::Deny);
            CPPUNIT_ASSERT(loaded.mayPublish(client, "mine", Access::Subscribe).verdict ==
                           Verdict::Deny);
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, server.requests());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{8}, loaded.settledBy("cached"));
    }

    void superusersAreNotAskedAboutRights()
    {
        TestEndpoint server([](const std::string& body, unsigned) {
            return body == "super=root" || body == "t=open" ? 200 : 403;
        });
        const std::string super =
            "auth.http.super_req.url=" + server.url() + "\nauth.http.super_req.params=super=%c\n";
        Loaded both(server.url(), super + "auth.http.acl_req.url=" + server.url() +
                                      "\nauth.http.acl_req.params=t=%t\n");
        const FakeClient root("root"), client("c1");
        CPPUNIT_ASSERT(both.mayPublish(root, "closed").verdict == Verdict::Allow);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, server.requests());
        CPPUNIT_ASSERT(both.mayPublish(client, "open").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(both.mayPublish(client, "closed").verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, server.requests()); // who is no superuser is known
        Loaded alone(server.url(), super);
        CPPUNIT_ASSERT(alone.mayPublish(client, "any").verdict == Verdict::Next);
    }

    void errorsAreSettledAsConfigured()
    {
        RawServer resets(
            [](Poco::Net::StreamSocket& socket, unsigned) { RawServer::reset(socket); });
        const struct
        {
            const char* policy;
            Verdict verdict;
        } cases[] = {{"deny", Verdict::Deny}, {"ignore", Verdict::Next}, {"allow", Verdict::Allow}};
        for (const auto& c : cases)
        {
            Loaded loaded(resets.url(), "auth.http.on_error=" + std::string(c.policy) +
                                            "\nauth.http.acl_req.url=" + resets.url() + "\n");
            const auto login = loaded.settled("c1");
            CPPUNIT_ASSERT_MESSAGE(c.policy, login.verdict == c.verdict);
            CPPUNIT_ASSERT_EQUAL(c.verdict == Verdict::Deny ? 0x88 : 0, int{login.reason});
            CPPUNIT_ASSERT(loaded.mayPublish(FakeClient("c1"), "t").verdict == c.verdict);
        }
    }

    void staleAnswersHoldWhileTheServerFails()
    {
        std::atomic<bool> fails{false};
        TestEndpoint server(
            [&fails](const std::string&, unsigned) -> Reply { return fails ? 503 : 200; });
        Loaded loaded(server.url(), "auth.http.cache.stale=1h\n");
        CPPUNIT_ASSERT(loaded.settled("known").verdict == Verdict::Allow);
        fails = true;
        CPPUNIT_ASSERT(loaded.settled("known").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(loaded.settled("known", "other password").verdict == Verdict::Deny);
        CPPUNIT_ASSERT(loaded.settled("unknown").verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, loaded.settledBy("stale"));
        // While the breaker is open as well.
        for (int i = 0; i < 5; ++i) loaded.settled("c" + std::to_string(i));
        CPPUNIT_ASSERT(loaded.settled("known").verdict == Verdict::Allow);
    }

    void breakerLeavesTheServerAloneAndFindsItAgain()
    {
        std::atomic<bool> fails{true};
        TestEndpoint server(
            [&fails](const std::string&, unsigned) -> Reply { return fails ? 503 : 200; });
        Loaded loaded(server.url(), "auth.http.breaker.failures=2\nauth.http.breaker.pause=200ms\n"
                                    "auth.http.breaker.max_pause=200ms\n");
        for (int i = 0; i < 50; ++i)
            CPPUNIT_ASSERT(loaded.settled("c" + std::to_string(i)).verdict == Verdict::Deny);
        CPPUNIT_ASSERT(loaded.settledBy("breaker") > 0);
        CPPUNIT_ASSERT_EQUAL(std::size_t{50} -
                                 static_cast<std::size_t>(loaded.settledBy("breaker")),
                             server.requests());
        CPPUNIT_ASSERT(loaded.host.logged("the server does not work") > 0);
        fails = false;
        CPPUNIT_ASSERT(eventually([&] { return loaded.settled("new").verdict == Verdict::Allow; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, loaded.host.logged("the server works again"));
    }

    void deadlineEndsTheWaitAndLateAnswersAreKept()
    {
        TestEndpoint server;
        server.close();
        Loaded loaded(server.url(), "auth.http.pool_size=1\nauth.http.deadline=150ms\n"
                                    "auth.http.timeout=1h\n");
        const auto inFlight = loaded.settled("in flight");
        CPPUNIT_ASSERT(inFlight.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x88, int{inFlight.reason});
        CPPUNIT_ASSERT(loaded.settled("queued").verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, loaded.settledBy("late"));
        server.open();
        CPPUNIT_ASSERT(
            eventually([&] { return loaded.call("status")->getValue<int>("in_flight") == 0; }));
        CPPUNIT_ASSERT(loaded.login("in flight") == Verdict::Allow);
        // Nobody waited for it any more, so it was not asked.
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, server.requests());
    }

    void tooManyQuestionsAreBusy()
    {
        TestEndpoint server;
        server.close();
        Loaded loaded(server.url(), "auth.http.pool_size=1\nauth.http.queue=2\n");
        CPPUNIT_ASSERT(loaded.login("c0") == Verdict::Pending);
        CPPUNIT_ASSERT(eventually([&] { return server.mostAtATime() == 1; }));
        CPPUNIT_ASSERT(loaded.login("c1") == Verdict::Pending);
        CPPUNIT_ASSERT(loaded.login("c2") == Verdict::Pending);
        const auto busy = loaded.settled("c3");
        CPPUNIT_ASSERT(busy.verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(0x89, int{busy.reason});
        CPPUNIT_ASSERT(loaded.login("c2") == Verdict::Pending); // the same waits already
        server.open();
        CPPUNIT_ASSERT(loaded.comesTo(4));
    }

    void rateOfRequestsIsKept()
    {
        TestEndpoint server;
        Loaded loaded(server.url(), "auth.http.max_rate=20\nauth.http.pool_size=8\n");
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < 30; ++i) loaded.login("c" + std::to_string(i));
        CPPUNIT_ASSERT(loaded.comesTo(30));
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >=
                       490ms); // 20 at once, then 20 a second
    }

    void ignoreAsksTheNext()
    {
        TestEndpoint server([](const std::string&, unsigned) { return Reply(200, "ignore"); });
        Loaded loaded(server.url(), "auth.http.answers=emqx4\n");
        CPPUNIT_ASSERT(loaded.settled("c1").verdict == Verdict::Next);
    }

    void grantsDecideWithoutAsking()
    {
        TestEndpoint server([](const std::string& body, unsigned) {
            if (body.find("c=root") == 0)
                return Reply(200, R"({"result":"allow","is_superuser":true})");
            return Reply(200, R"({"result":"allow","acl":[
                {"permission":"allow","action":"publish","topic":"dev/${clientid}/#"},
                {"permission":"deny","action":"all","topic":"dev/#"}]})");
        });
        Loaded loaded(server.url(), "auth.http.answers=emqx5\n");
        const FakeClient root("root"), client("c1"), stranger("c2");
        CPPUNIT_ASSERT(loaded.settled("root").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(loaded.settled("c1").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(loaded.mayPublish(root, "dev/x").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(loaded.mayPublish(client, "dev/c1/x").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(loaded.mayPublish(client, "dev/c2/x").verdict == Verdict::Deny);
        CPPUNIT_ASSERT(loaded.mayPublish(client, "other").verdict == Verdict::Next);
        CPPUNIT_ASSERT(loaded.mayPublish(stranger, "dev/x").verdict == Verdict::Next);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, server.requests());
        auto gone = event<ClientDisconnected>(root);
        loaded.host.fire(gone);
        CPPUNIT_ASSERT(loaded.mayPublish(root, "dev/x").verdict == Verdict::Next);

        // A reload keeps what they may.
        AuthHttp fresh;
        FakeHost second("auth.http.auth_req.url=" + server.url() + "\nauth.http.answers=emqx5\n");
        second.offer(nanomq::sdk::Broker::kInterface,
                     static_cast<nanomq::sdk::Broker*>(&loaded.broker));
        CPPUNIT_ASSERT_EQUAL(Status{0}, fresh.init(&second));
        loaded.unload();
        CPPUNIT_ASSERT_EQUAL(Status{0}, FakeHost::handOver(loaded.plugin, fresh));
        auto asked = event<ClientAuthorize>(client);
        asked.topic = "dev/c2/x";
        asked.access = Access::Publish;
        CPPUNIT_ASSERT(second.fire(asked) == Verdict::Deny);
        second.unload(fresh);
    }

    void clientsGoWhenTheirAuthorisationExpires()
    {
        const auto soon = std::chrono::duration_cast<std::chrono::seconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count() +
                          2;
        TestEndpoint server([soon](const std::string& body, unsigned) {
            const bool expires = body.find("c=short") == 0;
            return Reply(200, R"({"result":"allow","expire_at":)" +
                                  std::to_string(expires ? soon : soon + 1'000) + "}");
        });
        Loaded loaded(server.url(), "auth.http.answers=emqx5\nauth.http.cache.auth_ttl=1h\n");
        CPPUNIT_ASSERT(loaded.settled("short").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(loaded.settled("long").verdict == Verdict::Allow);
        CPPUNIT_ASSERT(eventually([&] { return !loaded.broker.kicked().empty(); }));
        CPPUNIT_ASSERT(loaded.broker.kicked() == std::vector<std::string>{"short 135"});
        // What is remembered has expired, too, and the server says so anew.
        CPPUNIT_ASSERT(loaded.settled("short").verdict == Verdict::Deny);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1},
                             loaded.host.metrics->value("auth_http_expired_total"));
    }

    void threadsThatCannotBeStartedAreTriedAgain()
    {
        TestEndpoint server;
        Loaded loaded(server.url());
        loaded.host.tasks.failThreadsWith(-EAGAIN);
        CPPUNIT_ASSERT(loaded.login("c1") == Verdict::Pending);
        CPPUNIT_ASSERT(eventually([&] { return !loaded.host.errors().empty(); }));
        loaded.host.tasks.failThreadsWith(0);
        CPPUNIT_ASSERT(loaded.comesTo(1)); // without another question
    }

    void unloadingDoesNotWaitForTheServer()
    {
        TestEndpoint server;
        server.close();
        Loaded loaded(server.url(), "auth.http.timeout=1h\n");
        CPPUNIT_ASSERT(loaded.login("c1") == Verdict::Pending);
        CPPUNIT_ASSERT(eventually([&] { return server.mostAtATime() == 1; }));
        loaded.unload();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, loaded.host.logged("does not work"));
    }

    void statusAndTestShowWhatHappens()
    {
        TestEndpoint server([](const std::string& body, unsigned) {
            return body.find("c=good") == 0 || body.find("?t=open") != std::string::npos ? 200
                                                                                         : 403;
        });
        Loaded loaded(server.url(), "auth.http.auth_req.headers.X-Token=mine\n"
                                    "auth.http.acl_req.url=" +
                                        server.url() +
                                        "\nauth.http.acl_req.method=get\n"
                                        "auth.http.acl_req.params=t=%t\n");
        loaded.settled("good");
        const auto status = loaded.call("status");
        CPPUNIT_ASSERT_EQUAL(std::string("up"), status->getValue<std::string>("state"));
        CPPUNIT_ASSERT_EQUAL(1, status->getArray("requests")->getObject(0)->getValue<int>("allow"));
        CPPUNIT_ASSERT_EQUAL(1, status->getValue<int>("most_in_flight"));

        const auto login =
            loaded.call("test", R"({"client":"good","username":"u","password":"secret"})");
        CPPUNIT_ASSERT_EQUAL(std::string("allow"), login->getValue<std::string>("verdict"));
        const auto step = login->getArray("steps")->getObject(0);
        CPPUNIT_ASSERT_EQUAL(std::string("c=good&u=u&p=%2A%2A%2A"),
                             step->getValue<std::string>("body"));
        CPPUNIT_ASSERT_EQUAL(200, step->getValue<int>("status"));
        std::ostringstream all;
        login->stringify(all);
        CPPUNIT_ASSERT(all.str().find("mine") == std::string::npos);

        for (const auto& [topic, verdict] : {std::pair("open", "allow"), std::pair("x", "deny")})
        {
            const std::string arguments =
                R"({"client":"c","topic":")" + std::string(topic) + R"("})";
            const auto rights = loaded.call("test", arguments.c_str());
            CPPUNIT_ASSERT_EQUAL(std::string(verdict), rights->getValue<std::string>("verdict"));
            CPPUNIT_ASSERT_EQUAL(
                std::string("acl"),
                rights->getArray("steps")->getObject(0)->getValue<std::string>("asked"));
        }
        for (const char* wrong : {"{}", R"({"client":"c","topc":"x"})",
                                  R"({"client":"c","topic":"x","access":"read"})"})
            CPPUNIT_ASSERT_EQUAL(std::string("bad_argument"),
                                 loaded.host.control.call("test", wrong).errorCode);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PluginTest);

} // namespace
