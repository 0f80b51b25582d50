#include "plugin/PluginJobs.h"

#include "config/ConfDir.h"
#include "plugin/KeptForGood.h"

#include <Poco/DateTimeFormatter.h>
#include <Poco/Exception.h>
#include <Poco/Logger.h>

#include <algorithm>
#include <filesystem>
#include <pthread.h>
#include <set>
#include <utility>

namespace nanomq
{

namespace fs = std::filesystem;

PluginHost::Jobs::Jobs(Options options, HookBus& bus, PluginServices& services, Overrides overrides)
    : _options(std::move(options)),
      _files(_options.pluginDir, _options.confDir, std::move(overrides)),
      _bus(bus),
      _services(services),
      _logger(services.logger("host")),
      _registry(bus),
      _metrics(services.metrics()),
      _abi(HostAbi::ofThisProgram()),
      _probe(_options.probeProgram, _options.probeDeadline),
      _copies(_options.stateDir),
      _watchdog(_options.watchdog, _registry, services.metrics(), _logger,
                [this] { return activeSides(); })
{
    if (!_copies.trouble().empty()) _logger.warning(_copies.trouble());
    _thread = std::thread([this] { run(); });
    ::pthread_setname_np(_thread.native_handle(), "plugin-jobs");
    if (_options.watchFolders)
        _folders.emplace(_options.pluginDir, _options.confDir, _options.settle, _logger,
                         [this](const std::string& name) {
                             submit<void>([name](Jobs& jobs) { jobs.bringIntoLine(name); });
                         });
}

PluginHost::Jobs::~Jobs() = default;

void PluginHost::Jobs::run()
{
    std::unique_lock lock(_queueMutex);
    for (;;)
    {
        _queued.wait(lock, [this] { return _stopping || !_queue.empty(); });
        if (_queue.empty()) break;
        auto job = std::move(_queue.front());
        _queue.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
    lock.unlock();
    unloadEverything();
}

void PluginHost::Jobs::stop()
{
    _folders.reset();
    {
        std::lock_guard lock(_queueMutex);
        _stopping = true;
        _queued.notify_one();
    }
    if (_thread.joinable()) _thread.join();
    // A stuck plugin leaves this object behind, and what the watchdog looks at goes.
    _watchdog.stop();
}

void PluginHost::Jobs::unloadEverything()
{
    std::vector<std::pair<std::uint32_t, std::string>> order;
    for (const auto& [name, plugin] : _plugins)
        if (plugin.running) order.emplace_back(plugin.number, name);
    std::sort(order.rbegin(), order.rend());
    // Who is in use goes when its users have gone.
    for (const bool last : {false, true})
        for (const auto& [number, name] : order)
        {
            if (!_plugins[name].running) continue;
            const auto result = unload(name);
            if (!result && (last || result.error().code != "in_use"))
                _logger.error(result.error().message);
        }
}

bool PluginHost::Jobs::anyStuck() const
{
    return !_stuck.empty();
}

// What is told about plugins.

PluginHost::Jobs::Plugin& PluginHost::Jobs::plugin(const std::string& name)
{
    std::lock_guard lock(_listMutex);
    Plugin& plugin = _plugins[name];
    plugin.info.name = name;
    plugin.info.file = _files.libraryOf(name);
    return plugin;
}

void PluginHost::Jobs::show(Plugin& plugin, PluginState state, std::string reason)
{
    if (auto* const alarms = _services.alarms())
    {
        const std::string alarm = "plugin." + plugin.info.name;
        const bool isWrong = state == PluginState::Failed || state == PluginState::Stuck;
        if (isWrong) alarms->raise(alarm, AlarmSeverity::Error, reason);
        else if (state == PluginState::Active || state == PluginState::Gone) alarms->clear(alarm);
    }
    std::lock_guard lock(_listMutex);
    if (plugin.info.state != state) plugin.info.stateSince = unixNow();
    plugin.info.state = state;
    plugin.info.reason = std::move(reason);
}

void PluginHost::Jobs::remember(Plugin& plugin)
{
    const auto marks = _files.marksOf(plugin.info.name);
    std::lock_guard lock(_listMutex);
    plugin.marks = marks;
}

Watchdog::Sides PluginHost::Jobs::activeSides() const
{
    Watchdog::Sides sides;
    std::lock_guard lock(_listMutex);
    for (const auto& [name, plugin] : _plugins)
        if (plugin.shown && plugin.info.state == PluginState::Active) sides.push_back(plugin.shown);
    return sides;
}

void PluginHost::Jobs::showFacts(Plugin& plugin, const LoadedPlugin& version)
{
    std::lock_guard lock(_listMutex);
    plugin.info.version = version.facts().version;
    plugin.info.className = version.facts().className;
    plugin.info.mappedBytes = version.mappedBytes();
    plugin.info.sandboxed = version.sandboxed();
    plugin.info.loadedAt = unixNow();
    ++plugin.info.generation;
    plugin.shown = version.side();
}

void PluginHost::Jobs::showGuard(Plugin& plugin, const LoadedPlugin& version)
{
    std::lock_guard lock(_listMutex);
    plugin.info.guard = (version.facts().flags & NANOMQ_PLUGIN_GUARD) != 0;
}

PluginInfo PluginHost::Jobs::snapshot(const Plugin& plugin) const
{
    PluginInfo info;
    std::shared_ptr<PluginSide> side;
    {
        std::lock_guard lock(_listMutex);
        info = plugin.info;
        side = plugin.shown;
    }
    if (side)
    {
        info.errors = side->errors();
        info.lastError = side->lastError();
        info.hooks = side->set().statistics();
    }
    for (auto& held : _watchdog.held())
        if (held.plugin == info.name) info.holds.push_back(std::move(held));
    return info;
}

std::vector<PluginInfo> PluginHost::Jobs::list() const
{
    std::vector<const Plugin*> known;
    std::set<std::string> names;
    {
        std::lock_guard lock(_listMutex);
        for (const auto& [name, plugin] : _plugins)
        {
            known.push_back(&plugin); // never erased
            names.insert(name);
        }
    }
    std::vector<PluginInfo> all;
    for (const Plugin* plugin : known) all.push_back(snapshot(*plugin));

    for (const auto& name : _files.libraries())
    {
        if (names.count(name) > 0) continue;
        PluginInfo& info = all.emplace_back();
        info.name = name;
        info.file = _files.libraryOf(name);
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return all;
}

bool PluginHost::Jobs::filesChanged(const std::string& name) const
{
    const auto now = _files.marksOf(name);
    std::lock_guard lock(_listMutex);
    const auto found = _plugins.find(name);
    return found != _plugins.end() && found->second.marks != now;
}

std::string PluginHost::Jobs::copyTrouble() const
{
    std::lock_guard lock(_listMutex);
    return _copies.trouble();
}

PluginResult PluginHost::Jobs::answer(Plugin& plugin, const Trouble& trouble) const
{
    if (trouble) return *trouble;
    return snapshot(plugin);
}

PluginHost::Jobs::Trouble PluginHost::Jobs::fail(Plugin& plugin, std::string reason)
{
    _logger.error(plugin.info.name + ": " + reason);
    show(plugin, PluginState::Failed, reason);
    return PluginError{"refused", std::move(reason)};
}

PluginHost::Jobs::Trouble PluginHost::Jobs::keepStuck(Plugin& plugin,
                                                      std::unique_ptr<LoadedPlugin>& version,
                                                      std::string reason)
{
    reason += "; its code stays in memory until the broker restarts, since " +
              Poco::DateTimeFormatter::format(Poco::Timestamp(), "%Y-%m-%dT%H:%M:%SZ");
    _logger.error(plugin.info.name + ": " + reason);
    keepCode(std::move(version));
    show(plugin, PluginState::Stuck, reason);
    return PluginError{"stuck", std::move(reason)};
}

void PluginHost::Jobs::keepCode(std::unique_ptr<LoadedPlugin> version)
{
    if (version->side()) version->side()->tasks().abandon();
    _stuck.push_back(std::move(version));
}

// Steps.

Result<std::unique_ptr<LoadedPlugin>, std::string> PluginHost::Jobs::check(const std::string& name)
{
    const std::string file = _files.libraryOf(name);
    const auto bytes = readPluginFile(file);
    if (!bytes) return bytes.error();
    auto facts = inspectPlugin(*bytes, file, name, _abi);
    if (!facts) return facts.error();
    try
    {
        PluginCopy copy;
        {
            std::lock_guard lock(_listMutex);
            copy = _copies.make(name, *bytes);
        }
        if (auto failure = _probe.run(copy, *bytes)) return file + ": " + *failure;
        auto sandbox = _files.sandboxOf(name, copy.path());
        if (sandbox) sandbox->program = _options.probeProgram;
        return std::make_unique<LoadedPlugin>(std::move(*facts), std::move(copy), _hostThread,
                                              _options.callDeadlines, std::move(sandbox));
    }
    catch (const Poco::Exception& error)
    {
        return file + ": " + error.displayText();
    }
}

std::shared_ptr<PluginSide> PluginHost::Jobs::makeSide(const std::string& name,
                                                       std::uint32_t number,
                                                       Configuration configuration)
{
    auto side = std::make_shared<PluginSide>(name, ++_lastVersion, std::move(configuration),
                                             _options.stateDir, _bus, _services, _metrics,
                                             _serviceRegistry);
    side->useSet(_registry.make(number, name, &side->hookErrors()));
    return side;
}

PluginStep PluginHost::Jobs::bringUp(Plugin& plugin, LoadedPlugin& version)
{
    const std::string& name = plugin.info.name;
    std::vector<ConfigError> notes;
    auto configuration = _files.read(name, version.file(), notes);
    for (const auto& note : notes) _services.logger(name).warning(note.text());
    if (!configuration) return PluginStep::failed(configuration.error());
    return version.init(makeSide(name, plugin.number, std::move(*configuration)));
}

void PluginHost::Jobs::discard(std::unique_ptr<LoadedPlugin> version, bool initialised)
{
    PluginStep step;
    if (initialised) _serviceRegistry.forget(version->side()->registry().owner());
    if (initialised) step = version->quiesce();
    if (initialised && step.end != PluginStep::End::Stuck) step = version->destroy();
    if (step.end == PluginStep::End::Stuck) keepCode(std::move(version));
    else version->unmap();
}

std::string PluginHost::Jobs::unfinished(const HookSet& set) const
{
    if (const auto owed = set.openDeferrals(); owed > 0)
        return std::to_string(owed) + " answers that it owes were not given";
    const auto look = set.executorMark().look();
    if (look == 0) return "events that it was given were not told";
    return "its observer of " + std::string(sdk::hookPointName(_registry.hookOf(look).point)) +
           " has not returned";
}

std::string PluginHost::Jobs::drainHooks(LoadedPlugin& version)
{
    if (const auto worker = _registry.graceful(_options.graceDeadline))
        return _watchdog.whatHolds(*worker, _options.graceDeadline);
    if (!_registry.drain(version.set(), _options.deferralDeadline))
        return unfinished(version.set()) + " within " +
               std::to_string(_options.deferralDeadline.count()) + " ms";
    _registry.withdrawFilters(version.set());
    return {};
}

PluginHost::Jobs::Trouble PluginHost::Jobs::retire(Plugin& plugin,
                                                   std::unique_ptr<LoadedPlugin>& version)
{
    _serviceRegistry.unwatch(version->side()->registry().owner());
    if (const std::string users = letServicesGo(*version); !users.empty())
        return keepStuck(plugin, version, "it is in use by " + users);
    _serviceRegistry.forget(version->side()->registry().owner());
    if (std::string stuck = drainHooks(*version); !stuck.empty())
        return keepStuck(plugin, version, std::move(stuck));
    const PluginStep step = version->quiesce();
    if (step.end == PluginStep::End::Stuck) return keepStuck(plugin, version, step.reason);
    if (!step.done()) _logger.warning(plugin.info.name + ": " + step.reason);
    _watchdog.publishLast(*version->side());
    return std::nullopt;
}

std::string PluginHost::Jobs::bury(Plugin& plugin, std::unique_ptr<LoadedPlugin> version)
{
    const PluginStep step = version->destroy();
    if (step.end == PluginStep::End::Stuck)
    {
        keepStuck(plugin, version, step.reason);
        return step.reason;
    }
    if (!step.done()) _logger.warning(plugin.info.name + ": " + step.reason);
    return version->unmap();
}

// Load.

PluginResult PluginHost::Jobs::load(const std::string& name)
{
    if (!isPluginName(name)) return PluginError{"not_found", "'" + name + "' is no plugin's name"};
    if (!fs::exists(_files.libraryOf(name)))
        return PluginError{"not_found", "there is no library " + _files.libraryOf(name)};
    Plugin& target = plugin(name);
    if (target.running) return PluginError{"already_loaded", name + " is loaded already"};
    if (target.info.state == PluginState::Stuck)
        return PluginError{"stuck", name + " cannot be loaded again: " + target.info.reason};
    remember(target);
    target.againstSwitch = _files.switchedOff(name).has_value();
    auto version = check(name);
    if (!version) return answer(target, fail(target, version.error()));
    showGuard(target, **version);
    show(target, PluginState::Checked);
    target.number = ++_lastNumber;
    return answer(target, activate(target, std::move(*version)));
}

PluginHost::Jobs::Trouble PluginHost::Jobs::activate(Plugin& plugin,
                                                     std::unique_ptr<LoadedPlugin> version)
{
    PluginStep step = version->open();
    if (step.done()) step = bringUp(plugin, *version);
    if (step.end == PluginStep::End::Stuck) return keepStuck(plugin, version, step.reason);
    if (!step.done())
    {
        discard(std::move(version), false);
        return fail(plugin, std::move(step.reason));
    }
    show(plugin, PluginState::Standby);
    if (!_registry.exchange(nullptr, &version->set()))
    {
        discard(std::move(version), true);
        return fail(plugin, kBadFilter);
    }
    enterService(plugin, std::move(version));
    return startNext(plugin, std::nullopt, {});
}

/// The last step of load and reload: the new version is in the table.
PluginHost::Jobs::Trouble PluginHost::Jobs::startNext(Plugin& plugin,
                                                      const std::optional<std::string>& state,
                                                      std::string note)
{
    const auto report = [&](const std::string& text) {
        _logger.warning(plugin.info.name + ": " + text);
        note += (note.empty() ? "" : "; ") + text;
    };
    PluginStep step;
    if (state)
    {
        step = plugin.running->hasState() ? plugin.running->adopt(*state)
                                          : PluginStep::failed("it adopts no state");
        if (step.end == PluginStep::End::Failed)
            report("the old version's state is lost: " + step.reason);
    }
    if (step.end != PluginStep::End::Stuck) step = plugin.running->start();
    if (step.done())
    {
        _logger.information(plugin.info.name + " " + plugin.info.version + " is active");
        show(plugin, PluginState::Active, note);
        plugin.running->side()->registry().beginWatching();
        tellWatchers();
        return std::nullopt;
    }
    const bool exchanged = _registry.exchange(&plugin.running->set(), nullptr);
    auto version = std::move(plugin.running);
    if (step.end == PluginStep::End::Stuck || !exchanged)
        return keepStuck(plugin, version, step.reason);
    show(plugin, PluginState::Draining);
    if (auto stuck = retire(plugin, version)) return stuck;
    bury(plugin, std::move(version));
    return fail(plugin, step.reason);
}

// Unload.

PluginResult PluginHost::Jobs::unload(const std::string& name)
{
    const auto found = _plugins.find(name);
    if (found == _plugins.end() || !found->second.running)
        return PluginError{"not_loaded", name + " is not loaded"};
    Plugin& target = found->second;
    remember(target);
    // Before anything is done that cannot be undone.
    if (const std::string users = letServicesGo(*target.running); !users.empty())
        return answer(target, refuseInUse(*target.running, users));
    auto version = std::move(target.running);
    show(target, PluginState::Draining);
    if (!_registry.exchange(&version->set(), nullptr))
        return answer(target, keepStuck(target, version, "its hooks cannot be withdrawn"));
    if (auto stuck = retire(target, version)) return answer(target, stuck);
    std::string stays = bury(target, std::move(version));
    if (target.info.state == PluginState::Stuck) return PluginError{"stuck", target.info.reason};
    const bool gone = stays.empty();
    _logger.information(name +
                        (gone ? " is unloaded" : " is unloaded, its code stays mapped: " + stays));
    show(target, gone ? PluginState::Gone : PluginState::Resident, std::move(stays));
    return answer(target, std::nullopt);
}

/// The version is in the table: its verbs and figures are the plugin's from now on.
void PluginHost::Jobs::enterService(Plugin& plugin, std::unique_ptr<LoadedPlugin> version)
{
    version->side()->publishVerbs();
    version->side()->publishRoutes();
    version->side()->registry().publish();
    showFacts(plugin, *version);
    plugin.running = std::move(version);
}

void PluginHost::Jobs::takeFilesAsKnown()
{
    for (auto& [name, plugin] : _plugins) remember(plugin);
}

// Hooks of the kernel's own.

Result<PluginHost::KernelHooks, PluginError>
PluginHost::Jobs::addHooks(std::string name, const std::vector<sdk::HookSpec>& hooks,
                           std::shared_ptr<const void> owner)
{
    const Ref<HookSet> set = _registry.make(++_lastNumber, std::move(name), nullptr);
    for (const auto& hook : hooks)
        if (set->add(hook) != 0)
            return PluginError{"refused", "a hook with a topic filter that is none"};
    if (!_registry.exchange(nullptr, set.get())) return PluginError{"refused", kBadFilter};
    return KernelHooks{set, std::move(owner)};
}

void PluginHost::Jobs::removeHooks(const KernelHooks& hooks)
{
    const bool gone = _registry.exchange(hooks.set.get(), nullptr) &&
                      !_registry.graceful(_options.graceDeadline) &&
                      _registry.drain(*hooks.set, _options.deferralDeadline);
    if (gone) _registry.withdrawFilters(*hooks.set);
    else keepForGood(hooks.owner);
}

// At the start.

void PluginHost::Jobs::loadConfigured()
{
    ConfigReport report;
    const auto configured = _files.configured(report);
    for (const auto& error : report.errors) _logger.error(error.text());
    for (const auto& name : configured)
    {
        const auto off = _files.switchedOff(name);
        if (off && !off->empty()) fail(plugin(name), *off);
        if (off) continue;
        // The answer is in the log and in list().
        [[maybe_unused]] const auto told = load(name);
    }
}

void PluginHost::Jobs::bringIntoLine(const std::string& name)
{
    const auto found = _plugins.find(name);
    Plugin* const known = found == _plugins.end() ? nullptr : &found->second;
    const PluginFiles::Marks now = _files.marksOf(name);
    const PluginFiles::Marks before = known ? known->marks : PluginFiles::Marks();
    if (known && now == before) return;

    if (known && known->running)
    {
        const bool confRemoved = before.conf && !now.conf;
        const auto off = confRemoved ? std::string() : _files.switchedOff(name);
        if (confRemoved || (off && off->empty() && !known->againstSwitch))
        {
            _logger.information(name + (confRemoved ? ": its configuration file is gone"
                                                    : ": its configuration switches it off"));
            [[maybe_unused]] const auto told = unload(name);
        }
        else if (now.library)
        {
            _logger.information(name + ": its files have changed");
            [[maybe_unused]] const auto told = reload(name);
        }
        return;
    }
    if (!now.conf) return;
    const auto off = _files.switchedOff(name);
    if (off && !off->empty()) _logger.warning(*off + " yet");
    if (off || !now.library) return;
    _logger.information(name + ": its files are there");
    [[maybe_unused]] const auto told = load(name);
}

} // namespace nanomq
