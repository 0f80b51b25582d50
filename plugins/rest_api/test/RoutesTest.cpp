#include "RestFixture.h"
#include "support/ScriptedClient.h"

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace rest_api::test
{

using namespace nanomq;
using nanomq::test::Deadline;
using nanomq::test::kPatience;
using nanomq::test::ScriptedClient;

class RoutesTest : public RestFixture
{
    CPPUNIT_TEST_SUITE(RoutesTest);
    CPPUNIT_TEST(showsTheBrokerAsNanomqDoes);
    CPPUNIT_TEST(listsClientsFilteredAndPaged);
    CPPUNIT_TEST(kicksAClient);
    CPPUNIT_TEST(listsSubscriptionsAndTheTopicTree);
    CPPUNIT_TEST(publishesWhatItIsTold);
    CPPUNIT_TEST(subscribesForAClient);
    CPPUNIT_TEST(showsAndForgetsRetainedMessages);
    CPPUNIT_TEST(actsOnPlugins);
    CPPUNIT_TEST(writesTheConfigurationAndRefusesNonsense);
    CPPUNIT_TEST(speaksTheFirstVersion);
    CPPUNIT_TEST(refusesWithStatusAndCodeOfTheContract);
    CPPUNIT_TEST(streamsLongListsWhole);
    CPPUNIT_TEST(metricsHaveHistogramsInOrderAndNanomqsNames);
    CPPUNIT_TEST(isReloadedAndUnloadedWhileItIsCalled);
    CPPUNIT_TEST_SUITE_END();

    ScriptedClient client(const std::string& id)
    {
        ScriptedClient client(broker().port());
        client.connect({.clientId = id});
        return client;
    }
    template <class Condition> static void await(const char* what, Condition condition)
    {
        for (const Deadline deadline(kPatience); !condition(); std::this_thread::yield())
            CPPUNIT_ASSERT_MESSAGE(what, deadline.remainingMs() > 0);
    }
    std::string conf(const char* name)
    {
        std::ostringstream text;
        text << std::ifstream(broker().confFolder() / name).rdbuf();
        return std::move(text).str();
    }
    static std::set<std::string> ids(const Answer& answer)
    {
        std::set<std::string> ids;
        const auto data = answer.data();
        for (const auto& item : *data)
            ids.insert(item.extract<Poco::JSON::Object::Ptr>()->getValue<std::string>("client_id"));
        return ids;
    }

public:
    void setUp() override { start(); }

    void showsTheBrokerAsNanomqDoes()
    {
        const auto brokers = get("/api/v4/brokers").data()->getObject(0);
        CPPUNIT_ASSERT_EQUAL(std::string("Running"), brokers->getValue<std::string>("node_status"));
        CPPUNIT_ASSERT_EQUAL(std::string("NanoMQ Broker"), brokers->getValue<std::string>("sysdescr"));
        CPPUNIT_ASSERT(brokers->getValue<std::string>("uptime").starts_with("0 Hours, "));
        auto one = client("one");
        CPPUNIT_ASSERT_EQUAL(1, get("/api/v4/nodes").data()->getObject(0)->getValue<int>("connections"));
        const auto metrics = get("/api/v4/metrics").json();
        CPPUNIT_ASSERT(!metrics->has("code"));
        CPPUNIT_ASSERT(metrics->get("memory").isString());
        CPPUNIT_ASSERT(metrics->getValue<std::string>("cpuinfo").ends_with("%"));
        const auto listeners = get("/api/v4/listeners").data()->getObject(0)->getArray("listeners");
        CPPUNIT_ASSERT_EQUAL(1, listeners->getObject(0)->getValue<int>("current_conns"));
        CPPUNIT_ASSERT_EQUAL(std::string("mqtt:tcp"),
                             listeners->getObject(0)->getValue<std::string>("protocol"));
    }

    void listsClientsFilteredAndPaged()
    {
        auto a = client("sensor a");
        auto b = client("sensor/b");
        auto c = client("other");
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, ids(get("/api/v4/clients")).size());
        CPPUNIT_ASSERT(ids(get("/api/v4/clients/sensor%2Fb")) == std::set<std::string>{"sensor/b"});
        CPPUNIT_ASSERT(ids(get("/api/v4/clients/nobody")).empty());
        CPPUNIT_ASSERT(ids(get("/api/v4/clients?_like_clientid=sensor")).size() == 2);
        CPPUNIT_ASSERT(ids(get("/api/v4/clients?client_id=sensor+a")) ==
                       std::set<std::string>{"sensor a"});
        CPPUNIT_ASSERT(ids(get("/api/v4/clients?conn_state=disconnected")).empty());
        CPPUNIT_ASSERT(ids(get("/api/v4/clients?proto_ver=3")).empty());
        const auto page = get("/api/v4/clients?_page=2&_limit=2");
        CPPUNIT_ASSERT(ids(page) == std::set<std::string>{"sensor/b"});
        const auto meta = page.json()->getObject("meta");
        CPPUNIT_ASSERT_EQUAL(3, meta->getValue<int>("count"));
        CPPUNIT_ASSERT_EQUAL(2, meta->getValue<int>("page"));
        CPPUNIT_ASSERT(!get("/api/v4/clients").json()->has("meta"));
    }

    void kicksAClient()
    {
        auto one = client("one");
        CPPUNIT_ASSERT_EQUAL(200, call({.method = "DELETE", .path = "/api/v4/clients/one"}).status);
        one.expectDisconnect(ReasonCode::AdministrativeAction);
        CPPUNIT_ASSERT_EQUAL(std::string("404/112"),
                             refusal({.method = "DELETE", .path = "/api/v4/clients/nobody"}));
    }

    void listsSubscriptionsAndTheTopicTree()
    {
        auto one = client("one");
        one.subscribe("topic123", QoS::AtLeastOnce);
        one.subscribe("a/b");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, get("/api/v4/subscriptions").data()->size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, get("/api/v4/subscriptions?qos=1").data()->size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, get("/api/v4/subscriptions/one").data()->size());
        const auto page = get("/api/v4/subscriptions?_limit=1").json();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, page->getArray("data")->size());
        CPPUNIT_ASSERT_EQUAL(2, page->getObject("meta")->getValue<int>("count"));
        CPPUNIT_ASSERT_EQUAL(
            std::string("{\"code\":0,\"data\":[[{\"topic\":\"\",\"cld_cnt\":2}],"
                        "[{\"topic\":\"a\",\"cld_cnt\":1},"
                        "{\"topic\":\"topic123\",\"cld_cnt\":0,\"clientid\":[\"one\"]}],"
                        "[{\"topic\":\"b\",\"cld_cnt\":0,\"clientid\":[\"one\"]}]]}"),
            get("/api/v4/topic-tree").body);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, get("/api/v4/routes").data()->size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, get("/api/v4/routes/a%2Fb").data()->size());
    }

    void publishesWhatItIsTold()
    {
        auto one = client("one");
        one.subscribe("t/#", QoS::AtLeastOnce);
        CPPUNIT_ASSERT_EQUAL(0, post("/api/v4/mqtt/publish",
                                     R"({"topic":"t/1","payload":"aGVsbG8=","encoding":"base64","qos":1,)"
                                     R"("properties":{"content_type":"text/plain","user_properties":{"k":"v"}}})")
                                    .code());
        const auto message = one.expectPublish("t/1", "hello", QoS::AtLeastOnce);
        CPPUNIT_ASSERT_EQUAL(std::string("text/plain"),
                             std::string(message->properties.contentType));
        CPPUNIT_ASSERT_EQUAL(0, post("/api/v4/mqtt/publish", R"({"topics":"t/2,t/3","payload":"x"})").code());
        const auto batch = post("/api/v4/mqtt/publish_batch",
                                R"([{"topic":"t/4","payload":{"n":1}},{"topic":"t/#","payload":"x"},7])");
        CPPUNIT_ASSERT_EQUAL(std::string("{\"data\":[{\"topic\":\"t/4\",\"code\":0},"
                                         "{\"topic\":\"t/#\",\"code\":108},"
                                         "{\"topic\":\"\",\"code\":108}],\"code\":0}"),
                             batch.body);
        std::set<std::string> came;
        for (int i = 0; i < 3; ++i) came.insert(std::string(one.receiveMessage()->topicName));
        CPPUNIT_ASSERT((came == std::set<std::string>{"t/2", "t/3", "t/4"}));
    }

    void subscribesForAClient()
    {
        auto one = client("one");
        CPPUNIT_ASSERT_EQUAL(0, post("/api/v4/mqtt/subscribe",
                                     R"({"clientid":"one","topic":"t","qos":1})").code());
        await("subscription", [&] { return get("/api/v4/subscriptions/one").data()->size() == 1; });
        post("/api/v4/mqtt/publish", R"({"topic":"t","payload":"x","qos":1})");
        one.expectPublish("t", "x", QoS::AtLeastOnce);
        CPPUNIT_ASSERT_EQUAL(std::string("404/112"),
                             refusal({.method = "POST", .path = "/api/v4/mqtt/subscribe",
                                      .body = R"({"clientid":"no","topic":"t"})"}));
        CPPUNIT_ASSERT_EQUAL(0, post("/api/v4/mqtt/unsubscribe",
                                     R"({"clientid":"one","topic":"t"})").code());
        await("none", [&] { return get("/api/v4/subscriptions/one").data()->size() == 0; });
    }

    void showsAndForgetsRetainedMessages()
    {
        post("/api/v4/mqtt/publish", R"({"topic":"kept/1","payload":"hello","retain":true})");
        await("retained", [&] { return get("/api/v4/retained").data()->size() == 1; });
        const auto one = get("/api/v4/retained/kept%2F1").json()->getObject("data");
        CPPUNIT_ASSERT_EQUAL(std::string("aGVsbG8="), one->getValue<std::string>("payload"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, get("/api/v4/retained?topic=other/%23").data()->size());
        CPPUNIT_ASSERT_EQUAL(200, call({.method = "DELETE", .path = "/api/v4/retained/kept%2F1"}).status);
        await("gone", [&] { return get("/api/v4/retained").data()->size() == 0; });
        CPPUNIT_ASSERT_EQUAL(std::string("404/102"), refusal({.path = "/api/v4/retained/kept%2F1"}));
        CPPUNIT_ASSERT_EQUAL(std::string("400/108"), refusal({.path = "/api/v4/retained?topic=a%23"}));
    }

    void actsOnPlugins()
    {
        const auto act = [this](const char* what) {
            return call({.method = "PUT", .path = std::string("/api/v4/plugins/") + what});
        };
        CPPUNIT_ASSERT_EQUAL_MESSAGE(act("webhook/unload").body, 111, act("webhook/unload").code());
        CPPUNIT_ASSERT_EQUAL(0, act("webhook/load").code());
        CPPUNIT_ASSERT_EQUAL(110, act("webhook/load").code());
        const auto webhook = get("/api/v4/plugins/webhook").json()->getObject("data");
        CPPUNIT_ASSERT(webhook->getValue<bool>("active"));
        CPPUNIT_ASSERT_EQUAL(0, act("webhook/reload").code());
        CPPUNIT_ASSERT_EQUAL(0, act("webhook/unload").code());
        CPPUNIT_ASSERT_EQUAL(404, act("nothing/load").status);
        CPPUNIT_ASSERT_EQUAL(std::string("404/102"), refusal({.path = "/api/v4/plugins/nothing"}));
    }

    void writesTheConfigurationAndRefusesNonsense()
    {
        const auto data = get("/api/v4/configuration").json()->getObject("data");
        CPPUNIT_ASSERT_EQUAL(1'000, data->getValue<int>("msq_len"));
        CPPUNIT_ASSERT(!data->getObject("http_server")->has("password"));
        CPPUNIT_ASSERT_EQUAL(0, post("/api/v4/configuration", R"({"data":{"msq_len":77}})").code());
        CPPUNIT_ASSERT(conf("nanomq.conf").find("msq_len = 77\n") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(0, post("/api/v4/config_update", "# a comment\nmsq_len = 78\n").code());
        const std::string before = conf("nanomq.conf");
        CPPUNIT_ASSERT(before.find("msq_len = 78\n") != std::string::npos);
        struct Case
        {
            const char* path;
            const char* body;
            const char* refusal;
        };
        static constexpr Case cases[] = {
            {"/api/v4/configuration", R"({"data":{"msq_len":"many"}})", "400/108"},
            {"/api/v4/configuration", R"({"data":{"bogus":1}})", "400/108"},
            {"/api/v4/configuration", R"({"data":{"url":"x\ny = z"}})", "400/108"},
            {"/api/v4/configuration", R"({"msq_len":1})", "400/107"},
            {"/api/v4/configuration/nothing", R"({"data":{}})", "404/102"},
            {"/api/v4/reload", R"({"data":{"daemon":true}})", "400/108"},
            {"/api/v4/config_update", "mqtt { session { } }", "400/117"},
            {"/api/v4/config_update", "bogus = 1", "400/117"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.body, std::string(c.refusal),
                                         refusal({.method = "POST", .path = c.path, .body = c.body}));
        CPPUNIT_ASSERT_EQUAL(before, conf("nanomq.conf"));
    }

    void speaksTheFirstVersion()
    {
        auto one = client("one");
        one.subscribe("a", QoS::AtLeastOnce);
        const auto ask = [this](const std::string& body) { return post("/api/v1", body).body; };
        CPPUNIT_ASSERT_EQUAL(std::string("{\"code\":0,\"seq\":7,\"rep\":2,\"data\":{\"client_size\":1,"
                                         "\"message_in\":0,\"message_out\":0,\"message_drop\":0}}"),
                             ask(R"({"req":2,"seq":7})"));
        CPPUNIT_ASSERT_EQUAL(
            std::string("{\"code\":0,\"seq\":1,\"rep\":4,\"data\":[{\"client_id\":\"one\","
                        "\"subscriptions\":[{\"topic\":\"a\",\"qos\":1}]}]}"),
            ask(R"({"req":4,"seq":1})"));
        CPPUNIT_ASSERT_EQUAL(
            std::string("{\"code\":0,\"seq\":1,\"rep\":5,\"data\":[{\"client_id\":\"one\",\"username\":\"\","
                        "\"keepalive\":0,\"protocol\":5,\"connect_status\":1,\"message_receive\":0}]}"),
            ask(R"({"req":5,"seq":1})"));
        CPPUNIT_ASSERT_EQUAL(
            std::string("{\"code\":0,\"seq\":1,\"rep\":13,\"data\":[[{\"topic\":\"\",\"cld_cnt\":1}],"
                        "[{\"topic\":\"a\",\"cld_cnt\":0,\"client_id\":[\"one\"]}]]}"),
            ask(R"({"req":13,"seq":1})"));
        CPPUNIT_ASSERT_EQUAL(std::string("{\"code\":0,\"seq\":1,\"rep\":12}"),
                             ask(R"({"req":12,"seq":1,"data":{"msq_len":5}})"));
        for (const char* wish : {R"({"req":1,"seq":1})", R"({"req":7})", R"({})"})
            CPPUNIT_ASSERT_EQUAL(std::string("404/108"),
                                 refusal({.method = "POST", .path = "/api/v1", .body = wish}));
        CPPUNIT_ASSERT_EQUAL(std::string("400/109"),
                             refusal({.method = "POST", .path = "/api/v1", .body = "x"}));
        CPPUNIT_ASSERT_EQUAL(std::string("{\"code\":0,\"seq\":1,\"rep\":10}"),
                             ask(R"({"req":10,"seq":1,"action":"stop"})"));
        CPPUNIT_ASSERT(broker().process().waitForExit() == 0);
    }

    void refusesWithStatusAndCodeOfTheContract()
    {
        struct Case
        {
            Call call;
            const char* refusal;
        };
        const Case cases[] = {
            {{.path = "/nothing"}, "404/102"},
            {{.path = "/api/v4/rules"}, "404/102"},
            {{.path = "/api/v4/bridges"}, "404/102"},
            {{.method = "PATCH", .path = "/api/v4/clients"}, "405/102"},
            {{.path = "/api/v4/clients?bogus=1"}, "400/108"},
            {{.path = "/api/v4/clients?_page=0"}, "400/108"},
            {{.path = "/api/v4/clients?conn_state=maybe"}, "400/108"},
            {{.path = "/api/v4/clients/%zz"}, "400/108"},
            {{.path = "/api/v4/clients/%00"}, "400/108"},
            {{.method = "POST", .path = "/api/v4/mqtt/publish", .body = "{"}, "400/109"},
            {{.method = "POST", .path = "/api/v4/mqtt/publish", .body = "[]"}, "400/109"},
            {{.method = "POST", .path = "/api/v4/mqtt/publish", .body = std::string(100, '[')}, "400/109"},
            {{.method = "POST", .path = "/api/v4/mqtt/publish", .body = "{}"}, "400/107"},
            {{.method = "POST", .path = "/api/v4/mqtt/publish", .body = R"({"topic":"t"})"}, "400/107"},
            {{.method = "POST", .path = "/api/v4/mqtt/publish",
              .body = R"({"topic":"t","payload":"x","qos":3})"}, "400/108"},
            {{.method = "POST", .path = "/api/v4/mqtt/publish",
              .body = R"({"topic":{},"payload":"x"})"}, "400/108"},
            {{.method = "POST", .path = "/api/v4/mqtt/publish",
              .body = R"({"topic":"t","payload":"x","properties":{"bogus":1}})"}, "400/108"},
            {{.path = "/api/v4/clients", .user = ""}, "401/104"},
            {{.path = "/nothing", .user = ""}, "401/104"},
            {{.path = "/api/v4/clients", .user = "x", .password = "wrong"}, "401/103"},
            {{.path = "/api/v4/clients", .user = "x", .password = "wrong"}, "429/103"},
            {{.path = "/api/v4/clients", .user = "y", .password = ""}, "401/104"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.call.path, std::string(c.refusal), refusal(c.call));
        const auto tooLarge = raw("POST /api/v4/mqtt/publish HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n");
        CPPUNIT_ASSERT_MESSAGE(tooLarge, tooLarge.starts_with("HTTP/1.1 413"));
        CPPUNIT_ASSERT(tooLarge.find("{\"code\":108,") != std::string::npos);
        CPPUNIT_ASSERT(raw("nonsense\r\n\r\n").starts_with("HTTP/1.1 400") ||
                       raw("nonsense\r\n\r\n").empty());
    }

    void streamsLongListsWhole()
    {
        constexpr int kMany = 2'000; // some 100 KB
        auto one = client("one");
        for (int i = 0; i < kMany; ++i) one.subscribe("plant/line/" + std::to_string(i));
        const auto answer = get("/api/v4/subscriptions");
        CPPUNIT_ASSERT_EQUAL(std::size_t{kMany}, answer.data()->size());
        CPPUNIT_ASSERT_EQUAL(std::string("chunked"), answer.headers.at("Transfer-Encoding"));
    }

    void metricsHaveHistogramsInOrderAndNanomqsNames()
    {
        auto one = client("one");
        for (int i = 0; i < 256; ++i) one.publish("t", "x", {.qos = QoS::AtLeastOnce});
        const auto answer = get("/metrics");
        CPPUNIT_ASSERT(answer.type.starts_with("text/plain; version=0.0.4"));
        const std::string& text = answer.body;
        CPPUNIT_ASSERT(text == "" || text.back() == '\n');
        for (const char* line : {"# TYPE nanomq_connect_seconds histogram\n", "nanomq_connect_seconds_count 1\n",
                                 "nanomq_connect_seconds_bucket{le=\"+Inf\"} 1\n",
                                 "# TYPE nanomq_message_latency_seconds histogram\n",
                                 "nanomq_connections_count 1\n", "nanomq_messages_received 256\n",
                                 "nanomq_plugin_active{plugin=\"rest_api\"} 1\n"})
            CPPUNIT_ASSERT_MESSAGE(line + text, text.find(line) != std::string::npos);
        std::set<std::string> families;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("# TYPE "))
                CPPUNIT_ASSERT_MESSAGE("twice: " + line, families.insert(line.substr(7, line.rfind(' ') - 7)).second);
        const auto first = text.find("nanomq_message_latency_seconds_bucket{le=\"0.00001\"}");
        const auto last = text.find("nanomq_message_latency_seconds_bucket{le=\"+Inf\"}");
        CPPUNIT_ASSERT(first < last && last < text.find("nanomq_message_latency_seconds_count"));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("one in 128", std::string("2"),
                                     text.substr(text.find('}', last) + 2, 1));
        CPPUNIT_ASSERT_EQUAL(text.substr(0, 200), get("/api/v4/prometheus").body.substr(0, 200));
    }

    void isReloadedAndUnloadedWhileItIsCalled()
    {
        CPPUNIT_ASSERT_EQUAL(200, get("/api/v4/brokers").status);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("begun, and not waited for", 202,
                                     call({.method = "PUT",
                                           .path = "/api/v4/plugins/rest_api/unload"}).status);
        await("unloaded", [&] {
            return broker().ctl({"plugin", "info", "rest_api"}).output.find("gone") !=
                   std::string::npos;
        });
        CPPUNIT_ASSERT_EQUAL(0, broker().ctl({"plugin", "load", "rest_api"}).status);
        CPPUNIT_ASSERT_EQUAL(0, broker().ctl({"plugin", "reload", "rest_api"}).status);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RoutesTest);

} // namespace rest_api::test
