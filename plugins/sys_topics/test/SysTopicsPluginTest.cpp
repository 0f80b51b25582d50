#include "support/BrokerProcess.h"
#include "support/ScriptedClient.h"

#include <cppunit/extensions/HelperMacros.h>
#include <map>
#include <memory>
#include <set>

namespace
{

using namespace nanomq;
using namespace nanomq::test;

/// Every topic below `$SYS/broker/` of Debian 12's mosquitto, 2.0.11.
constexpr const char* kMosquitto[] = {
    "bytes/received",
    "bytes/sent",
    "clients/active",
    "clients/connected",
    "clients/disconnected",
    "clients/expired",
    "clients/inactive",
    "clients/maximum",
    "clients/total",
    "heap/current",
    "heap/maximum",
    "load/bytes/received/15min",
    "load/bytes/received/1min",
    "load/bytes/received/5min",
    "load/bytes/sent/15min",
    "load/bytes/sent/1min",
    "load/bytes/sent/5min",
    "load/connections/15min",
    "load/connections/1min",
    "load/connections/5min",
    "load/messages/received/15min",
    "load/messages/received/1min",
    "load/messages/received/5min",
    "load/messages/sent/15min",
    "load/messages/sent/1min",
    "load/messages/sent/5min",
    "load/publish/dropped/15min",
    "load/publish/dropped/1min",
    "load/publish/dropped/5min",
    "load/publish/received/15min",
    "load/publish/received/1min",
    "load/publish/received/5min",
    "load/publish/sent/15min",
    "load/publish/sent/1min",
    "load/publish/sent/5min",
    "load/sockets/15min",
    "load/sockets/1min",
    "load/sockets/5min",
    "messages/received",
    "messages/sent",
    "messages/stored",
    "publish/bytes/received",
    "publish/bytes/sent",
    "publish/messages/dropped",
    "publish/messages/received",
    "publish/messages/sent",
    "retained messages/count",
    "shared_subscriptions/count",
    "store/messages/bytes",
    "store/messages/count",
    "subscriptions/count",
    "uptime",
    "version",
};

/// The plugin in the broker, as clients see it.
class SysTopicsPluginTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SysTopicsPluginTest);
    CPPUNIT_TEST(hasEveryTopicOfMosquitto);
    CPPUNIT_TEST(tellsWhoComesAndGoes);
    CPPUNIT_TEST(isReadByThoseWhoMay);
    CPPUNIT_TEST(theRightIsLookedAtAgainWhenASessionIsResumed);
    CPPUNIT_TEST(nobodyElseSpeaksForTheBroker);
    CPPUNIT_TEST(takesItsTopicsAlongWhenItGoes);
    CPPUNIT_TEST_SUITE_END();

public:
    void tearDown() override
    {
        if (_broker) _broker->stop();
    }

    void hasEveryTopicOfMosquitto()
    {
        start();
        auto reader = connected("reader");
        reader.subscribe("#"); // shows none of them [MQTT-4.7.2-1]
        reader.subscribe("+/broker/#");
        reader.expectNothingBeforePingresp();
        reader.subscribe("$SYS/#");
        std::set<std::string> missing;
        for (const char* topic : kMosquitto) missing.insert(std::string("$SYS/broker/") + topic);
        const Deadline deadline(kPatience);
        while (!missing.empty() && deadline.remainingMs() > 0)
        {
            const auto message = reader.receiveMessage();
            missing.erase(std::string(message->topicName));
            CPPUNIT_ASSERT(!message->payload.empty());
        }
        CPPUNIT_ASSERT_EQUAL_MESSAGE(missing.empty() ? "" : *missing.begin(), std::size_t{0},
                                     missing.size());
    }

    void tellsWhoComesAndGoes()
    {
        start("sys.interval = 0s\nsys.presence = both\n");
        auto reader = connected("reader");
        reader.subscribe("$SYS/brokers/#");
        auto guest = connected("guest");
        // The reader's own arrival may come late, and topics keep no order among each other.
        const auto bodiesOf = [&](std::size_t count) {
            std::map<std::string, std::string> bodies;
            while (bodies.size() < count)
            {
                const auto message = reader.receiveMessage();
                const std::string body = textOf(message->payload);
                if (body.find("\"reader\"") != std::string::npos) continue;
                bodies[std::string(message->topicName)] = body;
            }
            return bodies;
        };
        auto bodies = bodiesOf(2);
        expectIn(bodies["$SYS/brokers/connected"], R"("proto_ver":5,"client_id":"guest")");
        expectIn(bodies["$SYS/brokers/client_status"], R"({"status":"online","username":)");
        guest.disconnect(ReasonCode::DisconnectWithWill);
        bodies = bodiesOf(2);
        expectIn(bodies["$SYS/brokers/disconnected"], R"("reason_code":"4","client_id":"guest"})");
        expectIn(bodies["$SYS/brokers/client_status"], R"({"status":"offline","username":)");
    }

    void isReadByThoseWhoMay()
    {
        struct Case
        {
            const char* readableBy;
            bool local, mayRead;
        };
        static constexpr Case cases[] = {
            {"loopback", true, true},   {"loopback", false, false}, {"everybody", false, true},
            {"nobody", true, false},
        };
        for (const auto& c : cases)
        {
            start({}, std::string("sys.readable_by = ") + c.readableBy + "\n");
            auto client = c.local ? connected("c") : fromFarAway({.clientId = "c"});
            for (const char* filter : {"$SYS/#", "$SYS/broker/uptime", "$share/g/$SYS/+/uptime"})
            {
                const auto reasons = subscribeAny(client, filter);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.readableBy) + ' ' + filter,
                                             c.mayRead ? ReasonCode::Success
                                                       : ReasonCode::NotAuthorized,
                                             reasons);
            }
            CPPUNIT_ASSERT(subscribeAny(client, "other/#") == ReasonCode::Success);
            _broker->stop();
        }
        _broker.reset();
    }

    void theRightIsLookedAtAgainWhenASessionIsResumed()
    {
        start();
        ConnectOptions lasting{.clientId = "c", .cleanStart = false};
        lasting.properties.add(PropertyId::SessionExpiryInterval, 3600);
        {
            ScriptedClient client(_broker->port());
            client.connect(lasting);
            client.subscribe("other/#");
            client.subscribe("$SYS/broker/uptime");
            client.drop();
        }
        auto back = fromFarAway(lasting, true);
        const auto reasons = back.unsubscribe({"$SYS/broker/uptime", "other/#"});
        CPPUNIT_ASSERT(reasons.at(0) == ReasonCode::NoSubscriptionExisted);
        CPPUNIT_ASSERT(reasons.at(1) == ReasonCode::Success);
    }

    void nobodyElseSpeaksForTheBroker()
    {
        start();
        auto client = connected("c");
        CPPUNIT_ASSERT(client.publish("$SYS/broker/uptime", "0 seconds", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::NotAuthorized);
        ScriptedClient other(_broker->port());
        Will will;
        will.topicName = "$SYS/broker/uptime";
        other.sendConnect({.clientId = "d", .will = will});
        other.expectConnack(ReasonCode::NotAuthorized);
        other.expectClosed();
    }

    void takesItsTopicsAlongWhenItGoes()
    {
        start();
        auto reader = connected("reader");
        reader.subscribe("$SYS/broker/version");
        CPPUNIT_ASSERT(reader.receiveMessage()->payload.size() > 0);
        const auto unloaded = _broker->ctl({"plugin", "unload", "sys_topics"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(unloaded.errors, 0, unloaded.status);
        CPPUNIT_ASSERT(reader.receiveMessage()->payload.empty());
        reader.subscribe("$SYS/#");
        reader.expectNothingBeforePingresp();
    }

private:
    void start(const std::string& conf = "sys.interval = 200ms\n", const std::string& kernel = {})
    {
        _broker = std::make_unique<BrokerProcess>(BrokerOptions{
            .conf = {{"sys_topics.conf", conf},
                     {"nanomq.conf", kernel + "listener.far.url = nmq-tcp://127.0.0.1:0\n"
                                              "listener.far.proxy_protocol = true\n"}},
            .pluginFolder = NANOMQ_PLUGIN_FOLDER});
    }
    ScriptedClient connected(std::string_view clientId)
    {
        ScriptedClient client(_broker->port());
        client.connect({.clientId = clientId});
        return client;
    }
    /// By the listener behind a load balancer, which says where it comes from.
    ScriptedClient fromFarAway(const ConnectOptions& options, bool sessionPresent = false)
    {
        const std::string& url = _broker->listeners().at(1);
        ScriptedClient client(
            static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
        client.sendBytes(hex("'PROXY TCP4 192.0.2.7 192.0.2.1 50000 1883' 0D 0A"));
        client.connect(options, sessionPresent);
        return client;
    }
    static ReasonCode subscribeAny(ScriptedClient& client, std::string_view filter)
    {
        Subscribe packet;
        packet.packetIdentifier = client.nextIdentifier();
        SubscriptionRequest request;
        request.topicFilter = filter;
        packet.requests.push_back(request);
        client.send(packet);
        for (;;)
        {
            const auto received = client.receive();
            if (const auto* suback = std::get_if<Suback>(&*received)) return suback->reasons.at(0);
        }
    }
    static void expectIn(const std::string& body, const char* content)
    {
        CPPUNIT_ASSERT_MESSAGE(body, body.find(content) != std::string::npos);
    }
    static std::string textOf(ByteView bytes) { return std::string(bytes.begin(), bytes.end()); }

    std::unique_ptr<BrokerProcess> _broker;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SysTopicsPluginTest);

} // namespace
