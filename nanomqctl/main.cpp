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
    Verb{"clients", clientsVerb, "clients that are connected, or have a session; kick ID: disconnects one"},
    Verb{"subscriptions", subscriptionsVerb, "what clients are subscribed to"},
    Verb{"topics", topicsVerb, "Topic Filters that have subscribers; --tree: level by level"},
    Verb{"retained", retainedVerb, "retained messages; delete TOPIC: the end of one"},
    Verb{"log", logVerb, "level: shows the level of the log, or sets it"},
    Verb{"metrics", metricsVerb, "every counter and gauge"},
    Verb{"top", topVerb, "what plugins and their hooks cost, live"},
    Verb{"alarms", alarmsVerb, "what is wrong with the broker now"},
    Verb{"ban", banVerb, "list, add, remove: who may not come in"},
    Verb{"plugin", pluginVerb, "list, load, unload, reload, info: what the broker hosts; new, check: to write one"},
    Verb{"conf", confVerb, "check, diff, apply, rollback: the configuration as a whole"},
    Verb{"explain", explainVerb, "what would happen if a client published or subscribed, and why"},
    Verb{"trace", traceVerb, "what happens to a client or on a topic, as it happens"},
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

/// Completion of words for a shell, made of the table above.
int printCompletion(const Arguments& arguments)
{
    Options options("completion bash|zsh", "Writes what completes words in a shell.");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    const std::string shell = options.words().empty() ? "" : options.words().front();
    std::string verbs;
    for (const Verb& verb : kVerbs) verbs += (verbs.empty() ? "" : " ") + std::string(verb.name);
    if (shell == "bash")
        std::cout << "_nanomqctl()\n{\n"
                     "    local word=${COMP_WORDS[COMP_CWORD]}\n"
                     "    local words='" << verbs << " help'\n"
                     "    if ((COMP_CWORD > 1)); then\n"
                     "        words=$(nanomqctl \"${COMP_WORDS[1]}\" --help 2>/dev/null |\n"
                     "            grep -oE -- '--[a-z][a-z-]*')\n"
                     "    fi\n"
                     "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                     "}\n"
                     "complete -o default -F _nanomqctl nanomqctl\n";
    else if (shell == "zsh")
    {
        std::cout << "#compdef nanomqctl\n"
                     "local -a verbs\n"
                     "verbs=(\n";
        for (const Verb& verb : kVerbs)
        {
            std::string help(verb.help);
            for (std::size_t at = 0; (at = help.find('\'', at)) != std::string::npos; at += 4)
                help.replace(at, 1, "'\\''");
            std::cout << "    '" << verb.name << ':' << help << "'\n";
        }
        std::cout << ")\n"
                     "if ((CURRENT == 2)); then\n"
                     "    _describe verb verbs\n"
                     "else\n"
                     "    compadd -- ${(f)\"$(nanomqctl ${words[2]} --help 2>/dev/null |"
                     " grep -oE -- '--[a-z][a-z-]*')\"}\n"
                     "fi\n";
    }
    else throw UsageError("expected: completion bash, or completion zsh");
    return 0;
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
    if (verb == "completion") return printCompletion(rest);
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
