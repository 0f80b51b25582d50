#include "app/ConfCommands.h"

#include "app/ConfDiff.h"
#include "app/ConfHistory.h"
#include "app/JsonObject.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/Logger.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

namespace nanomq
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

Array::Ptr listOf(const std::vector<ConfigError>& errors)
{
    Array::Ptr list = new Array;
    for (const auto& error : errors)
    {
        auto object = makeObject();
        object->set("where", error.where);
        object->set("key", error.key);
        object->set("message", error.message);
        list->add(object);
    }
    return list;
}

std::string textOf(const std::vector<ConfigError>& errors)
{
    std::string all;
    for (const auto& error : errors) all += (all.empty() ? "" : "\n") + error.text();
    return all;
}

Array::Ptr listOf(const std::vector<ConfDiff::Change>& changes)
{
    Array::Ptr list = new Array;
    for (const auto& change : changes)
    {
        auto object = makeObject();
        object->set("file", (change.plugin.empty() ? "nanomq" : change.plugin) + ".conf");
        object->set("key", change.key);
        object->set("before", change.before);
        object->set("after", change.after);
        object->set("takes_effect", change.plugin.empty() ? "at the next start" : "at once");
        object->set("where", change.where);
        list->add(object);
    }
    return list;
}

Array::Ptr listOf(const std::vector<ConfDiff::PluginAction>& actions)
{
    Array::Ptr list = new Array;
    for (const auto& action : actions)
    {
        auto object = makeObject();
        object->set("plugin", action.plugin);
        object->set("action", std::string(nameOf(action.action)));
        list->add(object);
    }
    return list;
}

/// The four commands. One at a time: they change files and plugins together.
class ConfCommands
{
public:
    ConfCommands(PluginHost& host, const Startup& startup)
        : _host(host),
          _startup(startup),
          _history(startup.stateDir(), startup.confDir()),
          _logger(Poco::Logger::get("conf"))
    {
        try
        {
            _history.started(ConfTexts::read(_startup.confDir()));
        }
        catch (const Poco::Exception& failed)
        {
            cannotRemember(failed.displayText());
        }
        catch (const std::filesystem::filesystem_error& failed)
        {
            cannotRemember(failed.what());
        }
    }

    void noteReloaded()
    {
        const std::lock_guard lock(_mutex);
        if (!_trouble.empty()) return;
        try
        {
            const auto now = ConfTexts::read(_startup.confDir());
            if (now != _history.running()) _history.changed(now);
        }
        catch (const Poco::Exception& failed)
        {
            cannotRemember(failed.displayText());
        }
        catch (const std::filesystem::filesystem_error& failed)
        {
            cannotRemember(failed.what());
        }
    }

    ControlResult check(const Object& arguments)
    {
        const std::lock_guard lock(_mutex);
        ConfigReport report;
        const Startup candidate = read(folderOf(arguments), report);
        candidate.plugins(report);
        auto result = makeObject();
        result->set("fine", report.ok());
        result->set("errors", listOf(report.errors));
        result->set("notes", listOf(report.notes));
        return Var(result);
    }

    ControlResult diff(const Object& arguments)
    {
        const std::lock_guard lock(_mutex);
        if (!_trouble.empty()) return ControlError{"no_history", _trouble};
        ConfigReport report;
        const ConfDiff diff = between(folderOf(arguments), report);
        auto result = describe(diff);
        result->set("errors", listOf(report.errors));
        return Var(result);
    }

    ControlResult apply(const Object& arguments)
    {
        const std::lock_guard lock(_mutex);
        if (!_trouble.empty()) return ControlError{"no_history", _trouble};
        return change(ConfTexts::read(folderOf(arguments)), folderOf(arguments));
    }

    ControlResult rollback(const Object&)
    {
        const std::lock_guard lock(_mutex);
        if (!_trouble.empty()) return ControlError{"no_history", _trouble};
        const auto previous = _history.previous();
        if (!previous)
            return ControlError{"not_found", "no change has been applied that could be taken back"};
        return change(*previous, _startup.stateDir() + "/conf/previous");
    }

private:
    void cannotRemember(const std::string& why)
    {
        _trouble = "the configuration in force cannot be remembered, so there is nothing to compare "
                   "with or to come back to: " + why;
        _logger.warning(_trouble);
    }

    /// `dir` of the arguments: a folder of files to come; without it conf.d itself, as edited.
    std::string folderOf(const Object& arguments) const
    {
        const auto folder = arguments.optValue<std::string>("dir", "");
        if (folder.empty()) return _startup.confDir();
        if (!std::filesystem::is_directory(folder))
            throw Poco::NotFoundException("there is no folder " + folder);
        return folder;
    }

    Startup read(const std::string& folder, ConfigReport& report) const
    {
        BrokerArguments arguments = _startup.arguments();
        arguments.confDir = folder;
        if (arguments.confFile && folder != _startup.confDir() &&
            std::filesystem::exists(folder + "/nanomq.conf"))
            report.errors.push_back({folder + "/nanomq.conf", "",
                                     "the running broker takes its keys from " +
                                         *arguments.confFile + " (--conf)"});
        Startup startup(arguments, report);
        startup.reportUnclaimed(report);
        return startup;
    }

    ConfDiff between(const std::string& folder, ConfigReport& report) const
    {
        ConfigReport toldBefore;
        const Startup inForce = read(_history.runningFolder(), toldBefore);
        const Startup candidate = read(folder, report);
        return ConfDiff::between(inForce, candidate, report);
    }

    static Object::Ptr describe(const ConfDiff& diff)
    {
        auto result = makeObject();
        result->set("changes", listOf(diff.changes));
        result->set("plugins", listOf(diff.actions));
        result->set("needs_restart", diff.needsRestart());
        return result;
    }

    /// All or nothing: files and plugins as `texts` wants them, or as they are.
    ControlResult change(const ConfTexts& texts, const std::string& folder)
    {
        ConfigReport report;
        const ConfDiff diff = between(folder, report);
        if (!report.ok())
            return ControlError{"bad_configuration", "nothing was changed:\n" + textOf(report.errors)};
        const ConfTexts before = _history.running();
        _history.changing();
        try
        {
            texts.write(_startup.confDir());
        }
        catch (const Poco::Exception& failed)
        {
            before.write(_startup.confDir());
            _history.putBack(texts);
            return ControlError{"not_written", "nothing was changed: " + failed.displayText()};
        }
        _host.takeFilesAsKnown();
        for (std::size_t i = 0; i < diff.actions.size(); ++i)
            if (const auto trouble = act(diff.actions[i]))
                return putBack(diff, i, *trouble, before, texts);
        _history.changed(texts);
        _logger.information("applied " + std::to_string(diff.changes.size()) + " changes to " +
                            std::to_string(diff.actions.size()) + " plugins" +
                            (diff.needsRestart() ? "; those of the kernel at the next start" : ""));
        return Var(describe(diff));
    }

    /// Does it; nothing, or why it could not be done: then that plugin is as it was, or failed.
    std::optional<std::string> act(const ConfDiff::PluginAction& action)
    {
        using Action = ConfDiff::Action;
        const auto info = _host.info(action.plugin);
        const bool runs = info && info->state == PluginState::Active;
        const auto result = [&]() -> PluginResult {
            if (action.action != Action::Unload)
                return runs ? _host.reload(action.plugin) : _host.load(action.plugin);
            if (runs) return _host.unload(action.plugin);
            return info ? PluginResult(*info) : PluginResult(PluginInfo{});
        }();
        if (!result) return action.plugin + ": " + result.error().message;
        return std::nullopt;
    }

    /// The plugin at `failed` did not take it: it and those before it get back what they had.
    ControlError putBack(const ConfDiff& diff, std::size_t failed, const std::string& why,
                         const ConfTexts& before, const ConfTexts& refused)
    {
        using Action = ConfDiff::Action;
        before.write(_startup.confDir());
        _host.takeFilesAsKnown();
        std::string troubles;
        for (std::size_t i = failed + 1; i-- > 0;)
        {
            const auto& done = diff.actions[i];
            const Action back = done.action == Action::Load     ? Action::Unload
                                : done.action == Action::Unload ? Action::Load
                                                                : Action::Reload;
            if (const auto trouble = act({done.plugin, back})) troubles += "; " + *trouble;
        }
        _history.putBack(refused);
        std::string message = "refused, and put back: " + why + "; what was refused is kept in " +
                              _startup.stateDir() + "/conf/refused";
        if (!troubles.empty()) message += "; not all could be put back" + troubles;
        _logger.error(message);
        return {"refused", message};
    }

    PluginHost& _host;
    const Startup& _startup;
    const ConfHistory _history;
    Poco::Logger& _logger;
    std::string _trouble; // why nothing can be remembered; empty: all is well
    std::mutex _mutex;
};

} // namespace

std::function<void()> registerConfCommands(ControlServer& server, PluginHost& host, const Startup& startup)
{
    const auto commands = std::make_shared<ConfCommands>(host, startup);
    const auto add = [&server, commands](const char* name, auto member) {
        server.command(name, [commands, member](const Object& arguments) {
            return (commands.get()->*member)(arguments);
        });
    };
    add("conf.check", &ConfCommands::check);
    add("conf.diff", &ConfCommands::diff);
    add("conf.apply", &ConfCommands::apply);
    add("conf.rollback", &ConfCommands::rollback);
    return [commands] { commands->noteReloaded(); };
}

} // namespace nanomq
