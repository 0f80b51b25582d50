#include "ExchangeTest.h"

#include <csignal>

namespace nanomq::test
{

/// Clients that are not ours: mosquitto_pub and mosquitto_sub, and Paho for Python.
class ForeignClientTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ForeignClientTest);
    CPPUNIT_TEST(mosquittoPublishesAndSubscribes);
    CPPUNIT_TEST(mosquittoGetsRetainedMessagesAndWills);
    CPPUNIT_TEST(mosquittoResumesItsSession);
    CPPUNIT_TEST(pahoHoldsItsDialogues);
    CPPUNIT_TEST_SUITE_END();

public:
    void mosquittoPublishesAndSubscribes()
    {
        for (const char* version : {"mqttv31", "mqttv311", "5"})
        {
            for (const char* qos : {"0", "1", "2"})
            {
                Command subscriber("stdbuf", lineWise({"-V", version, "-q", qos, "-t", "a/#", "-C",
                                                       "3", "-d", "-v"}));
                expectLine(subscriber, "Subscribed");
                for (const char* payload : {"one", "two", "three"})
                    pub({"-V", version, "-q", qos, "-t", "a/b", "-m", payload});
                for (const char* line : {"a/b one", "a/b two", "a/b three"})
                    expectLine(subscriber, line);
                CPPUNIT_ASSERT_EQUAL(0, subscriber.waitForExit().value_or(-1));
            }
        }
    }

    void mosquittoGetsRetainedMessagesAndWills()
    {
        pub({"-V", "5", "-q", "1", "-r", "-t", "kept", "-m", "still here"});
        const auto got = runCommand(
            "mosquitto_sub", arguments({"-V", "311", "-t", "kept", "-C", "1", "-F", "%r %t %p"}));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(got.errors, std::string("1 kept still here\n"), got.output);

        auto watcher = client("watcher");
        watcher.subscribe("will", QoS::AtLeastOnce);
        Command mortal("stdbuf", lineWise({"-V", "311", "-t", "x", "-d", "--will-topic", "will",
                                           "--will-payload", "gone", "--will-qos", "1"}));
        expectLine(mortal, "Subscribed");
        mortal.signal(SIGKILL);
        watcher.expectPublish("will", "gone", QoS::AtLeastOnce);
    }

    void mosquittoResumesItsSession()
    {
        const std::vector<std::string> session = {"-V", "311", "-i", "lasting", "-c",
                                                  "-q", "1",   "-t", "t"};
        auto first = session;
        first.push_back("-E"); // ends when it has subscribed
        CPPUNIT_ASSERT_EQUAL(0, runCommand("mosquitto_sub", arguments(first)).status);
        pub({"-q", "1", "-t", "t", "-m", "queued"});
        auto second = session;
        second.insert(second.end(), {"-C", "1"});
        const auto got = runCommand("mosquitto_sub", arguments(second));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(got.errors, std::string("queued\n"), got.output);
    }

    void pahoHoldsItsDialogues()
    {
        for (const char* version : {"3.1.1", "5"})
        {
            // Debian's own Python: that is the one its package of Paho is for.
            const auto done =
                runCommand("/usr/bin/python3", {NANOMQ_EXCHANGE_FOLDER "/paho_round_trip.py",
                                                std::to_string(broker().port()), version});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(done.output + done.errors, 0, done.status);
        }
    }

private:
    std::vector<std::string> arguments(const std::vector<std::string>& more)
    {
        std::vector<std::string> all{"-h", "127.0.0.1", "-p", std::to_string(broker().port())};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    /// mosquitto_sub through stdbuf: it writes its lines at once, also into a pipe.
    std::vector<std::string> lineWise(const std::vector<std::string>& more)
    {
        auto all = arguments(more);
        all.insert(all.begin(), {"-oL", "mosquitto_sub"});
        return all;
    }

    static void expectLine(Command& command, std::string_view prefix)
    {
        if (!command.readLineThatBegins(prefix))
            CPPUNIT_FAIL("no line \"" + std::string(prefix) + "\" from " + command.commandLine() +
                         '\n' + command.output() + command.errors());
    }

    void pub(const std::vector<std::string>& more)
    {
        const auto done = runCommand("mosquitto_pub", arguments(more));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(done.output + done.errors, 0, done.status);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ForeignClientTest);

} // namespace nanomq::test
