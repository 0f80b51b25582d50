#include "Table.h"

#include <Poco/JSON/Parser.h>

#include <cppunit/extensions/HelperMacros.h>

#include <sstream>

namespace nanomq::ctl::test
{

class CtlTableTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(CtlTableTest);
    CPPUNIT_TEST(alignsColumnsOnATerminal);
    CPPUNIT_TEST(separatesColumnsByTabsForPrograms);
    CPPUNIT_TEST(printsOneLineOfJson);
    CPPUNIT_TEST(takesColumnsFromAllRows);
    CPPUNIT_TEST(printsAnObjectAsNamesAndValues);
    CPPUNIT_TEST(printsTablesInsideAnObject);
    CPPUNIT_TEST(printsAnyOtherValue);
    CPPUNIT_TEST(showsUnitsToPeopleOnly);
    CPPUNIT_TEST(letsNoClientMoveTheCursor);
    CPPUNIT_TEST(countsCharactersAndNotBytes);
    CPPUNIT_TEST(paintsStatesWithoutMovingColumns);
    CPPUNIT_TEST(paintsOnlyWhereColoursAreWelcome);
    CPPUNIT_TEST_SUITE_END();

    static std::string shown(const char* json, Look look, Colour colour = Colour::No)
    {
        Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true));
        std::ostringstream out;
        print(parser.parse(json), look, out, colour);
        return out.str();
    }

    static constexpr const char* kPlugins =
        R"([{"name":"webhook","events":12,"reason":null},{"name":"a","events":3456,"reason":"off"}])";

public:
    void alignsColumnsOnATerminal()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("name     events  reason\n"
                                         "webhook      12  -\n"
                                         "a          3456  off\n"),
                             shown(kPlugins, Look::Terminal));
    }

    void separatesColumnsByTabsForPrograms()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("name\tevents\treason\n"
                                         "webhook\t12\t-\n"
                                         "a\t3456\toff\n"),
                             shown(kPlugins, Look::Plain));
    }

    void printsOneLineOfJson()
    {
        CPPUNIT_ASSERT_EQUAL(std::string(kPlugins) + '\n', shown(kPlugins, Look::Json));
        CPPUNIT_ASSERT_EQUAL(std::string("5\n"), shown("[5]", Look::Plain));
        CPPUNIT_ASSERT_EQUAL(std::string("[5]\n"), shown("[5]", Look::Json));
    }

    void takesColumnsFromAllRows()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("a\tb\n1\t-\n-\t2\n"),
                             shown(R"([{"a":1},{"b":2}])", Look::Plain));
    }

    void printsAnObjectAsNamesAndValues()
    {
        const char* const status =
            R"({"version":"1.0","listeners":["x","y"],"none":[],"deep":{"a":1}})";
        CPPUNIT_ASSERT_EQUAL(std::string("version    1.0\n"
                                         "listeners  x, y\n"
                                         "none       -\n"
                                         "deep       {\"a\":1}\n"),
                             shown(status, Look::Terminal));
        CPPUNIT_ASSERT_EQUAL(
            std::string("version\t1.0\nlisteners\tx, y\nnone\t-\ndeep\t{\"a\":1}\n"),
            shown(status, Look::Plain));
    }

    void printsTablesInsideAnObject()
    {
        CPPUNIT_ASSERT_EQUAL(
            std::string("name  webhook\n\nhooks:\npoint  calls\nx          1\n"),
            shown(R"({"hooks":[{"point":"x","calls":1}],"name":"webhook"})", Look::Terminal));
        CPPUNIT_ASSERT_EQUAL(std::string("a\n1\n"), shown(R"({"rows":[{"a":1}]})", Look::Plain));
    }

    void printsAnyOtherValue()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("a\n{\"b\":1}\n"), shown(R"(["a",{"b":1}])", Look::Plain));
        CPPUNIT_ASSERT_EQUAL(std::string("none\n"), shown("[]", Look::Terminal));
        CPPUNIT_ASSERT_EQUAL(std::string(), shown("[]", Look::Plain));
        std::ostringstream out;
        print(Poco::Dynamic::Var(std::string("text")), Look::Plain, out);
        print(Poco::Dynamic::Var(true), Look::Plain, out);
        print(Poco::Dynamic::Var(), Look::Plain, out);
        CPPUNIT_ASSERT_EQUAL(std::string("text\ntrue\n-\n"), out.str());
    }

    void showsUnitsToPeopleOnly()
    {
        struct Case
        {
            const char* key;
            std::int64_t value;
            const char* shown;
        };
        static constexpr Case cases[] = {
            {"uptime_s", 0, "0s"},
            {"uptime_s", 59, "59s"},
            {"uptime_s", 60, "1m 0s"},
            {"uptime_s", 90'061, "1d 1h"},
            {"rss_bytes", 1'023, "1023 B"},
            {"rss_bytes", 1'536, "1.5 KB"},
            {"rss_bytes", 9'646'899, "9.2 MB"},
            {"rss_bytes", 3'221'225'472, "3.0 GB"},
            {"latency_ms", 7, "7 ms"},
            {"connected_at_ms", 1'650'609'267'123, "2022-04-22 06:34:27Z"},
            {"messages", 1'234'567, "1234567"},
        };
        for (const auto& c : cases)
        {
            CPPUNIT_ASSERT_EQUAL(std::string(c.shown), cellText(c.key, c.value, Look::Terminal));
            CPPUNIT_ASSERT_EQUAL(std::to_string(c.value), cellText(c.key, c.value, Look::Plain));
        }
        CPPUNIT_ASSERT_EQUAL(
            std::string("connected at          rss  id\n"
                        "1970-01-01 00:00:00Z  1 B  x\n"),
            shown(R"([{"connected_at_ms":0,"rss_bytes":1,"id":"x"}])", Look::Terminal));
    }

    void letsNoClientMoveTheCursor()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("a\\x1b[2Jb\\x0a\\x09\\x7f"),
                             harmless("a\x1b[2Jb\n\t\x7f"));
        CPPUNIT_ASSERT_EQUAL(std::string("\\x9bz"), harmless("\xC2\x9Bz")); // CSI in one character
        CPPUNIT_ASSERT_EQUAL(std::string("für \xC2\xA0 5 €"), harmless("für \xC2\xA0 5 €"));
        CPPUNIT_ASSERT_EQUAL(std::string("client_id\n\\x1bc\n"),
                             shown(R"([{"client_id":"\u001bc"}])", Look::Plain));
        CPPUNIT_ASSERT_EQUAL(std::string("a\\x09b\t1\n"), shown(R"({"a\tb":1})", Look::Plain));
    }

    void countsCharactersAndNotBytes()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("id  n\nä   1\nbb  2\n"),
                             shown(R"([{"id":"ä","n":1},{"id":"bb","n":2}])", Look::Terminal));
    }

    void paintsStatesWithoutMovingColumns()
    {
        const char* const plugins = R"([{"name":"failed","state":"active","n":1},)"
                                    R"({"name":"b","state":"stuck","n":2},)"
                                    R"({"name":"c","state":"absent","n":3}])";
        CPPUNIT_ASSERT_EQUAL(std::string("name    state   n\n"
                                         "failed  \033[32mactive\033[0m  1\n"
                                         "b       \033[31mstuck\033[0m   2\n"
                                         "c       absent  3\n"),
                             shown(plugins, Look::Terminal, Colour::Yes));
        CPPUNIT_ASSERT_EQUAL(std::string("name   x\nstate  \033[31mfailed\033[0m\n"),
                             shown(R"({"name":"x","state":"failed"})", Look::Terminal,
                                   Colour::Yes));
        CPPUNIT_ASSERT_EQUAL(std::string("severity\n\033[33mwarning\033[0m\n"),
                             shown(R"([{"severity":"warning"}])", Look::Terminal, Colour::Yes));
        for (const Look look : {Look::Plain, Look::Json})
            CPPUNIT_ASSERT_EQUAL(shown(plugins, look), shown(plugins, look, Colour::Yes));
    }

    void paintsOnlyWhereColoursAreWelcome()
    {
        const auto paints = [](Look look, const char* noColour, const char* terminalName) {
            return colourFor(look, noColour, terminalName) == Colour::Yes;
        };
        CPPUNIT_ASSERT(paints(Look::Terminal, nullptr, "xterm"));
        CPPUNIT_ASSERT(paints(Look::Terminal, "", nullptr));
        CPPUNIT_ASSERT(!paints(Look::Terminal, "1", "xterm"));
        CPPUNIT_ASSERT(!paints(Look::Terminal, nullptr, "dumb"));
        CPPUNIT_ASSERT(!paints(Look::Plain, nullptr, "xterm"));
        CPPUNIT_ASSERT(!paints(Look::Json, nullptr, "xterm"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CtlTableTest);

} // namespace nanomq::ctl::test
