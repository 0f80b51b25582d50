#include "Shell.h"
#include "Verbs.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>

#include <algorithm>
#include <iostream>
#include <sstream>

namespace nanomq::ctl
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

int listPlugins(Shell& shell)
{
    const Object::Ptr answer = shell.callForObject("plugin.list", makeObject());
    if (shell.look() == Look::Json) shell.print(answer);
    else shell.print(answer->get("plugins"));
    return 0;
}

/// What else there is to know, behind the sentence.
std::string noteOf(const Var& answer)
{
    if (answer.type() != typeid(Object::Ptr)) return {};
    const auto note = answer.extract<Object::Ptr>()->optValue<std::string>("note", "");
    return note.empty() ? note : "; " + note;
}

/// load, unload, reload, info: one plugin, by its name.
int onePlugin(Shell& shell, const std::string& verb, const std::string& name)
{
    Object::Ptr request = makeObject();
    request->set("name", name);
    const Var answer = shell.call("plugin." + verb, request);
    if (verb == "info") shell.print(answer);
    else shell.tell("plugin " + name + ": " + verb + "ed" + noteOf(answer), answer);
    return 0;
}

/// What stands behind the plugin's name: words, and --key=value or --key for the arguments.
struct PluginCall
{
    Arguments words;
    Object::Ptr arguments = makeObject();
    Arguments common; // --json, --control, --help

    explicit PluginCall(const Arguments& all)
    {
        for (std::size_t i = 0; i < all.size(); ++i)
        {
            const std::string& argument = all[i];
            const std::size_t equals = argument.find('=');
            const std::string name = argument.substr(0, equals);
            if (name == "--json" || name == "--help") common.push_back(argument);
            else if (name == "--control")
            {
                common.push_back(argument);
                if (equals == std::string::npos && i + 1 < all.size()) common.push_back(all[++i]);
            }
            else if (!argument.starts_with("--")) words.push_back(argument);
            else if (name.size() == 2) throw UsageError("expected a name behind '--'");
            else if (equals == std::string::npos) arguments->set(name.substr(2), true);
            else arguments->set(name.substr(2), argument.substr(equals + 1));
        }
    }
};

/// The verbs that plugins have added: [{"plugin","verb","help"}].
Array::Ptr verbsOf(Shell& shell)
{
    const Array::Ptr verbs = shell.callForObject("plugin.verbs", makeObject())->getArray("verbs");
    return verbs.isNull() ? Array::Ptr(new Array) : verbs;
}

std::string describe(const Array& verbs, const std::string& onlyOf)
{
    std::vector<std::pair<std::string, std::string>> lines;
    std::size_t width = 0;
    for (const Var& entry : verbs)
    {
        if (entry.type() != typeid(Object::Ptr)) continue;
        const Object& verb = *entry.extract<Object::Ptr>();
        const auto plugin = verb.optValue<std::string>("plugin", "");
        if (!onlyOf.empty() && plugin != onlyOf) continue;
        lines.emplace_back(harmless(plugin + ' ' + verb.optValue<std::string>("verb", "")),
                           harmless(verb.optValue<std::string>("help", "")));
        width = std::max(width, displayWidth(lines.back().first));
    }
    std::ostringstream out;
    for (const auto& [words, help] : lines)
        out << "  " << words << std::string(width - displayWidth(words) + 2, ' ') << help << '\n';
    return out.str();
}

} // namespace

int pluginVerb(const Arguments& arguments)
{
    if (!arguments.empty() && arguments.front() == "new")
        return newPluginVerb({arguments.begin() + 1, arguments.end()});
    if (!arguments.empty() && arguments.front() == "check")
        return checkPluginVerb({arguments.begin() + 1, arguments.end()});
    Options options(
        "plugin list | load NAME | unload NAME | reload NAME | info NAME | new NAME | check FILE.so",
        "What the broker hosts. 'load' also takes a plugin that its file switches off; "
        "'reload' replaces it by what is in its file now, while clients stay connected. 'new' writes "
        "a project for a plugin, 'check' tells whether a library fits; each has a --help.");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    const std::string& verb = options.word(0, "list, load, unload, reload, info, new or check behind 'plugin'");
    Shell shell(options);
    if (verb == "list")
    {
        options.noWordsBeyond(1);
        return listPlugins(shell);
    }
    for (const char* known : {"load", "unload", "reload", "info"})
        if (verb == known)
        {
            options.noWordsBeyond(2);
            return onePlugin(shell, verb,
                             options.word(1, "the name of a plugin behind '" + verb + '\''));
        }
    throw UsageError("unknown word '" + verb +
                     "' behind 'plugin'; expected list, load, unload, reload, info, new or check");
}

int verbOfPlugin(const std::string& plugin, const Arguments& arguments)
{
    const PluginCall call(arguments);
    Options options(plugin + " WORD... [--key=value]...", "Verbs of the plugin " + plugin + '.');
    options.parse(call.common);
    Shell shell(options);
    if (options.has("help") || call.words.empty())
    {
        const std::string verbs = describe(*verbsOf(shell), plugin);
        if (verbs.empty()) throw UsageError("unknown verb '" + plugin + "'; see nanomqctl --help");
        std::cout << "usage: nanomqctl " << plugin << " WORD... [--key=value]...\n" << verbs;
        return options.has("help") ? 0 : 2;
    }
    Array::Ptr words = new Array;
    for (const std::string& word : call.words) words->add(word);
    Object::Ptr request = makeObject();
    request->set("plugin", plugin);
    request->set("words", words);
    request->set("arguments", call.arguments);
    shell.print(shell.call("plugin.verb", request));
    return 0;
}

std::string helpOfPlugins(const Arguments& arguments)
{
    Options options("", "");
    try
    {
        options.parse(PluginCall(arguments).common);
        Shell shell(options, std::chrono::seconds(2));
        const std::string verbs = describe(*verbsOf(shell), {});
        return verbs.empty() ? verbs : "\nof plugins:\n" + verbs;
    }
    catch (const std::runtime_error&)
    {
        return {}; // no broker answers: help is for those, too, who have none yet
    }
}

} // namespace nanomq::ctl
