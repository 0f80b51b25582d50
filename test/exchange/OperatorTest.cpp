#include "support/BrokerProcess.h"
#include "support/ScriptedClient.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <memory>

namespace nanomq::test
{

/// What an operator does with nanomqctl to a broker that runs.
class OperatorTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(OperatorTest);
    CPPUNIT_TEST(kicksAClient);
    CPPUNIT_TEST(listsTopicsAsATableAndAsATree);
    CPPUNIT_TEST(showsAndForgetsRetainedMessages);
    CPPUNIT_TEST(setsTheLevelOfTheLog);
    CPPUNIT_TEST(writesCompletionsOfItsVerbs);
    CPPUNIT_TEST_SUITE_END();

    std::unique_ptr<BrokerProcess> _broker;

    ScriptedClient client(const std::string& id)
    {
        ScriptedClient client(_broker->port());
        client.connect({.clientId = id});
        return client;
    }
    /// Its output; it must have gone well.
    std::string told(std::vector<std::string> arguments)
    {
        const auto result = _broker->ctl(std::move(arguments));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(result.errors, 0, result.status);
        return result.output;
    }

public:
    void setUp() override { _broker = std::make_unique<BrokerProcess>(); }
    void tearDown() override
    {
        _broker->stop();
        _broker.reset();
    }

    void kicksAClient()
    {
        auto one = client("one");
        CPPUNIT_ASSERT_EQUAL(std::string("disconnected\n"), told({"clients", "kick", "one"}));
        one.expectDisconnect(ReasonCode::AdministrativeAction);
        const auto nobody = _broker->ctl({"clients", "kick", "nobody"});
        CPPUNIT_ASSERT_EQUAL(1, nobody.status);
        CPPUNIT_ASSERT(nobody.errors.find("no client 'nobody'") != std::string::npos);
    }

    void listsTopicsAsATableAndAsATree()
    {
        auto one = client("one");
        for (const char* filter : {"plant/line/1", "plant/line/+", "plant", "other"})
            one.subscribe(filter);
        auto two = client("two");
        two.subscribe("plant/line/+");
        CPPUNIT_ASSERT_EQUAL(std::string("topic_filter\tsubscribers\nother\t1\nplant\t1\n"
                                         "plant/line/+\t2\nplant/line/1\t1\n"),
                             told({"topics"}));
        CPPUNIT_ASSERT_EQUAL(std::string("other  (1)\nplant  (1)\n  line\n    +  (2)\n    1  (1)\n"),
                             told({"topics", "--tree"}));
        CPPUNIT_ASSERT_EQUAL(std::string("topic_filter\tsubscribers\nother\t1\n"),
                             told({"topics", "--like", "oth"}));
    }

    void showsAndForgetsRetainedMessages()
    {
        auto one = client("one");
        for (const char* topic : {"a/1", "a/2", "b"})
            one.publish(topic, "kept", {.qos = QoS::AtLeastOnce, .retain = true});
        CPPUNIT_ASSERT(told({"retained"}).find("\nb\t1\t4\t") != std::string::npos);
        CPPUNIT_ASSERT(told({"retained", "a/#"}).find("\nb\t") == std::string::npos);
        told({"retained", "delete", "b"});
        const Deadline deadline(kPatience);
        while (told({"retained"}).find("\nb\t") != std::string::npos)
            CPPUNIT_ASSERT(deadline.remainingMs() > 0);
        CPPUNIT_ASSERT_EQUAL(1, _broker->ctl({"retained", "a/#/b"}).status);
        CPPUNIT_ASSERT_EQUAL(1, _broker->ctl({"retained", "delete", "a/#"}).status);
    }

    void setsTheLevelOfTheLog()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("debug\n"), told({"log", "level", "debug"}));
        CPPUNIT_ASSERT_EQUAL(std::string("debug\n"), told({"log", "level"}));
        CPPUNIT_ASSERT_EQUAL(1, _broker->ctl({"log", "level", "loud"}).status);
        CPPUNIT_ASSERT_EQUAL(2, _broker->ctl({"log"}).status);
    }

    void writesCompletionsOfItsVerbs()
    {
        for (const char* shell : {"bash", "zsh"})
            for (const char* verb : {"status", "topics", "retained", "plugin"})
                CPPUNIT_ASSERT(told({"completion", shell}).find(verb) != std::string::npos);
        const auto completed =
            runCommand("bash", {"-c", told({"completion", "bash"}) +
                                          "COMP_WORDS=(nanomqctl re); COMP_CWORD=1; _nanomqctl; "
                                          "echo \"${COMPREPLY[*]}\""});
        CPPUNIT_ASSERT_EQUAL(std::string("retained restart reload\n"), completed.output);
        CPPUNIT_ASSERT_EQUAL(2, _broker->ctl({"completion", "fish"}).status);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(OperatorTest);

} // namespace nanomq::test
