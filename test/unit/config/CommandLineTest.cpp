#include "config/CommandLine.h"

#include <cppunit/extensions/HelperMacros.h>

#include <sstream>

namespace nanomq::test
{

class CommandLineTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(CommandLineTest);
    CPPUNIT_TEST(startsInTheForegroundWithoutArguments);
    CPPUNIT_TEST(readsTheVerb);
    CPPUNIT_TEST(takesValuesBehindABlankOrAnEqualsSign);
    CPPUNIT_TEST(turnsOptionsIntoTheKeysTheyStandFor);
    CPPUNIT_TEST(takesTheFileFromTheEnvironmentUnlessItIsGiven);
    CPPUNIT_TEST(refusesWhatCannotBeMeant);
    CPPUNIT_TEST(hidesTheProbeFromHelp);
    CPPUNIT_TEST_SUITE_END();

    /// Splits at blanks; "''" stands for an empty argument.
    static Result<BrokerArguments, UsageError> parse(const std::string& line)
    {
        std::istringstream words(line);
        std::vector<std::string> arguments;
        for (std::string word; words >> word;) arguments.push_back(word == "''" ? "" : word);
        return parseBrokerArguments(arguments);
    }

    static std::string settings(const BrokerArguments& arguments)
    {
        std::string all;
        for (const Setting& setting : arguments.settings)
            all += setting.key + '=' + setting.value + ';';
        return all;
    }

public:
    void startsInTheForegroundWithoutArguments()
    {
        const auto arguments = parse("");
        CPPUNIT_ASSERT(arguments);
        CPPUNIT_ASSERT(arguments->verb == BrokerArguments::Verb::Start);
        CPPUNIT_ASSERT(arguments->settings.empty());
        CPPUNIT_ASSERT(!arguments->check && !arguments->version && !arguments->help);
        CPPUNIT_ASSERT(!arguments->confDir && !arguments->controlPath && !arguments->probeFile);
    }

    void readsTheVerb()
    {
        using Verb = BrokerArguments::Verb;
        CPPUNIT_ASSERT(parse("start")->verb == Verb::Start);
        CPPUNIT_ASSERT(parse("stop")->verb == Verb::Stop);
        CPPUNIT_ASSERT(parse("--control /x restart")->verb == Verb::Restart);
        CPPUNIT_ASSERT(parse("reload --control /x")->verb == Verb::Reload);
    }

    void takesValuesBehindABlankOrAnEqualsSign()
    {
        for (const char* line :
             {"--conf a=b:c --conf-dir /c --control /s --state-dir /t --probe x.so",
              "--conf=a=b:c --conf-dir=/c --control=/s --state-dir=/t --probe=x.so"})
        {
            const auto arguments = parse(line);
            CPPUNIT_ASSERT_MESSAGE(line, static_cast<bool>(arguments));
            CPPUNIT_ASSERT_EQUAL(std::string("a=b:c"), *arguments->confFile);
            CPPUNIT_ASSERT_EQUAL(std::string("/c"), *arguments->confDir);
            CPPUNIT_ASSERT_EQUAL(std::string("/s"), *arguments->controlPath);
            CPPUNIT_ASSERT_EQUAL(std::string("/t"), *arguments->stateDir);
            CPPUNIT_ASSERT_EQUAL(std::string("x.so"), *arguments->probeFile);
        }
    }

    void turnsOptionsIntoTheKeysTheyStandFor()
    {
        const auto arguments =
            parse("--url nmq-tcp://a:1 --set web.hook.url=http://x/?a=b "
                  "--url=nmq-tcp://[::1]:2 --daemon --plugin-dir /p --set log.dir= "
                  "--check");
        CPPUNIT_ASSERT(arguments);
        CPPUNIT_ASSERT_EQUAL(std::string("web.hook.url=http://x/?a=b;daemon=true;plugin_dir=/p;"
                                         "log.dir=;url=nmq-tcp://a:1, nmq-tcp://[::1]:2;"),
                             settings(*arguments));
        CPPUNIT_ASSERT_EQUAL(std::string("command line"), arguments->settings[0].where);
        CPPUNIT_ASSERT(arguments->check);
    }

    void takesTheFileFromTheEnvironmentUnlessItIsGiven()
    {
        const Overrides::Environment environment = {{"NANOMQ_CONF_PATH", "/etc/nanomq.conf"}};
        CPPUNIT_ASSERT_EQUAL(std::string("/etc/nanomq.conf"),
                             *parseBrokerArguments({}, environment)->confFile);
        CPPUNIT_ASSERT_EQUAL(std::string("mine"),
                             *parseBrokerArguments({"--conf", "mine"}, environment)->confFile);
    }

    void refusesWhatCannotBeMeant()
    {
        struct Case
        {
            const char* line;
            const char* mentions;
        };
        static constexpr Case cases[] = {
            {"go", "expected start, stop, restart or reload"},
            {"start stop", "unexpected argument 'stop'"},
            {"--nope", "nope"},
            {"--con x", "con"},
            {"--conf", "conf"},
            {"--conf ''", "--conf needs a value"},
            {"--url=", "--url needs a value"},
            {"--conf a --conf b", "conf"},
            {"--set novalue", "--set needs KEY=VALUE, found 'novalue'"},
            {"--set =x", "--set needs KEY=VALUE, found '=x'"},
            {"--check=yes", "check"},
        };
        for (const auto& c : cases)
        {
            const auto arguments = parse(c.line);
            CPPUNIT_ASSERT_MESSAGE(c.line, !arguments);
            CPPUNIT_ASSERT_MESSAGE(std::string(c.line) + ": " + arguments.error().message,
                                   arguments.error().message.find(c.mentions) != std::string::npos);
        }
    }

    void hidesTheProbeFromHelp()
    {
        const std::string help = brokerHelp();
        for (const char* option :
             {"--conf-dir", "--plugin-dir", "--url", "--control", "--state-dir", "--set", "--check",
              "--daemon", "--version", "--help"})
            CPPUNIT_ASSERT_MESSAGE(option, help.find(option) != std::string::npos);
        CPPUNIT_ASSERT(help.find("--probe") == std::string::npos);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CommandLineTest);

} // namespace nanomq::test
