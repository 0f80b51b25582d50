#include "Options.h"
#include "PubSubOptions.h"

#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::ctl::test
{

class CtlOptionsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(CtlOptionsTest);
    CPPUNIT_TEST(takesValuesInEveryForm);
    CPPUNIT_TEST(takesValuesThatLookLikeOptions);
    CPPUNIT_TEST(refusesWhatCannotBeMeant);
    CPPUNIT_TEST(readsHowToConnect);
    CPPUNIT_TEST(connectsToThisMachineWithVersion5ByDefault);
    CPPUNIT_TEST(refusesWhatMqttDoesNotAllow);
    CPPUNIT_TEST_SUITE_END();

    static Options parsed(const std::vector<std::string>& arguments)
    {
        Options options("pub", "Publishes.");
        addConnectOptions(options);
        options.value("topic", "t", "TOPIC", "")
            .value("count", "C", "COUNT", "")
            .flag("retain", "r", "");
        options.parse(arguments);
        return options;
    }

    static MqttOptions connect(const std::vector<std::string>& arguments)
    {
        return connectOptions(parsed(arguments));
    }

public:
    void takesValuesInEveryForm()
    {
        const Options options =
            parsed({"-t", "a", "-tb", "--topic", "c", "--topic=d=e:f", "-r", "word"});
        CPPUNIT_ASSERT((options.all("topic") == std::vector<std::string>{"a", "b", "c", "d=e:f"}));
        CPPUNIT_ASSERT_EQUAL(std::string("d=e:f"), options.text("topic"));
        CPPUNIT_ASSERT(options.has("retain") && !options.has("json"));
        CPPUNIT_ASSERT_EQUAL(std::string("word"), options.word(0, "a word"));
        CPPUNIT_ASSERT_EQUAL(std::string("absent"), options.text("count", "absent"));
    }

    void takesValuesThatLookLikeOptions()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("-5"), parsed({"-t", "-5"}).text("topic"));
        CPPUNIT_ASSERT_EQUAL(std::string(), parsed({"-t", ""}).text("topic"));
        CPPUNIT_ASSERT_EQUAL(std::string("--x"), parsed({"--", "--x"}).word(0, "a word"));
    }

    void refusesWhatCannotBeMeant()
    {
        CPPUNIT_ASSERT_THROW(parsed({"--nope"}), UsageError);
        CPPUNIT_ASSERT_THROW(parsed({"-t"}), UsageError);
        CPPUNIT_ASSERT_THROW(parsed({"--retain=yes"}), UsageError);
        CPPUNIT_ASSERT_THROW(parsed({}).word(0, "a word"), UsageError);
        CPPUNIT_ASSERT_THROW(parsed({"x"}).noWordsBeyond(0), UsageError);
        CPPUNIT_ASSERT_THROW(parsed({"-C", "1x"}).number("count", 0, 0, 9), UsageError);
        CPPUNIT_ASSERT_THROW(parsed({"-C", "10"}).number("count", 0, 0, 9), UsageError);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{9}, parsed({"-C", "9"}).number("count", 0, 0, 9));
    }

    void readsHowToConnect()
    {
        const MqttOptions mqtt =
            connect({"-h",         "broker", "-p",         "1",      "-V",           "4",
                     "-u",         "me",     "-P",         "secret", "-i",           "id",
                     "-k",         "5",      "-c",         "false",  "--will-topic", "w",
                     "--will-msg", "gone",   "--will-qos", "2",      "--will-retain"});
        CPPUNIT_ASSERT_EQUAL(std::string("broker"), mqtt.host);
        CPPUNIT_ASSERT_EQUAL(1, int{mqtt.port});
        CPPUNIT_ASSERT(mqtt.version == ProtocolVersion::v3_1_1);
        CPPUNIT_ASSERT_EQUAL(std::string("me"), *mqtt.userName);
        CPPUNIT_ASSERT_EQUAL(std::string("secret"), *mqtt.password);
        CPPUNIT_ASSERT_EQUAL(std::string("id"), mqtt.clientId);
        CPPUNIT_ASSERT(mqtt.keepAlive == std::chrono::seconds(5));
        CPPUNIT_ASSERT(!mqtt.cleanStart);
        CPPUNIT_ASSERT_EQUAL(std::string("gone"), mqtt.will->payload);
        CPPUNIT_ASSERT(mqtt.will->qos == QoS::ExactlyOnce && mqtt.will->retain);
    }

    void connectsToThisMachineWithVersion5ByDefault()
    {
        const MqttOptions mqtt = connect({});
        CPPUNIT_ASSERT_EQUAL(std::string("127.0.0.1"), mqtt.host);
        CPPUNIT_ASSERT_EQUAL(1883, int{mqtt.port});
        CPPUNIT_ASSERT(mqtt.version == ProtocolVersion::v5_0);
        CPPUNIT_ASSERT(mqtt.cleanStart && !mqtt.will && !mqtt.userName && !mqtt.password);
    }

    void refusesWhatMqttDoesNotAllow()
    {
        const std::vector<std::string> cases[] = {
            {"-p", "0"},
            {"-p", "65536"},
            {"-V", "6"},
            {"-k", "65536"},
            {"-c", "maybe"},
            {"-c", "false"}, // who comes back?
            {"-V", "4", "-P", "x"},
            {"--will-msg", "x"},
            {"--will-topic", "a/#"},
            {"--will-topic", ""},
            {"--will-topic", "a", "--will-qos", "3"},
            {"-u", "\xff"},
            {"-i", std::string(65'536, 'x')},
        };
        for (const auto& arguments : cases)
            CPPUNIT_ASSERT_THROW_MESSAGE(arguments.front(), connect(arguments), UsageError);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CtlOptionsTest);

} // namespace nanomq::ctl::test
