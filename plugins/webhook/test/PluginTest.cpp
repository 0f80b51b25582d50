#include "Webhook.h"
#include "Wire.h"
#include "nanomq/testing.h"
#include "support/Certificates.h"
#include "support/Command.h"
#include "support/TemporaryFolder.h"
#include "support/TestEndpoint.h"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <memory>
#include <set>

namespace
{

using namespace nanomq::sdk;
using namespace nanomq::sdk::testing;
using webhook::Webhook;

constexpr char kAllRules[] = "web.hook.rule.client.connect.1={}\n"
                             "web.hook.rule.client.connack.1={}\n"
                             "web.hook.rule.client.connected.1={}\n"
                             "web.hook.rule.client.disconnected.1={}\n"
                             "web.hook.rule.client.subscribe.1={\"topic\":\"a/#\"}\n"
                             "web.hook.rule.client.unsubscribe.1={\"topic\":\"a/#\"}\n"
                             "web.hook.rule.session.subscribed.1={\"topic\":\"a/#\"}\n"
                             "web.hook.rule.session.unsubscribed.1={\"topic\":\"a/#\"}\n"
                             "web.hook.rule.session.terminated.1={}\n"
                             "web.hook.rule.message.publish.1={\"topic\":\"a/#\"}\n"
                             "web.hook.rule.message.publish.2={\"topic\":\"a/b\"}\n"
                             "web.hook.rule.message.delivered.1={\"topic\":\"a/#\"}\n"
                             "web.hook.rule.message.acked.1={}\n";

constexpr char kHttpsServer[] = R"(
import ssl, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
server = HTTPServer(("127.0.0.1", 0), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.load_verify_locations(sys.argv[3])
context.verify_mode = ssl.CERT_REQUIRED
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
while True:
    try: server.handle_request()
    except OSError: pass
)";

std::string url(const std::string& where)
{
    return "web.hook.url=" + where + "\n";
}

std::string field(const std::string& body, const std::string& key)
{
    return Poco::JSON::Parser()
        .parse(body)
        .extract<Poco::JSON::Object::Ptr>()
        ->getValue<std::string>(key);
}

std::vector<std::string> fields(const std::vector<std::string>& bodies, const std::string& key)
{
    std::vector<std::string> all;
    for (const std::string& body : bodies) all.push_back(field(body, key));
    return all;
}

MessagePublished message(const FakeClient& client, std::string_view payload)
{
    auto published = event<MessagePublished>(client);
    published.topic = "a/b";
    published.payload = {payload.data(), payload.size()};
    return published;
}

/// A plugin in its broker, unloaded at the end whatever happens.
struct Loaded
{
    explicit Loaded(const std::string& configuration, std::shared_ptr<FakeMetrics> metrics = {})
        : host(configuration, metrics ? metrics : std::make_shared<FakeMetrics>())
    {
    }
    ~Loaded() { unload(); }

    /// As the broker: a plugin whose init() failed is not quiesced.
    Status init()
    {
        const Status status = plugin->init(&host);
        alive = status == 0;
        return status;
    }
    void start()
    {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(host.allErrors(), Status{0}, init());
        CPPUNIT_ASSERT_EQUAL(Status{0}, plugin->start());
    }
    void unload(std::chrono::milliseconds deadline = 10s)
    {
        if (std::exchange(alive, false)) host.unload(*plugin, deadline);
        host.tasks.stop();
    }
    Poco::JSON::Object::Ptr status()
    {
        const auto result = host.control.call("status");
        CPPUNIT_ASSERT(result.found);
        return Poco::JSON::Parser().parse(result.json).extract<Poco::JSON::Object::Ptr>();
    }
    std::uint64_t number(const std::string& key)
    {
        return status()->getArray("endpoints")->getObject(0)->getValue<std::uint64_t>(key);
    }

    FakeHost host;
    std::unique_ptr<Webhook> plugin = std::make_unique<Webhook>();
    bool alive = false;
};

class PluginTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PluginTest);
    CPPUNIT_TEST(hooksAreThoseOfTheRules);
    CPPUNIT_TEST(filtersOfMessagesGoToTheBroker);
    CPPUNIT_TEST(everyEventIsSentOnce);
    CPPUNIT_TEST(topicOfARuleFiltersSubscriptions);
    CPPUNIT_TEST(interceptHooksHaveNoOpinionAndNoSideEffectOnDryRuns);
    CPPUNIT_TEST(payloadIsEncodedAsConfigured);
    CPPUNIT_TEST(badConfigurationIsRefusedWithAllSentences);
    CPPUNIT_TEST(withoutRulesNothingHappens);
    CPPUNIT_TEST(eachEndpointGetsWhatItsRulesName);
    CPPUNIT_TEST(requestsAreSignedAndHaveHeadersOfTheEvent);
    CPPUNIT_TEST(httpsEndpointIsCheckedAndSeesOurCertificate);
    CPPUNIT_TEST(testVerbShowsRequestAnswerAndVerdict);
    CPPUNIT_TEST(deadLetterVerbsListReplayAndDrop);
    CPPUNIT_TEST(payloadLargerThanTheQueueIsDropped);
    CPPUNIT_TEST(reloadKeepsQueueOrderAndCounts);
    CPPUNIT_TEST(reloadOfAnotherVersionsStateIsRefused);
    CPPUNIT_TEST(reloadToNoEndpointRefusesWhatWaits);
    CPPUNIT_TEST_SUITE_END();

public:
    void hooksAreThoseOfTheRules()
    {
        Loaded two(url("http://h") + "web.hook.rule.client.connack.1={}\n"
                                     "web.hook.rule.client.connack.2={}\n"
                                     "web.hook.rule.client.connect.1={}\n");
        two.start();
        const auto hooks = two.host.hooks();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, hooks.size());
        CPPUNIT_ASSERT(hooks[0].spec.point == HookPoint::ClientConnect);
        CPPUNIT_ASSERT_EQUAL(std::int16_t{32'767}, hooks[0].spec.priority);
        CPPUNIT_ASSERT(hooks[1].spec.point == HookPoint::ClientConnack);
        CPPUNIT_ASSERT_EQUAL(0u, hooks[1].spec.flags & kInline);
    }

    void filtersOfMessagesGoToTheBroker()
    {
        Loaded all(url("http://h") + kAllRules);
        all.start();
        std::set<std::string> filtered;
        for (const auto& hook : all.host.hooks())
            for (const std::string& filter : hook.topicFilters)
                filtered.insert(std::string(hookPointName(hook.spec.point)) + " " + filter);
        CPPUNIT_ASSERT(filtered ==
                       std::set<std::string>({"message.published a/#", "message.published a/b",
                                              "message.delivered a/#"}));
    }

    void everyEventIsSentOnce()
    {
        TestEndpoint endpoint;
        Loaded all(url(endpoint.url()) + kAllRules);
        all.start();
        const FakeClient client("c1");
        const auto on = [&]<class Event>(Event e) {
            if constexpr (requires { e.topicFilter; }) e.topicFilter = "a/x";
            all.host.fire(e);
        };
        on(event<ClientConnect>(client));
        on(event<ClientConnack>(client));
        on(event<ClientConnected>(client));
        on(event<ClientSubscribe>(client));
        on(event<SessionSubscribed>(client));
        on(event<MessagePublished>(client));
        on(event<MessageDelivered>(client));
        on(event<MessageAcked>(client));
        on(event<ClientUnsubscribe>(client));
        on(event<SessionUnsubscribed>(client));
        on(event<ClientDisconnected>(client));
        on(event<SessionTerminated>(client));
        all.unload();
        CPPUNIT_ASSERT(fields(endpoint.taken(), "action") ==
                       std::vector<std::string>(
                           {"client_connect", "client_connack", "client_connected",
                            "client_subscribe", "session_subscribed", "message_publish",
                            "message_delivered", "message_acked", "client_unsubscribe",
                            "session_unsubscribed", "client_disconnected", "session_terminated"}));
        CPPUNIT_ASSERT_EQUAL(0, all.host.retained());
    }

    void topicOfARuleFiltersSubscriptions()
    {
        TestEndpoint endpoint;
        Loaded all(url(endpoint.url()) + kAllRules);
        all.start();
        const FakeClient client("c1");
        const auto fire = [&]<class Event>(Event e) {
            for (const char* topic : {"a", "b", "a/+"})
            {
                e.topicFilter = topic;
                all.host.fire(e);
            }
        };
        fire(event<ClientSubscribe>(client));
        fire(event<ClientUnsubscribe>(client));
        fire(event<SessionSubscribed>(client));
        fire(event<SessionUnsubscribed>(client));
        all.unload();
        CPPUNIT_ASSERT(fields(endpoint.taken(), "topic") ==
                       std::vector<std::string>({"a", "a/+", "a", "a/+", "a", "a/+", "a", "a/+"}));
    }

    void interceptHooksHaveNoOpinionAndNoSideEffectOnDryRuns()
    {
        Loaded all(url("http://127.0.0.1:1") + kAllRules);
        CPPUNIT_ASSERT_EQUAL(Status{0}, all.init());
        const FakeClient client("c1");
        const auto check = [&]<class Event>(Event e) {
            if constexpr (requires { e.topicFilter; }) e.topicFilter = "a";
            const std::uint64_t before = all.number("accepted");
            FakeContext context(all.host.retainCount());
            e.header.flags = kDryRun;
            CPPUNIT_ASSERT(all.host.fire(e, context) == Verdict::Next);
            CPPUNIT_ASSERT_EQUAL(before, all.number("accepted"));
            e.header.flags = 0;
            CPPUNIT_ASSERT(all.host.fire(e, context) == Verdict::Next);
            CPPUNIT_ASSERT_EQUAL(before + 1, all.number("accepted"));
            CPPUNIT_ASSERT(context.set.empty());
        };
        check(event<ClientConnect>(client));
        check(event<ClientSubscribe>(client));
        check(event<ClientUnsubscribe>(client));
        for (const auto& hook : all.host.hooks())
            if (hookKind(hook.spec.point) == HookKind::Intercept)
                CPPUNIT_ASSERT(hook.spec.flags & kDryRunAware);
    }

    void payloadIsEncodedAsConfigured()
    {
        TestEndpoint endpoint;
        Loaded base64(url(endpoint.url()) + kAllRules +
                      "web.hook.body.encoding_of_payload_field=base64\n");
        base64.start();
        base64.host.fire(message(FakeClient("c"), "foo"));
        base64.unload();
        CPPUNIT_ASSERT_EQUAL(std::string("Zm9v"), field(endpoint.taken().at(0), "payload"));
    }

    void badConfigurationIsRefusedWithAllSentences()
    {
        Loaded bad("web.hook.url=ftp://h\nweb.hook.pool_size=0\n");
        CPPUNIT_ASSERT(bad.init() != 0);
        const std::string told = bad.host.allErrors();
        CPPUNIT_ASSERT(told.find("test.conf:1: web.hook.url: found \"ftp://h\"") != std::string::npos);
        CPPUNIT_ASSERT(told.find("test.conf:2: web.hook.pool_size: found \"0\"") !=
                       std::string::npos);
        CPPUNIT_ASSERT(bad.host.hooks().empty());
    }

    void withoutRulesNothingHappens()
    {
        Loaded none("web.hook.enable=true\n");
        none.start();
        CPPUNIT_ASSERT(none.host.hooks().empty());
        CPPUNIT_ASSERT_EQUAL(std::string("{\"endpoints\":[]}"),
                             none.host.control.call("status").json);
    }

    void eachEndpointGetsWhatItsRulesName()
    {
        TestEndpoint first, second, third;
        Loaded all(url(first.url()) + "web.hook.endpoint.two.url=" + second.url() +
                   "\nweb.hook.rule.message.publish.1={\"topic\":\"a/#\"}\n"
                   "web.hook.rule.message.publish.2={\"topic\":\"a/b\",\"endpoint\":\"two\"}\n"
                   "web.hook.rule.client.connack.1={\"url\":\"" +
                   third.url() + "\"}\n");
        all.start();
        const FakeClient client("c1");
        all.host.fire(message(client, "both"));
        auto other = message(client, "first only");
        other.topic = "a/c";
        all.host.fire(other);
        all.host.fire(event<ClientConnack>(client));
        all.unload();
        CPPUNIT_ASSERT(fields(first.taken(), "payload") ==
                       std::vector<std::string>({"both", "first only"}));
        CPPUNIT_ASSERT(fields(second.taken(), "payload") == std::vector<std::string>({"both"}));
        CPPUNIT_ASSERT(fields(third.taken(), "action") ==
                       std::vector<std::string>({"client_connack"}));
        const auto names = all.status()->getArray("endpoints");
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, names->size());
        CPPUNIT_ASSERT_EQUAL(std::string("two"),
                             names->getObject(1)->getValue<std::string>("name"));
    }

    void requestsAreSignedAndHaveHeadersOfTheEvent()
    {
        TestEndpoint endpoint;
        Loaded plugin(url(endpoint.url()) + kAllRules +
                      "web.hook.signature.secret=s3cret\n"
                      "web.hook.headers.X-Where = ${action}/${clientid}/${topic}\n");
        plugin.start();
        plugin.host.fire(message(FakeClient("c1"), "x"));
        plugin.unload();
        CPPUNIT_ASSERT_EQUAL(std::string("message_publish/c1/a/b"), endpoint.lastHeader("X-Where"));
        const std::string signature = endpoint.lastHeader("X-NanoMQ-Signature");
        const auto time = std::stoll(signature.substr(2));
        CPPUNIT_ASSERT_EQUAL(webhook::signatureOf("s3cret", time, endpoint.taken().at(0)),
                             signature);
        CPPUNIT_ASSERT_EQUAL(std::size_t{32}, endpoint.lastHeader("Idempotency-Key").size());
    }

    void httpsEndpointIsCheckedAndSeesOurCertificate()
    {
        nanomq::test::Certificates certificates;
        const auto server = certificates.server();
        const auto ours = certificates.sign("us", "/CN=us");
        // Answers 200 only to who shows a certificate of the authority.
        nanomq::test::Command https(
            "python3", {"-c", kHttpsServer, server.certificate, server.key,
                        certificates.authority()});
        const auto port = https.readLine();
        CPPUNIT_ASSERT(port.has_value());
        const std::string tls = url("https://localhost:" + *port + "/hook") + kAllRules +
                                "web.hook.ssl.cacertfile=" + certificates.authority() + "\n";
        const auto verdict = [](const std::string& configuration) {
            Loaded plugin(configuration);
            plugin.start();
            const auto result = plugin.host.control.call("test");
            CPPUNIT_ASSERT_EQUAL(std::string(), result.errorText);
            return field(result.json, "verdict");
        };
        CPPUNIT_ASSERT_EQUAL(std::string("delivered"),
                             verdict(tls + "web.hook.ssl.certfile=" + ours.certificate +
                                     "\nweb.hook.ssl.keyfile=" + ours.key + "\n"));
        const std::string failed = "failed: an event would be tried again";
        CPPUNIT_ASSERT_EQUAL(failed, verdict(tls)); // no certificate of ours
        CPPUNIT_ASSERT_EQUAL(failed, verdict(tls + "web.hook.ssl.certfile=" + ours.certificate +
                                             "\nweb.hook.ssl.keyfile=" + ours.key +
                                             "\nweb.hook.ssl.server_name_indication=other\n"));
        Loaded wrong(tls + "web.hook.ssl.certfile=/nowhere.pem\nweb.hook.ssl.keyfile=/no.pem\n");
        CPPUNIT_ASSERT(wrong.init() != 0);
        CPPUNIT_ASSERT(wrong.host.allErrors().find("/nowhere.pem") != std::string::npos);
    }

    void testVerbShowsRequestAnswerAndVerdict()
    {
        std::atomic<int> answer{200};
        TestEndpoint endpoint([&answer](const std::string&, unsigned) { return answer.load(); });
        Loaded plugin(url(endpoint.url()) + kAllRules + "web.hook.headers.Authorization=s3cret\n");
        plugin.start();
        const auto verdict = [&] {
            const auto result = plugin.host.control.call("test");
            CPPUNIT_ASSERT(result.json.find("s3cret") == std::string::npos);
            CPPUNIT_ASSERT(result.json.find("webhook_test") != std::string::npos);
            CPPUNIT_ASSERT(result.json.find("an answer that nobody reads") != std::string::npos);
            return field(result.json, "verdict");
        };
        CPPUNIT_ASSERT_EQUAL(std::string("delivered"), verdict());
        answer = 404;
        CPPUNIT_ASSERT_EQUAL(std::string("refused: an event would be dropped"), verdict());
        answer = 503;
        CPPUNIT_ASSERT_EQUAL(std::string("failed: an event would be tried again"), verdict());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, plugin.number("accepted")); // it is no event
        CPPUNIT_ASSERT_EQUAL(std::string("bad_argument"),
                             plugin.host.control.call("test", "{\"endpoint\":\"x\"}").errorCode);
    }

    void deadLetterVerbsListReplayAndDrop()
    {
        nanomq::test::TemporaryFolder folder;
        std::atomic<int> answer{400};
        TestEndpoint endpoint([&answer](const std::string&, unsigned) { return answer.load(); });
        Loaded plugin(url(endpoint.url()) + kAllRules);
        plugin.host.storage.path = folder.path().string();
        plugin.start();
        for (const char* payload : {"1", "2", "3"})
            plugin.host.fire(message(FakeClient("c"), payload));
        CPPUNIT_ASSERT(eventually([&] { return plugin.number("dead") == 3; }));
        const auto call = [&](const char* verb, const char* arguments) {
            return plugin.host.control.call(verb, arguments);
        };
        const std::string listed = call("dead list", "{\"limit\":\"2\",\"body\":true}").json;
        CPPUNIT_ASSERT(listed.find("\"number\":2") != std::string::npos);
        CPPUNIT_ASSERT(listed.find("\"number\":3") == std::string::npos);
        CPPUNIT_ASSERT(listed.find("answered 400 Because") != std::string::npos);
        CPPUNIT_ASSERT(listed.find("message_publish") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string("bad_argument"), call("dead drop", "{}").errorCode);
        CPPUNIT_ASSERT_EQUAL(std::string("bad_argument"),
                             call("dead replay", "{\"number\":\"9\"}").errorCode);
        CPPUNIT_ASSERT_EQUAL(std::string("{\"dropped\":1}"),
                             call("dead drop", "{\"number\":\"1\"}").json);
        answer = 200;
        CPPUNIT_ASSERT_EQUAL(std::string("{\"replayed\":2,\"left\":0}"),
                             call("dead replay", "{\"all\":true}").json);
        CPPUNIT_ASSERT(eventually([&] { return plugin.number("delivered") == 2; }));
        CPPUNIT_ASSERT(fields(endpoint.taken(), "payload") == std::vector<std::string>({"2", "3"}));
    }

    void payloadLargerThanTheQueueIsDropped()
    {
        TestEndpoint endpoint;
        Loaded small(url(endpoint.url()) + kAllRules + "web.hook.queue.max_bytes=1KB\n");
        small.start();
        const FakeClient client("c");
        small.host.fire(message(client, std::string(1'025, 'x')));
        small.host.fire(message(client, std::string(1'000, 'x'))); // too large as a body
        small.host.fire(message(client, "small"));
        CPPUNIT_ASSERT(eventually([&] { return small.number("delivered") == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, small.number("dropped"));
        CPPUNIT_ASSERT_EQUAL(std::string("small"), field(endpoint.taken().at(0), "payload"));
    }

    void reloadKeepsQueueOrderAndCounts()
    {
        TestEndpoint endpoint;
        Loaded old(url(endpoint.url()) + kAllRules);
        old.start();
        const FakeClient client("c");
        old.host.fire(message(client, "0"));
        CPPUNIT_ASSERT(eventually([&] { return old.number("delivered") == 1; }));
        endpoint.close();
        for (const char* payload : {"1", "2", "3"}) old.host.fire(message(client, payload));
        CPPUNIT_ASSERT(
            eventually([&] { return endpoint.mostAtATime() == 1 && endpoint.requests() == 2; }));

        // The new one's hooks are active while the old one ends.
        TestEndpoint other;
        Loaded fresh(url(other.url()) + kAllRules + "web.hook.pool_size=5\n", old.host.metrics);
        CPPUNIT_ASSERT_EQUAL(Status{0}, fresh.init());
        fresh.host.fire(message(client, "4"));
        old.unload(100ms);
        CPPUNIT_ASSERT_EQUAL(Status{0}, FakeHost::handOver(*old.plugin, *fresh.plugin));
        old.plugin.reset();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, old.host.logged("not delivered"));
        CPPUNIT_ASSERT_EQUAL(Status{0}, fresh.plugin->start());
        fresh.host.fire(message(client, "5"));

        CPPUNIT_ASSERT(eventually([&] { return fresh.number("delivered") == 6; }));
        CPPUNIT_ASSERT(fields(other.taken(), "payload") ==
                       std::vector<std::string>({"1", "2", "3", "4", "5"}));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{6}, fresh.number("accepted"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, fresh.number("dropped"));
        const FakeMetrics& metrics = *fresh.host.metrics;
        CPPUNIT_ASSERT_EQUAL(std::int64_t{6}, metrics.value("webhook_accepted_total", "endpoint=\"default\""));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{6}, metrics.value("webhook_delivered_total", "endpoint=\"default\""));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, metrics.value("webhook_queued", "endpoint=\"default\""));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, metrics.value("webhook_in_flight", "endpoint=\"default\""));
    }

    void reloadOfAnotherVersionsStateIsRefused()
    {
        Loaded fresh(url("http://h") + kAllRules);
        CPPUNIT_ASSERT_EQUAL(Status{0}, fresh.init());
        auto* handover = static_cast<Handover*>(fresh.plugin->query(Handover::kInterface));
        static constexpr char other[] = "something else";
        CPPUNIT_ASSERT_EQUAL(Status{-EINVAL}, handover->adopt({other, sizeof other}));
        CPPUNIT_ASSERT_EQUAL(Status{-EINVAL}, handover->adopt({}));
        CPPUNIT_ASSERT(!fresh.plugin->query("nanomq.something/1"));
    }

    void reloadToNoEndpointRefusesWhatWaits()
    {
        Loaded old(url("http://127.0.0.1:1") + kAllRules);
        CPPUNIT_ASSERT_EQUAL(Status{0}, old.init());
        old.host.fire(message(FakeClient("c"), "x"));
        old.unload();
        Loaded fresh("web.hook.enable=true\n");
        CPPUNIT_ASSERT_EQUAL(Status{0}, fresh.init());
        CPPUNIT_ASSERT_EQUAL(Status{-ENODEV}, FakeHost::handOver(*old.plugin, *fresh.plugin));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PluginTest);

} // namespace
