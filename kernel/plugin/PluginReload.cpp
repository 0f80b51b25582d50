#include "plugin/PluginJobs.h"

#include <Poco/Logger.h>

#include <utility>

namespace nanomq
{

PluginResult PluginHost::Jobs::reload(const std::string& name)
{
    const auto found = _plugins.find(name);
    if (found == _plugins.end() || !found->second.running) return load(name);
    Plugin& target = found->second;
    remember(target);
    target.againstSwitch = _files.switchedOff(name).has_value();
    const auto keepOld = [&](const std::string& why) {
        std::string reason = "reload failed, version " + target.info.version + " goes on: " + why;
        _logger.error(name + ": " + reason);
        show(target, PluginState::Active, reason);
        return PluginError{"refused", std::move(reason)};
    };
    auto next = check(name);
    if (!next) return keepOld(next.error());
    PluginStep step = (*next)->open();
    const bool overlap = target.running->overlaps() && (*next)->overlaps();
    if (step.done() && overlap) step = bringUp(target, **next);
    if (step.end == PluginStep::End::Stuck)
    {
        keepCode(std::move(*next));
        return keepOld(step.reason + "; the new version's code stays in memory");
    }
    if (!step.done())
    {
        discard(std::move(*next), false);
        return keepOld(step.reason);
    }
    return answer(target, overlap ? exchangeSideBySide(target, std::move(*next))
                                  : exchangeParked(target, std::move(*next)));
}

PluginHost::Jobs::Trouble PluginHost::Jobs::exchangeSideBySide(Plugin& plugin,
                                                               std::unique_ptr<LoadedPlugin> next)
{
    // The new version's services come first, so that nobody is without.
    next->side()->registry().publish();
    if (const std::string users = letServicesGo(*plugin.running); !users.empty())
    {
        discardPublished(std::move(next), *plugin.running);
        std::string reason = "reload failed, the old version goes on: it is in use by " + users;
        show(plugin, PluginState::Active, reason);
        return PluginError{"in_use", std::move(reason)};
    }
    if (!_registry.exchange(&plugin.running->set(), &next->set()))
    {
        std::string refused = std::string("reload failed, the old version goes on: ") + kBadFilter;
        discardPublished(std::move(next), *plugin.running);
        show(plugin, PluginState::Active, refused);
        return PluginError{"refused", std::move(refused)};
    }
    // From here on the new version has every event; the old one finishes what it was given.
    auto old = std::move(plugin.running);
    enterService(plugin, std::move(next));
    std::string note;
    std::optional<std::string> state;
    if (const auto stuck = retire(plugin, old))
    {
        note = "the old version: " + stuck->message;
    }
    else
    {
        PluginStep step;
        state = old->save(step);
        if (!step.done()) note = "the old version's state is lost: " + step.reason;
        if (step.end == PluginStep::End::Stuck) keepStuck(plugin, old, step.reason);
        else if (const std::string stays = bury(plugin, std::move(old)); !stays.empty())
            note = "the old version's code stays mapped: " + stays;
    }
    return startNext(plugin, state, std::move(note));
}

/// Puts `next` (or nothing) in the place of a stand-in, and lets who waits go on.
bool PluginHost::Jobs::leaveParking(HookSet& standIn, HookSet* next)
{
    if (!_registry.exchange(&standIn, next)) return false;
    _registry.resumeParked(standIn, next);
    if (!_registry.graceful(_options.graceDeadline)) _registry.withdrawFilters(standIn);
    return true;
}

PluginHost::Jobs::Trouble PluginHost::Jobs::exchangeParked(Plugin& plugin,
                                                           std::unique_ptr<LoadedPlugin> next)
{
    const std::string name = plugin.info.name;
    if (const std::string users = letServicesGo(*plugin.running); !users.empty())
    {
        discard(std::move(next), false);
        return refuseInUse(*plugin.running, users);
    }
    const Ref<HookSet> standIn = _registry.standIn(plugin.running->set(), _options.parkLimit);
    if (!_registry.exchange(&plugin.running->set(), standIn.get()))
    {
        std::string refused = std::string("reload failed, the old version goes on: ") + kBadFilter;
        discard(std::move(next), false);
        offerServicesAgain(*plugin.running);
        show(plugin, PluginState::Active, refused);
        return PluginError{"refused", std::move(refused)};
    }

    auto old = std::move(plugin.running);
    show(plugin, PluginState::Draining);
    Trouble stuck = retire(plugin, old);
    std::optional<std::string> state;
    std::string note;
    if (!stuck)
    {
        PluginStep step;
        state = old->save(step);
        if (!step.done()) note = "the old version's state is lost: " + step.reason;
        if (step.end != PluginStep::End::Stuck) step = old->destroy();
        if (step.end == PluginStep::End::Stuck) stuck = keepStuck(plugin, old, step.reason);
    }
    if (stuck)
    {
        leaveParking(*standIn, nullptr);
        discard(std::move(next), false);
        return stuck;
    }

    PluginStep step = bringUp(plugin, *next);
    const bool initialised = step.done();
    if (initialised && !leaveParking(*standIn, &next->set())) step = PluginStep::failed(kBadFilter);
    if (!step.done())
    {
        note = "reload failed, version " + old->facts().version + " goes on: " + step.reason;
        _logger.error(name + ": " + note);
        if (step.end == PluginStep::End::Stuck) keepCode(std::move(next));
        else discard(std::move(next), initialised);
        return revive(plugin, std::move(old), *standIn, state, std::move(note));
    }
    if (const std::string stays = old->unmap(); !stays.empty())
        note += (note.empty() ? "" : "; ") + ("the old version's code stays mapped: " + stays);
    enterService(plugin, std::move(next));
    return startNext(plugin, state, std::move(note));
}

/// The next version failed while the plugin was parked: the old code again, with a new instance.
PluginHost::Jobs::Trouble
PluginHost::Jobs::revive(Plugin& plugin, std::unique_ptr<LoadedPlugin> old, HookSet& standIn,
                         const std::optional<std::string>& state, std::string note)
{
    const PluginStep step = bringUp(plugin, *old);
    if (!step.done() || !leaveParking(standIn, &old->set()))
    {
        leaveParking(standIn, nullptr);
        if (step.end == PluginStep::End::Stuck) return keepStuck(plugin, old, step.reason);
        discard(std::move(old), step.done());
        return fail(plugin, note + "; and the old one does not come up again: " + step.reason);
    }
    enterService(plugin, std::move(old));
    if (auto trouble = startNext(plugin, state, note)) return trouble;
    return PluginError{"refused", std::move(note)};
}

} // namespace nanomq
