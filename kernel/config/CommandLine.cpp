#include "config/CommandLine.h"

#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/OptionException.h>
#include <Poco/Util/OptionProcessor.h>
#include <Poco/Util/OptionSet.h>

#include <cstdlib>
#include <sstream>
#include <unistd.h>
#include <utility>

namespace nanomq
{

namespace
{

using Poco::Util::Option;

Poco::Util::OptionSet options(bool withHidden)
{
    const auto option = [](const char* name, const char* argument, const char* description) {
        Option made(name, "", description);
        return *argument != '\0' ? made.argument(argument) : made;
    };
    Poco::Util::OptionSet set;
    set.addOption(option("conf", "FILE", "the kernel's file; conf.d/nanomq.conf of --conf-dir"));
    set.addOption(option("conf-dir", "DIR", "where nanomq.conf and the plugins' NAME.conf are"));
    set.addOption(option("plugin-dir", "DIR", "where the plugins' NAME.so are"));
    set.addOption(
        option("url", "URL", "listen here instead of where the file says; may be repeated")
            .repeatable(true));
    set.addOption(option("control", "PATH", "the socket that nanomqctl speaks to"));
    set.addOption(option("state-dir", "DIR", "where the broker keeps what outlives it"));
    set.addOption(
        option("set", "KEY=VALUE", "set a key of any file; may be repeated").repeatable(true));
    set.addOption(option("check", "", "read the configuration, tell all errors, and end"));
    set.addOption(option("daemon", "", "run in the background"));
    set.addOption(option("version", "", "print the version, and end"));
    set.addOption(option("help", "", "print this, and end"));
    if (withHidden)
    {
        set.addOption(option("probe", "FILE", "load one plugin, and end"));
        set.addOption(option("sandbox", "LIMITS", "be the process of one plugin"));
        set.addOption(option("inspect", "FILE", "tell all about a plugin's file, and end"));
    }
    return set;
}

/// Takes what the option processor found, one option or word at a time.
class Collector
{
public:
    std::optional<UsageError> option(const std::string& name, const std::string& value)
    {
        if (name == "check") _arguments.check = true;
        else if (name == "version") _arguments.version = true;
        else if (name == "help") _arguments.help = true;
        else if (name == "daemon") set("daemon", "true");
        else if (value.empty()) return UsageError{"--" + name + " needs a value"};
        else if (name == "conf") _arguments.confFile = value;
        else if (name == "conf-dir") _arguments.confDir = value;
        else if (name == "plugin-dir") set("plugin_dir", value);
        else if (name == "control") _arguments.controlPath = value;
        else if (name == "state-dir") _arguments.stateDir = value;
        else if (name == "probe") _arguments.probeFile = value;
        else if (name == "sandbox") _arguments.sandboxLimits = value;
        else if (name == "inspect") _arguments.inspectFile = value;
        else if (name == "url") _urls += _urls.empty() ? value : ", " + value;
        else return setting(value);
        return {};
    }

    std::optional<UsageError> word(const std::string& word)
    {
        using Verb = BrokerArguments::Verb;
        if (_hasVerb) return UsageError{"unexpected argument '" + word + '\''};
        _hasVerb = true;
        if (word == "start") _arguments.verb = Verb::Start;
        else if (word == "stop") _arguments.verb = Verb::Stop;
        else if (word == "restart") _arguments.verb = Verb::Restart;
        else if (word == "reload") _arguments.verb = Verb::Reload;
        else
            return UsageError{"unknown word '" + word +
                              "'; expected start, stop, restart or reload"};
        return {};
    }

    BrokerArguments finish()
    {
        if (!_urls.empty()) set("url", std::move(_urls));
        return std::move(_arguments);
    }

private:
    void set(std::string key, std::string value)
    {
        _arguments.settings.push_back({std::move(key), std::move(value), "command line"});
    }

    std::optional<UsageError> setting(const std::string& text)
    {
        const std::size_t equals = text.find('=');
        const std::string_view whole(text);
        const std::string_view key = trimmed(whole.substr(0, equals));
        if (equals == std::string::npos || key.empty())
            return UsageError{"--set needs KEY=VALUE, found '" + text + '\''};
        set(std::string(key), std::string(trimmed(whole.substr(equals + 1))));
        return {};
    }

    BrokerArguments _arguments;
    std::string _urls;
    bool _hasVerb = false;
};

} // namespace

Result<BrokerArguments, UsageError> parseBrokerArguments(const std::vector<std::string>& arguments,
                                                         const Overrides::Environment& environment)
{
    const Poco::Util::OptionSet set = options(true);
    Poco::Util::OptionProcessor processor(set);
    processor.setUnixStyle(true);
    Collector collector;
    try
    {
        std::string name;
        std::string value;
        for (const std::string& argument : arguments)
        {
            std::optional<UsageError> wrong;
            if (!processor.process(argument, name, value)) wrong = collector.word(argument);
            else if (!name.empty()) wrong = collector.option(name, value);
            if (wrong) return std::move(*wrong);
        }
        processor.checkRequired();
    }
    catch (const Poco::Util::OptionException& wrong)
    {
        return UsageError{wrong.displayText()};
    }
    BrokerArguments found = collector.finish();
    const auto path = environment.find("NANOMQ_CONF_PATH");
    if (!found.confFile && path != environment.end()) found.confFile = path->second;
    return found;
}

std::string brokerHelp()
{
    const Poco::Util::OptionSet set = options(false);
    Poco::Util::HelpFormatter formatter(set);
    formatter.setUnixStyle(true);
    formatter.setAutoIndent();
    formatter.setCommand("nanomq");
    formatter.setUsage("[start|stop|restart|reload] [OPTION]...");
    formatter.setHeader("An MQTT broker that hosts plugins. Without a word it starts, in the "
                        "foreground, and prints 'nanomq ready' and its listeners; stop, restart "
                        "and reload speak to the broker that runs.");
    formatter.setFooter("Keys and their meaning: conf.d/nanomq.conf. Each can also be set by a "
                        "variable NANOMQ_KEY; the command line stands above the environment, and "
                        "both above the files.");
    std::ostringstream out;
    formatter.format(out);
    return out.str();
}

std::string defaultStateDir()
{
    if (::geteuid() == 0) return "/var/lib/nanomq";
    if (const char* const base = std::getenv("XDG_STATE_HOME"); base != nullptr && *base == '/')
        return std::string(base) + "/nanomq";
    const char* const home = std::getenv("HOME");
    return std::string(home != nullptr ? home : "/tmp") + "/.local/state/nanomq";
}

} // namespace nanomq
