// The command-line tool: looks at a broker, tells it what to do, and speaks MQTT to it.

#include "Options.h"
#include "Shell.h"
#include "Verbs.h"

#include <Poco/Exception.h>

#include <array>
#include <csignal>
#include <iostream>
#include <string>
#include <string_view>

namespace nanomq::ctl
{

namespace
{

struct Verb
{
    std::string_view name;
    int (*run)(const Arguments& arguments);
    std::string_view help;
};

constexpr std::array kVerbs = {
    Verb{"status", statusVerb, "the broker at a glance"},
    Verb{"clients", clientsVerb, "clients that are connected, or have a session"},
    Verb{"subscriptions", subscriptionsVerb, "what clients are subscribed to"},
    Verb{"metrics", metricsVerb, "every counter and gauge"},
    Verb{"top", topVerb, "what plugins and their hooks cost, live"},
    Verb{"plugin", pluginVerb, "list, load, unload, reload, info: what the broker hosts; new, check: to write one"},
    Verb{"stop", stopVerb, "stop the broker, and wait until it has ended"},
    Verb{"restart", restartVerb, "start it anew, with the same arguments"},
    Verb{"reload", reloadVerb, "have it read its configuration again"},
    Verb{"pub", publishVerb, "publish a message, or lines of standard input"},
    Verb{"sub", subscribeVerb, "subscribe, and print what comes"},
    Verb{"bench", benchVerb, "conn, pub, sub, pair: put a load on a broker, and measure"},
    Verb{"passwd", passwdVerb, "put a user into a password file, or take one out"},
};

void printHelp(const Arguments& arguments)
{
    std::cout << "usage: nanomqctl VERB [OPTION]...\n"
                 "       nanomqctl VERB --help\n\n";
    for (const Verb& verb : kVerbs)
        std::cout << "  " << verb.name << std::string(15 - verb.name.size(), ' ') << verb.help
                  << '\n';
    std::cout << "\nof every verb:\n"
                 "  --json          print JSON\n"
                 "  --control PATH  the socket of the broker (or variable NANOMQ_CONTROL)\n"
              << helpOfPlugins(arguments);
}

int run(const Arguments& given)
{
    const Arguments arguments = withWordInFront(given);
    const std::string verb = arguments.empty() ? "" : arguments.front();
    if (verb == "--version") return std::cout << "nanomqctl " NANOMQ_VERSION "\n", 0;
    if (verb.empty() || verb.starts_with("-") || verb == "help")
    {
        printHelp(arguments);
        return verb.empty() ? 2 : 0;
    }
    const Arguments rest(arguments.begin() + 1, arguments.end());
    for (const Verb& known : kVerbs)
        if (known.name == verb) return known.run(rest);
    return verbOfPlugin(verb, rest);
}

} // namespace

} // namespace nanomq::ctl

int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN);
    try
    {
        return nanomq::ctl::run(nanomq::ctl::Arguments(argv + 1, argv + argc));
    }
    catch (const nanomq::ctl::UsageError& wrong)
    {
        std::cerr << "nanomqctl: " << wrong.what() << '\n';
        return 2;
    }
    catch (const Poco::Exception& failure)
    {
        std::cerr << "nanomqctl: " << failure.displayText() << '\n';
    }
    catch (const std::exception& failure)
    {
        std::cerr << "nanomqctl: " << failure.what() << '\n';
    }
    return 1;
}
