#include "app/PluginCommands.h"

#include "app/JsonObject.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <sstream>

namespace nanomq
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

Object::Ptr summaryOf(const PluginInfo& info)
{
    auto object = makeObject();
    object->set("name", info.name);
    object->set("version", info.version);
    object->set("state", std::string(pluginStateName(info.state)));
    object->set("reason", info.reason);
    object->set("hooks", info.hooks.hooks.size());
    object->set("events", info.hooks.accepted);
    object->set("dropped", info.hooks.dropped);
    object->set("errors", info.errors);
    object->set("loaded_at_ms", info.loadedAt);
    object->set("file", info.file);
    return object;
}

Object::Ptr describe(const HookStatistics& hook)
{
    auto object = makeObject();
    object->set("point", std::string(sdk::hookPointName(hook.point)));
    object->set("priority", hook.priority);
    Array::Ptr filters = new Array;
    for (const auto& filter : hook.topicFilters) filters->add(filter);
    object->set("topic_filters", filters);
    object->set("calls", hook.calls);
    object->set("errors", hook.errors);
    object->set("deferrals", hook.deferrals);
    object->set("timeouts", hook.timeouts);
    object->set("skipped", hook.skipped);
    const auto time = [&hook](std::uint64_t ns) { return hook.samples == 0 ? Var() : Var(ns); };
    object->set("mean_ns", hook.samples == 0 ? Var() : Var(hook.sampledNs / hook.samples));
    object->set("median_ns", time(hook.medianNs));
    object->set("p99_ns", time(hook.p99Ns));
    object->set("longest_ns", time(hook.longestNs));
    object->set("breaker", hook.breaker == HookBreaker::State::Closed  ? "closed"
                           : hook.breaker == HookBreaker::State::Trial ? "trial"
                                                                       : "open");
    return object;
}

Object::Ptr describe(const PluginInfo& info)
{
    auto object = summaryOf(info);
    object->set("class", info.className);
    object->set("generation", info.generation);
    object->set("sandboxed", info.sandboxed);
    object->set("last_error", info.lastError);
    object->set("delivered", info.hooks.delivered);
    object->set("queued", info.hooks.queued);
    object->set("queue_room", info.hooks.room);
    object->set("held_bytes", info.hooks.heldBytes);
    object->set("open_deferrals", info.hooks.openDeferrals);
    object->set("late_answers", info.hooks.lateAnswers);
    object->set("mapped_bytes", info.mappedBytes);
    object->set("state_since_ms", info.stateSince);
    Array::Ptr holds = new Array;
    for (const auto& held : info.holds)
    {
        auto hold = makeObject();
        hold->set("worker", held.worker);
        hold->set("point", std::string(sdk::hookPointName(held.point)));
        hold->set("duration_ms", held.duration.count());
        holds->add(hold);
    }
    object->set("holds", holds);
    Array::Ptr hooks = new Array;
    for (const auto& hook : info.hooks.hooks) hooks->add(describe(hook));
    object->set("points", hooks);
    return object;
}

ControlResult listPlugins(const PluginHost& host)
{
    Array::Ptr plugins = new Array;
    for (const auto& info : host.list()) plugins->add(summaryOf(info));
    auto result = makeObject();
    result->set("plugins", plugins);
    return Var(result);
}

/// All that is loaded, with all its figures: what `nanomqctl top` shows.
ControlResult describeAll(const PluginHost& host)
{
    Array::Ptr plugins = new Array;
    for (const auto& info : host.list())
        if (info.generation > 0) plugins->add(describe(info));
    auto result = makeObject();
    result->set("plugins", plugins);
    return Var(result);
}

ControlResult answerOf(const PluginResult& result)
{
    if (!result) return ControlError{result.error().code, result.error().message};
    return Var(summaryOf(*result));
}

bool checksClients(const PluginInfo& info)
{
    return std::any_of(info.hooks.hooks.begin(), info.hooks.hooks.end(), [](const auto& hook) {
        return hook.point == sdk::HookPoint::ClientAuthenticate;
    });
}

bool anyChecksClients(const PluginHost& host)
{
    const auto all = host.list();
    return std::any_of(all.begin(), all.end(), [](const auto& info) {
        return info.state == PluginState::Active && checksClients(info);
    });
}

/// What it means that no plugin checks clients any more; ConnectPath.cpp acts like this.
std::string_view desertedNote(const Startup& startup)
{
    const auto& written = startup.kernel().allowAnonymous;
    if (!written)
        return "no plugin checks clients any more, so that nobody comes in: allow_anonymous is not "
               "written out. Those who are connected stay";
    return *written ? "no plugin checks clients any more, and allow_anonymous = true lets everybody in"
                    : "no plugin checks clients any more, and allow_anonymous = false lets nobody in";
}

/// A command on one plugin, by its `name`.
ControlServer::Handler onPlugin(std::function<ControlResult(const std::string&)> act)
{
    return [act = std::move(act)](const Object& arguments) -> ControlResult {
        const auto name = arguments.optValue<std::string>("name", "");
        if (!isPluginName(name))
            return ControlError{"bad_argument",
                                "'" + name + "' is not a plugin's name: [a-z][a-z0-9_]{0,30}"};
        return act(name);
    };
}

ControlResult listVerbs(const ControlVerbs& verbs)
{
    Array::Ptr list = new Array;
    for (const auto& verb : verbs.list())
    {
        const auto blank = verb.path.find(' ');
        auto object = makeObject();
        object->set("plugin", verb.path.substr(0, blank));
        object->set("verb", blank == std::string::npos ? "" : verb.path.substr(blank + 1));
        object->set("help", verb.help);
        list->add(object);
    }
    auto result = makeObject();
    result->set("verbs", list);
    return Var(result);
}

ControlResult runVerb(ControlVerbs& verbs, const Object& request)
{
    std::string path = request.optValue<std::string>("plugin", "");
    if (const auto words = request.getArray("words"))
        for (const auto& word : *words) path += ' ' + word.toString();
    std::ostringstream arguments;
    if (const auto given = request.getObject("arguments")) given->stringify(arguments);
    else arguments << "{}";

    const auto result = verbs.run(path, arguments.str());
    if (!result) return ControlError{"not_found", "no loaded plugin has the verb '" + path + "'"};
    if (!result->code.empty()) return ControlError{result->code, result->message};
    Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true)); // keeps the order of keys
    return parser.parse(result->json);
}

/// Reads certificates again, and brings the plugins into line with conf.d: what is switched on is
/// loaded, what is no longer is unloaded, and what has a newer file is exchanged.
class Reload
{
public:
    Reload(Broker& broker, PluginHost& host, const Startup& startup)
        : _broker(broker), _host(host), _startup(startup)
    {
    }

    ControlResult run()
    {
        ConfigReport report;
        const Startup now(_startup.arguments(), report);
        const auto configured = now.plugins(report);
        if (!report.ok())
        {
            std::string all;
            for (const auto& error : report.errors) all += (all.empty() ? "" : "; ") + error.text();
            return ControlError{"bad_configuration", "nothing was changed: " + all};
        }
        if (const auto problems = _broker.reloadCertificates(); !problems.empty())
        {
            std::string all;
            for (const auto& problem : problems) all += problem + "; ";
            return ControlError{"bad_certificates",
                                all + "such a listener goes on with what it had, and no plugin was "
                                      "changed"};
        }

        for (const auto& info : _host.list())
            if (isRunning(info) && !isOn(configured, info.name))
                tell(info.name, "unloaded", _host.unload(info.name));
        for (const auto& plugin : configured)
        {
            if (!plugin.on) continue;
            const auto info = _host.info(plugin.name);
            if (!info || !isRunning(*info)) tell(plugin.name, "loaded", _host.load(plugin.name));
            else if (_host.filesChanged(plugin.name))
                tell(plugin.name, "reloaded", _host.reload(plugin.name));
        }
        auto result = makeObject();
        result->set("plugins", _told);
        Array::Ptr keys = new Array;
        for (const auto& key : now.changedKeys(_startup)) keys->add(key);
        result->set("needs_restart", keys);
        return Var(result);
    }

private:
    static bool isRunning(const PluginInfo& info) noexcept
    {
        return info.state == PluginState::Active;
    }
    static bool isOn(const std::vector<Startup::Plugin>& configured, const std::string& name)
    {
        for (const auto& plugin : configured)
            if (plugin.name == name) return plugin.on;
        return false;
    }
    void tell(const std::string& name, const char* done, const PluginResult& result)
    {
        auto object = makeObject();
        object->set("name", name);
        object->set("action", result ? done : "failed");
        object->set("reason", result ? "" : result.error().message);
        _told->add(object);
    }

    Broker& _broker;
    PluginHost& _host;
    const Startup& _startup;
    Array::Ptr _told = new Array;
};

} // namespace

ControlResult reloadConfiguration(Broker& broker, PluginHost& host, const Startup& startup)
{
    return Reload(broker, host, startup).run();
}

void registerPluginCommands(ControlServer& server, Broker& broker, PluginHost& host,
                            ControlVerbs& verbs, const Startup& startup,
                            std::function<void()> reloaded)
{
    server.command("plugin.list", [&host](const Object&) { return listPlugins(host); });
    server.command("plugin.figures", [&host](const Object&) { return describeAll(host); });
    server.command("plugin.load", onPlugin([&host](const std::string& name) {
                       return answerOf(host.load(name));
                   }));
    server.command("plugin.unload",
                   onPlugin([&host, &startup](const std::string& name) -> ControlResult {
                       const auto before = host.info(name);
                       const auto result = host.unload(name);
                       if (!result) return answerOf(result);
                       auto object = summaryOf(*result);
                       if (before && checksClients(*before) && !anyChecksClients(host))
                           object->set("note", std::string(desertedNote(startup)));
                       return Var(object);
                   }));
    server.command("plugin.reload", onPlugin([&host](const std::string& name) {
                       return answerOf(host.reload(name));
                   }));
    server.command("plugin.info", onPlugin([&host](const std::string& name) -> ControlResult {
                       const auto info = host.info(name);
                       if (!info) return ControlError{"not_found", "there is no plugin " + name};
                       return Var(describe(*info));
                   }));
    server.command("plugin.verbs", [&verbs](const Object&) { return listVerbs(verbs); });
    server.command("plugin.verb",
                   [&verbs](const Object& request) { return runVerb(verbs, request); });
    server.command("reload", [&broker, &host, &startup,
                              reloaded = std::move(reloaded)](const Object&) {
        auto result = reloadConfiguration(broker, host, startup);
        if (result) reloaded();
        return result;
    });
}

} // namespace nanomq
