#include "Shell.h"
#include "Verbs.h"
#include "control/ControlServer.h"
#include "support/Command.h"
#include "support/TemporaryFolder.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Parser.h>
#include <Poco/Logger.h>

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <utility>

namespace nanomq::ctl::test
{

namespace
{

using nanomq::test::Command;
using nanomq::test::TemporaryFolder;
using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

std::string textOf(const Object& object)
{
    std::ostringstream out;
    object.stringify(out);
    return out.str();
}

/// Takes what goes to standard output, or to standard error, meanwhile.
class Captured
{
public:
    explicit Captured(std::ostream& stream) : _stream(stream), _before(stream.rdbuf(_text.rdbuf()))
    {
    }
    ~Captured() { _stream.rdbuf(_before); }
    Captured(const Captured&) = delete;
    Captured& operator=(const Captured&) = delete;
    std::string text() const { return _text.str(); }

private:
    std::ostringstream _text;
    std::ostream& _stream;
    std::streambuf* const _before;
};

} // namespace

/// The verbs against a control socket whose commands write down what they were asked.
class CtlVerbsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(CtlVerbsTest);
    CPPUNIT_TEST(showsTheStatus);
    CPPUNIT_TEST(gathersThePagesOfAListing);
    CPPUNIT_TEST(stopsAtTheLimitAndTellsHowToGoOn);
    CPPUNIT_TEST(passesFiltersOn);
    CPPUNIT_TEST(listsPlugins);
    CPPUNIT_TEST(hasColoursOnATerminalUnlessTheyAreUnwanted);
    CPPUNIT_TEST(loadsUnloadsAndReloadsPlugins);
    CPPUNIT_TEST(tellsTheBrokersReason);
    CPPUNIT_TEST(topTellsOnce);
    CPPUNIT_TEST(callsVerbsOfPlugins);
    CPPUNIT_TEST(helpsWithVerbsOfPlugins);
    CPPUNIT_TEST(helpsWithoutABroker);
    CPPUNIT_TEST(stopsTheBroker);
    CPPUNIT_TEST(refusesUnknownWords);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        _server = std::make_unique<ControlServer>(_folder / "s", Poco::Logger::get("ctl_test"));
        answer("status", R"({"version":"1.0","pid":-1})");
        answer("plugin.list", R"({"plugins":[{"name":"webhook","state":"active"}]})");
        answer("plugin.load", "{}");
        answer("plugin.reload", "{}");
        answer("plugin.info", R"({"name":"webhook"})");
        answer("plugin.verbs",
               R"({"verbs":[{"plugin":"webhook","verb":"dead list","help":"what was not delivered"},
                            {"plugin":"bridge","verb":"links","help":"its links"}]})");
        answer("plugin.verb", R"([{"id":1}])");
        answer("stop", "{}");
        answer("subscriptions", R"({"subscriptions":[],"next":null})");
        _server->command("plugin.unload", [](const Object&) -> ControlResult {
            return ControlError{"not_found", "no plugin webhook is loaded"};
        });
        _server->command("clients", [this](const Object& arguments) { return clients(arguments); });
        _server->start();
    }

    void tearDown() override { _server.reset(); }

    void showsTheStatus()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("version\t1.0\npid\t-1\n"), run(statusVerb, {}));
        CPPUNIT_ASSERT_EQUAL(std::string("{\"version\":\"1.0\",\"pid\":-1}\n"),
                             run(statusVerb, {"--json"}));
    }

    void gathersThePagesOfAListing()
    {
        const std::string all = run(clientsVerb, {"--limit", "0"});
        CPPUNIT_ASSERT_EQUAL(std::string("client_id\nc0\nc1\nc2\nc3\nc4\n"), all);
        CPPUNIT_ASSERT_EQUAL(std::string("clients {\"limit\":500}\n"
                                         "clients {\"limit\":500,\"after\":\"c1\"}\n"
                                         "clients {\"limit\":500,\"after\":\"c3\"}\n"),
                             requests());
    }

    void stopsAtTheLimitAndTellsHowToGoOn()
    {
        const Captured errors(std::cerr);
        CPPUNIT_ASSERT_EQUAL(std::string("client_id\nc0\nc1\n"), run(clientsVerb, {"--limit=2"}));
        CPPUNIT_ASSERT_EQUAL(
            std::string("nanomqctl: there are more; --limit 0 shows all, --after 'c1' the next\n"),
            errors.text());
        CPPUNIT_ASSERT_EQUAL(
            std::string("{\"clients\":[{\"client_id\":\"c2\"},{\"client_id\":\"c3\"}],"
                        "\"next\":\"c3\"}\n"),
            run(clientsVerb, {"--limit=2", "--after", "c1", "--json"}));
    }

    void passesFiltersOn()
    {
        run(subscriptionsVerb, {"--client", "me"});
        CPPUNIT_ASSERT_EQUAL(std::string("subscriptions {\"client\":\"me\",\"limit\":500}\n"),
                             requests());
    }

    void listsPlugins()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("name\tstate\nwebhook\tactive\n"),
                             run(pluginVerb, {"list"}));
        CPPUNIT_ASSERT_EQUAL(
            std::string("{\"plugins\":[{\"name\":\"webhook\",\"state\":\"active\"}]}\n"),
            run(pluginVerb, {"list", "--json"}));
    }

    void hasColoursOnATerminalUnlessTheyAreUnwanted()
    {
        const auto list = std::string(NANOMQ_CTL_PROGRAM) + " plugin list --control " +
                          (_folder / "s").string();
        // script (bsdutils, essential in Debian) gives the program a terminal of its own.
        const auto onATerminal = [&list](const char* noColour) {
            Command command("script", {"--quiet", "--return", "--command", list, "/dev/null"},
                            {noColour, "TERM=xterm"});
            CPPUNIT_ASSERT_MESSAGE(command.output() + command.errors(), command.waitForExit() == 0);
            return command.output();
        };
        CPPUNIT_ASSERT_EQUAL(std::string("name     state\r\nwebhook  \033[32mactive\033[0m\r\n"),
                             onATerminal("NO_COLOR="));
        CPPUNIT_ASSERT_EQUAL(std::string("name     state\r\nwebhook  active\r\n"),
                             onATerminal("NO_COLOR=1"));
    }

    void loadsUnloadsAndReloadsPlugins()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("plugin webhook: loaded\n"),
                             run(pluginVerb, {"load", "webhook"}));
        CPPUNIT_ASSERT_EQUAL(std::string("{}\n"), run(pluginVerb, {"--json", "reload", "webhook"}));
        CPPUNIT_ASSERT_EQUAL(std::string("name\twebhook\n"), run(pluginVerb, {"info", "webhook"}));
        CPPUNIT_ASSERT_EQUAL(std::string("plugin.load {\"name\":\"webhook\"}\n"
                                         "plugin.reload {\"name\":\"webhook\"}\n"
                                         "plugin.info {\"name\":\"webhook\"}\n"),
                             requests());
    }

    void tellsTheBrokersReason()
    {
        try
        {
            run(pluginVerb, {"unload", "webhook"});
            CPPUNIT_FAIL("unloaded");
        }
        catch (const Failure& failure)
        {
            CPPUNIT_ASSERT_EQUAL(std::string("no plugin webhook is loaded"),
                                 std::string(failure.what()));
        }
        CPPUNIT_ASSERT_THROW(statusVerb({"--control", _folder / "none"}), Failure);
    }

    void topTellsOnce()
    {
        answer("plugin.figures",
               R"({"plugins":[{"name":"webhook","points":[{"point":"client.connack"}]}]})");
        const std::string shown = run(topVerb, {"--once"});
        CPPUNIT_ASSERT_MESSAGE(shown, shown.starts_with("version\t1.0\n"));
        CPPUNIT_ASSERT_MESSAGE(shown, shown.find("webhook\tclient.connack\t") != std::string::npos);
    }

    void callsVerbsOfPlugins()
    {
        const auto webhook = [](const Arguments& arguments) {
            return verbOfPlugin("webhook", arguments);
        };
        CPPUNIT_ASSERT_EQUAL(std::string("id\n1\n"),
                             run(webhook, {"dead", "list", "--limit=5", "--all", "--since=a=b"}));
        CPPUNIT_ASSERT_EQUAL(
            std::string("plugin.verb {\"plugin\":\"webhook\",\"words\":[\"dead\",\"list\"],"
                        "\"arguments\":{\"limit\":\"5\",\"all\":true,\"since\":\"a=b\"}}\n"),
            requests());
        CPPUNIT_ASSERT_EQUAL(std::string("[{\"id\":1}]\n"),
                             run(webhook, {"dead", "list", "--json"}));
    }

    void helpsWithVerbsOfPlugins()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("\nof plugins:\n"
                                         "  webhook dead list  what was not delivered\n"
                                         "  bridge links       its links\n"),
                             helpOfPlugins({"--control", _folder / "s"}));
        const Captured output(std::cout);
        CPPUNIT_ASSERT_EQUAL(0, verbOfPlugin("bridge", {"--help", "--control", _folder / "s"}));
        CPPUNIT_ASSERT_EQUAL(std::string("usage: nanomqctl bridge WORD... [--key=value]...\n"
                                         "  bridge links  its links\n"),
                             output.text());
    }

    void helpsWithoutABroker()
    {
        CPPUNIT_ASSERT_EQUAL(std::string(), helpOfPlugins({"--control", _folder / "none"}));
        CPPUNIT_ASSERT_EQUAL(std::string(), helpOfPlugins({"--control"}));
    }

    void stopsTheBroker()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("the broker has stopped\n"), run(stopVerb, {}));
        CPPUNIT_ASSERT_EQUAL(std::string("status {}\nstop {}\n"), requests());
    }

    void refusesUnknownWords()
    {
        CPPUNIT_ASSERT_THROW(run(pluginVerb, {"lod", "webhook"}), UsageError);
        CPPUNIT_ASSERT_THROW(run(pluginVerb, {"load"}), UsageError);
        CPPUNIT_ASSERT_THROW(run(pluginVerb, {}), UsageError);
        CPPUNIT_ASSERT_THROW(run(pluginVerb, {"list", "webhook"}), UsageError);
        CPPUNIT_ASSERT_THROW(run(statusVerb, {"now"}), UsageError);
        const auto unknown = [](const Arguments& arguments) {
            return verbOfPlugin("nosuch", arguments);
        };
        CPPUNIT_ASSERT_THROW(run(unknown, {}), UsageError);
    }

private:
    /// Registers a command with one answer.
    void answer(const std::string& command, const std::string& json)
    {
        _server->command(command, [this, command, json](const Object& arguments) -> ControlResult {
            note(command, arguments);
            Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true));
            return parser.parse(json);
        });
    }

    /// Five clients, two a page.
    ControlResult clients(const Object& arguments)
    {
        note("clients", arguments);
        const auto after = arguments.optValue<std::string>("after", "c-1");
        const int first = std::stoi(after.substr(1)) + 1;
        Array::Ptr list = new Array;
        for (int i = first; i < std::min(first + 2, 5); ++i)
        {
            Object::Ptr client = new Object;
            client->set("client_id", "c" + std::to_string(i));
            list->add(client);
        }
        Object::Ptr result = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
        result->set("clients", list);
        result->set("next", first + 2 < 5 ? Var("c" + std::to_string(first + 1)) : Var());
        return Var(result);
    }

    void note(const std::string& command, const Object& arguments)
    {
        const std::lock_guard lock(_mutex);
        _requests += command + ' ' + textOf(arguments) + '\n';
    }

    std::string requests()
    {
        const std::lock_guard lock(_mutex);
        return std::exchange(_requests, {});
    }

    /// What the verb prints; it must succeed.
    template <class Verb> std::string run(Verb verb, Arguments arguments)
    {
        arguments.insert(arguments.begin(), {"--control", (_folder / "s").string()});
        const Captured output(std::cout);
        CPPUNIT_ASSERT_EQUAL(0, verb(arguments));
        return output.text();
    }

    TemporaryFolder _folder;
    std::mutex _mutex; // guards _requests
    std::string _requests;
    std::unique_ptr<ControlServer> _server;
};

CPPUNIT_TEST_SUITE_REGISTRATION(CtlVerbsTest);

} // namespace nanomq::ctl::test
