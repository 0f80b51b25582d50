#include "control/ControlClient.h"
#include "support/BrokerProcess.h"
#include "support/ScriptedClient.h"

#include <Poco/JSON/Array.h>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace nanomq::test
{

using Poco::JSON::Object;

/// The golden plugin, built from the frozen headers of SDK 1.0, in this broker.
class AbiTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(AbiTest);
    CPPUNIT_TEST(everyEventShowsWhatItShowedIn10);
    CPPUNIT_TEST(contextsChangeDenyDropAndDefer);
    CPPUNIT_TEST(servicesWorkAsTheyDidIn10);
    CPPUNIT_TEST(stateGoesToTheSamePluginBuiltFromTodaysHeadersAndBack);
    CPPUNIT_TEST_SUITE_END();

    static constexpr const char* kMe = "me v5 user ann keep-alive 30 clean from 127.0.0.1";

public:
    void setUp() override
    {
        install("golden_1_0");
        _broker = std::make_unique<BrokerProcess>(
            BrokerOptions{.conf = {{"nanomq.conf", "log.level = warn\n"},
                                   {"golden.conf", "golden.word = hello\n"}},
                          .pluginFolder = _plugins.path().string()});
        _control =
            std::make_unique<ControlClient>(_broker->controlPath().string(), kPatience);
    }
    void tearDown() override
    {
        _control.reset();
        _broker->stop();
        _broker.reset();
    }

    void everyEventShowsWhatItShowedIn10()
    {
        ScriptedClient me(_broker->port());
        Will will;
        will.topicName = "golden/will";
        will.qos = QoS::AtLeastOnce;
        me.connect({.clientId = "me",
                    .keepAlive = 30,
                    .properties = with(PropertyId::SessionExpiryInterval, 60),
                    .will = will,
                    .userName = "ann",
                    .password = "secret"});
        const std::string who = kMe;
        expect("client.connect", who + " will golden/will qos 1");
        expect("client.authenticate", who + " password secret");
        expect("client.connack", who + " reason 0 present 0");
        expect("client.connected", who);
        expect("session.created", who);

        me.subscribe({{.topicFilter = "golden/+", .qos = QoS::AtLeastOnce}},
                     with(PropertyId::SubscriptionIdentifier, 9));
        expect("client.subscribe", "golden/+ qos 1 id 9");
        expect("client.authorize", who + " access 1 golden/+ qos 1");
        expect("session.subscribed", "golden/+ qos 1");
        expect("route.added", "golden/+");

        me.sendPublish("golden/a", "x", {.qos = QoS::AtLeastOnce}, 5);
        // PUBACK and message come in the order the broker likes.
        for (int i = 0; i < 2; ++i)
        {
            const auto packet = me.receive();
            if (const auto* message = std::get_if<Publish>(&*packet))
                me.sendPuback(message->packetIdentifier);
        }
        expect("message.publish", "golden/a=x qos 1 retain 0 will 0");
        expect("message.published", who + " golden/a=x qos 1");
        expect("message.delivered", "golden/a=x qos 1 to me by me");
        expect("message.acked", "golden/a=x qos 1 to me by me");

        me.unsubscribe({"golden/+"});
        expect("client.unsubscribe", "golden/+");
        expect("session.unsubscribed", "golden/+");
        expect("route.removed", "golden/+");

        ScriptedClient again(_broker->port());
        again.connect({.clientId = "me",
                       .cleanStart = false,
                       .keepAlive = 30,
                       .userName = "ann",
                       .password = "secret"},
                      true);
        expect("session.taken_over", who);
        expect("session.resumed", "me v5 user ann keep-alive 30 from 127.0.0.1");
        expect("client.disconnected", who + " reason 142 by server 1");
        again.disconnect();
        expect("session.terminated", "me v5 user ann keep-alive 30 from 127.0.0.1 reason 0");

        ScriptedClient stranger(_broker->port());
        PropertyList method = with(PropertyId::AuthenticationMethod, std::string_view("golden"));
        method.add(PropertyId::AuthenticationData, asBytes("d"));
        stranger.sendConnect({.clientId = "stranger", .properties = method});
        stranger.expectConnack(static_cast<ReasonCode>(0x87));
        expect("client.enhanced_auth", "golden stage 0 data d");
        expect("broker.started", "told");
    }

    void contextsChangeDenyDropAndDefer()
    {
        ScriptedClient me(_broker->port());
        me.connect({.clientId = "me", .userName = "ann", .password = "secret"});
        me.subscribe("golden/#", QoS::AtMostOnce);
        me.sendPublish("golden/rewrite", "old");
        me.expectPublish("golden/rewritten", "anew");
        me.sendPublish("golden/deny", "x", {.qos = QoS::AtLeastOnce}, 1);
        me.expectPuback(1, static_cast<ReasonCode>(0x97));
        expect("message.dropped", "golden/deny=x qos 1 to nobody by me: refused by golden: enough of it");
        me.sendPublish("golden/drop", "x", {.qos = QoS::AtLeastOnce}, 2);
        me.expectPuback(2);
        me.sendPublish("golden/later", "x");
        me.expectPublish("golden/later", "x");
        me.sendPublish("golden/throw", "x");
        me.expectPublish("golden/throw", "x");
        me.disconnect();

        ScriptedClient wrong(_broker->port());
        wrong.sendConnect({.clientId = "me", .userName = "ann", .password = "guess"});
        wrong.expectConnack(static_cast<ReasonCode>(0x86));
    }

    void servicesWorkAsTheyDidIn10()
    {
        expect("config", "hello");
        expect("health", "asked");
        expect("start", "called");
        expect("timer", "fired");
        expect("thread", "runs");
        verb("publish");
        expect("message.published", "nobody golden/own=mine qos 0");
        const Object::Ptr found = verb("look");
        CPPUNIT_ASSERT_EQUAL(7, found->getValue<int>("gauge"));
        CPPUNIT_ASSERT_EQUAL(std::string("golden active"),
                             found->getValue<std::string>("plugins"));
        CPPUNIT_ASSERT_EQUAL(26, found->getValue<int>("hooks"));
        CPPUNIT_ASSERT(found->getValue<int>("workers") >= 1);
        CPPUNIT_ASSERT(found->getValue<bool>("folder"));
    }

    void stateGoesToTheSamePluginBuiltFromTodaysHeadersAndBack()
    {
        verb("publish");
        wait([this] { return verb("seen")->getValue<int>("published") == 1; });
        for (const char* version : {"today", "1.0"})
        {
            install(version == std::string("today") ? "golden_today" : "golden_1_0");
            Object::Ptr name = new Object;
            name->set("name", "golden");
            const auto result = _control->call("plugin.reload", name, kPatience);
            CPPUNIT_ASSERT_MESSAGE(result ? "" : result.error().message, bool(result));
            const Object::Ptr seen = verb("seen");
            CPPUNIT_ASSERT_EQUAL(std::string(version), seen->getValue<std::string>("version"));
            CPPUNIT_ASSERT_EQUAL(1, seen->getValue<int>("published"));
        }
    }

private:
    void install(const std::string& built)
    {
        namespace fs = std::filesystem;
        const fs::path fresh = _plugins / "golden.so.new";
        fs::copy_file(fs::path(NANOMQ_ABI_PLUGINS) / (built + ".so"), fresh);
        fs::rename(fresh, _plugins / "golden.so");
    }
    Object::Ptr verb(const char* word)
    {
        Object::Ptr request = new Object;
        Poco::JSON::Array::Ptr words = new Poco::JSON::Array;
        words->add(word);
        request->set("plugin", "golden");
        request->set("words", words);
        const auto result = _control->call("plugin.verb", request, kPatience);
        CPPUNIT_ASSERT_MESSAGE(result ? "" : result.error().message, bool(result));
        return result->extract<Object::Ptr>();
    }
    static void wait(const std::function<bool()>& condition)
    {
        const Deadline deadline(kPatience);
        while (!condition())
        {
            CPPUNIT_ASSERT_MESSAGE("waited in vain", deadline.remainingMs() > 0);
            std::this_thread::yield();
        }
    }
    /// What the plugin has seen last at a point; observers are told a little later.
    void expect(const std::string& what, const std::string& how)
    {
        std::string seen;
        const Deadline deadline(kPatience);
        do seen = verb("seen")->optValue<std::string>(what, "nothing");
        while (seen != how && deadline.remainingMs() > 0);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(what, how, seen);
    }

    TemporaryFolder _plugins;
    std::unique_ptr<BrokerProcess> _broker;
    std::unique_ptr<ControlClient> _control;
};

CPPUNIT_TEST_SUITE_REGISTRATION(AbiTest);

} // namespace nanomq::test
