#include "nanomq/testing/mqtt_client.h"
#include "support/BrokerProcess.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <cppunit/extensions/HelperMacros.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>

namespace nanomq::test
{

namespace
{

using Poco::JSON::Object;
using sdk::testing::MqttClient;

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

Object::Ptr parse(const std::string& text)
{
    return Poco::JSON::Parser().parse(text).extract<Object::Ptr>();
}

constexpr const char* kRules = "auth_file.enable = true\nacl_enable = true\n"
                               "acl.rule.1 = {\"permit\": \"deny\", \"topics\": [\"secret/#\"]}\n"
                               "acl.rule.2 = {\"permit\": \"allow\"}\n";

} // namespace

/// `nanomqctl explain` and `nanomqctl trace`, with auth_file's rules and plugins that cannot be asked.
class WhyTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(WhyTest);
    CPPUNIT_TEST(explainNamesTheRuleThatRefuses);
    CPPUNIT_TEST(explainShowsWhoWouldGetTheMessage);
    CPPUNIT_TEST(explainSaysWhichPluginsCouldNotBeAsked);
    CPPUNIT_TEST(explainOfASubscription);
    CPPUNIT_TEST(explainOfWhatIsNoTopic);
    CPPUNIT_TEST(traceTellsWhatHappensToAClient);
    CPPUNIT_TEST(traceTellsWhoRefusedAndWhy);
    CPPUNIT_TEST(traceRefusesATopicFilterThatIsNone);
    CPPUNIT_TEST(droppedMessageNamesPluginAndRuleInTheLog);
    CPPUNIT_TEST_SUITE_END();

    void start(std::map<std::string, std::string> conf, const char* plugins = WHY_PLUGINS)
    {
        BrokerOptions options;
        options.conf = std::move(conf);
        options.pluginFolder = plugins;
        options.arguments = {"--set", "log.level=debug"};
        _broker = std::make_unique<BrokerProcess>(std::move(options));
    }
    Object::Ptr explain(std::vector<std::string> arguments)
    {
        arguments.insert(arguments.begin(), {"explain", "--json"});
        const auto told = _broker->ctl(std::move(arguments));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(told.errors, 0, told.status);
        return parse(told.output);
    }
    /// Publishes until the trace tells a line with that text in it.
    template <class Act> std::string traced(std::vector<std::string> arguments, const char* text, Act act)
    {
        std::vector<std::string> all{"--control", _broker->controlPath().string(), "trace", "--json"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        Command trace(NANOMQ_CTL_PROGRAM, all);
        for (int attempt = 0; attempt < 600; ++attempt)
        {
            act();
            // Until the trace has begun, what happens is not told.
            for (auto line = trace.readLine(std::chrono::milliseconds(50)); line;
                 line = trace.readLine(std::chrono::milliseconds(50)))
                if (contains(*line, text)) return *line;
        }
        CPPUNIT_FAIL("the trace has not told '" + std::string(text) + "': " + trace.output() +
                     trace.errors());
        return {};
    }

public:
    void tearDown() override
    {
        if (_broker) _broker->stop();
    }

    void explainNamesTheRuleThatRefuses()
    {
        start({{"auth_file.conf", kRules}});
        const auto refused = explain({"--client", "c1", "--topic", "secret/door"});
        CPPUNIT_ASSERT(!refused->getValue<bool>("allowed"));
        CPPUNIT_ASSERT_EQUAL(0x87, refused->getValue<int>("reason_code"));
        const auto hook = refused->getArray("hooks")->getObject(0);
        CPPUNIT_ASSERT_EQUAL(std::string("auth_file"), hook->getValue<std::string>("plugin"));
        CPPUNIT_ASSERT_EQUAL(std::string("deny"), hook->getValue<std::string>("verdict"));
        const auto reason = hook->getValue<std::string>("reason");
        CPPUNIT_ASSERT_MESSAGE(reason, contains(reason, "auth_file.conf:3: acl.rule.1"));

        const auto allowed = explain({"--client", "c1", "--topic", "open/door"});
        CPPUNIT_ASSERT(allowed->getValue<bool>("allowed"));
        CPPUNIT_ASSERT(contains(
            allowed->getArray("hooks")->getObject(0)->getValue<std::string>("reason"), "acl.rule.2"));
        // It was only asked: nothing was published or counted.
        CPPUNIT_ASSERT(contains(_broker->ctl({"status", "--json"}).output, "\"messages_received\":0"));
    }

    void explainShowsWhoWouldGetTheMessage()
    {
        start({});
        MqttClient one(_broker->port(), {"one"}), two(_broker->port(), {"two"});
        one.subscribe("plant/+", 1);
        one.subscribe("plant/#", 0);
        two.subscribe("$share/group/plant/1", 2);
        const auto told = explain({"--client", "nobody", "--topic", "plant/1", "--qos", "1"});
        CPPUNIT_ASSERT(told->getValue<bool>("allowed"));
        CPPUNIT_ASSERT(!told->getValue<bool>("connected"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, told->getArray("matched_filters")->size());
        CPPUNIT_ASSERT_EQUAL(2, told->getValue<int>("recipient_count"));
        const auto recipients = told->getArray("recipients");
        const auto first = recipients->getObject(0), second = recipients->getObject(1);
        CPPUNIT_ASSERT_EQUAL(std::string("one"), first->getValue<std::string>("client_id"));
        CPPUNIT_ASSERT_EQUAL(1, first->getValue<int>("qos"));
        CPPUNIT_ASSERT_EQUAL(std::string("sent"), first->getValue<std::string>("fate"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, first->getArray("topic_filters")->size());
        CPPUNIT_ASSERT_EQUAL(std::string("two"), second->getValue<std::string>("client_id"));
        CPPUNIT_ASSERT(contains(second->getValue<std::string>("fate"), "member of group"));
        CPPUNIT_ASSERT_MESSAGE("nobody was sent anything", !one.receive(std::chrono::milliseconds(0)));
    }

    void explainSaysWhichPluginsCouldNotBeAsked()
    {
        start({{"doorman.conf", ""}}, TEST_PLUGINS);
        const auto told = explain({"--client", "c1", "--topic", "forbidden/door"});
        CPPUNIT_ASSERT_EQUAL(1, told->getValue<int>("not_asked"));
        CPPUNIT_ASSERT_EQUAL(
            std::string("not asked"),
            told->getArray("hooks")->getObject(0)->getValue<std::string>("verdict"));
        const auto text = _broker->ctl({"explain", "--client", "c1", "--topic", "forbidden/door"});
        CPPUNIT_ASSERT_MESSAGE(text.output, contains(text.output, "could not be asked"));
    }

    void explainOfASubscription()
    {
        start({{"auth_file.conf", kRules}});
        const auto refused = explain({"--client", "c1", "--topic", "+/door", "--subscribe"});
        CPPUNIT_ASSERT(!refused->getValue<bool>("allowed"));
        const auto allowed =
            explain({"--client", "c1", "--topic", "open/#", "--subscribe", "--qos", "2"});
        CPPUNIT_ASSERT(allowed->getValue<bool>("allowed"));
        CPPUNIT_ASSERT_EQUAL(std::string("subscribed with QoS 2"),
                             allowed->getValue<std::string>("outcome"));
    }

    void explainOfWhatIsNoTopic()
    {
        start({});
        CPPUNIT_ASSERT_EQUAL(0x90, explain({"--client", "c", "--topic", "a/#"})
                                       ->getValue<int>("reason_code"));
        CPPUNIT_ASSERT_EQUAL(0x8F, explain({"--client", "c", "--topic", "a/#/b", "--subscribe"})
                                       ->getValue<int>("reason_code"));
        const auto wrong = _broker->ctl({"explain", "--client", "c"});
        CPPUNIT_ASSERT_EQUAL(2, wrong.status);
    }

    void traceTellsWhatHappensToAClient()
    {
        start({});
        MqttClient client(_broker->port(), {"c1"}), other(_broker->port(), {"c2"});
        const auto line = traced({"--client", "c1"}, "message.published", [&] {
            other.publish("elsewhere", "x", 1);
            client.publish("a/b", "hello", 1);
        });
        const auto event = parse(line);
        CPPUNIT_ASSERT_EQUAL(std::string("c1"), event->getValue<std::string>("client_id"));
        CPPUNIT_ASSERT_EQUAL(std::string("a/b"), event->getValue<std::string>("topic"));
        CPPUNIT_ASSERT_EQUAL(5, event->getValue<int>("payload_bytes"));
    }

    void traceTellsWhoRefusedAndWhy()
    {
        start({{"auth_file.conf", kRules}});
        MqttClient client(_broker->port(), {"c1"});
        const auto line = traced({"--topic", "secret/#"}, "refused", [&] {
            CPPUNIT_ASSERT_EQUAL(0x87, int{client.publish("secret/door", "x", 1)});
        });
        const auto event = parse(line);
        CPPUNIT_ASSERT_EQUAL(std::string("auth_file"), event->getValue<std::string>("plugin"));
        CPPUNIT_ASSERT_MESSAGE(line, contains(line, "acl.rule.1"));
        CPPUNIT_ASSERT_MESSAGE(line, contains(line, "client.authorize secret/door"));
    }

    void traceRefusesATopicFilterThatIsNone()
    {
        start({});
        const auto told = _broker->ctl({"trace", "--topic", "a/#/b"});
        CPPUNIT_ASSERT_EQUAL(1, told.status);
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "is no Topic Filter"));
    }

    void droppedMessageNamesPluginAndRuleInTheLog()
    {
        start({{"auth_file.conf", kRules}});
        MqttClient client(_broker->port(), {"c1"});
        client.publish("secret/door", "x", 1);
        _broker->process().signal(SIGTERM);
        CPPUNIT_ASSERT(_broker->process().waitForExit());
        const auto log = _broker->log();
        _broker.reset();
        CPPUNIT_ASSERT_MESSAGE(
            log, contains(log, "client c1, client.authorize secret/door: refused by auth_file "
                               "(0x87): acl.rule.1"));
    }

private:
    std::unique_ptr<BrokerProcess> _broker;
};

CPPUNIT_TEST_SUITE_REGISTRATION(WhyTest);

} // namespace nanomq::test
