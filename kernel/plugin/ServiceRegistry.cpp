#include "plugin/ServiceRegistry.h"

#include <algorithm>
#include <cerrno>
#include <set>

namespace nanomq
{

const ServiceRegistry::Entry* ServiceRegistry::current(const std::string& service) const
{
    const auto found = _entries.find(service);
    if (found == _entries.end()) return nullptr;
    for (auto entry = found->second.rbegin(); entry != found->second.rend(); ++entry)
        if (!(*entry)->leaving) return entry->get();
    return nullptr;
}

std::string ServiceRegistry::providerOf(std::string_view service) const
{
    const std::lock_guard lock(_mutex);
    const Entry* const entry = current(std::string(service));
    return entry ? entry->plugin : std::string();
}

void ServiceRegistry::publish(Owner owner, const std::string& plugin,
                              const std::vector<std::pair<std::string, void*>>& services)
{
    const std::lock_guard lock(_mutex);
    for (const auto& [service, object] : services)
        _entries[service].push_back(
            std::make_shared<Entry>(Entry{owner, plugin, service, object}));
}

void ServiceRegistry::withdraw(Owner owner)
{
    const std::lock_guard lock(_mutex);
    for (auto& [service, entries] : _entries)
        for (auto& entry : entries)
            if (entry->owner == owner) entry->leaving = true;
}

void ServiceRegistry::restore(Owner owner)
{
    const std::lock_guard lock(_mutex);
    for (auto& [service, entries] : _entries)
        for (auto& entry : entries)
            if (entry->owner == owner) entry->leaving = false;
}

bool ServiceRegistry::isUsed(Owner owner) const
{
    return std::any_of(_uses.begin(), _uses.end(),
                       [owner](const auto& use) { return use.second.entry->owner == owner; });
}

std::string ServiceRegistry::waitUntilUnused(Owner owner, std::chrono::milliseconds deadline)
{
    std::unique_lock lock(_mutex);
    if (_released.wait_for(lock, deadline, [&] { return !isUsed(owner); })) return {};
    std::set<std::string> users;
    for (const auto& [token, use] : _uses)
        if (use.entry->owner == owner) users.insert(use.plugin);
    std::string all;
    for (const auto& user : users) all += (all.empty() ? "" : ", ") + user;
    return all;
}

void ServiceRegistry::forget(Owner owner)
{
    const std::lock_guard lock(_mutex);
    for (auto& [service, entries] : _entries)
        std::erase_if(entries, [owner](const auto& entry) { return entry->owner == owner; });
    std::erase_if(_entries, [](const auto& service) { return service.second.empty(); });
}

sdk::Status ServiceRegistry::acquire(Owner user, const std::string& plugin,
                                     std::string_view service, sdk::Registry::Reference& reference)
{
    const std::lock_guard lock(_mutex);
    const auto found = _entries.find(service);
    const Entry* const entry = found == _entries.end() ? nullptr : current(found->first);
    if (!entry) return -ENOENT;
    const auto shared = std::find_if(found->second.begin(), found->second.end(),
                                     [entry](const auto& one) { return one.get() == entry; });
    reference = {entry->object, ++_lastToken};
    _uses.emplace(reference.token, Use{user, plugin, *shared});
    return 0;
}

void ServiceRegistry::release(std::uint64_t token)
{
    const std::lock_guard lock(_mutex);
    if (_uses.erase(token) > 0) _released.notify_all();
}

void ServiceRegistry::releaseAll(Owner user)
{
    const std::lock_guard lock(_mutex);
    if (std::erase_if(_uses, [user](const auto& use) { return use.second.user == user; }) > 0)
        _released.notify_all();
}

void ServiceRegistry::watch(Watch watch)
{
    const std::lock_guard lock(_mutex);
    _watchers.push_back({std::move(watch), 0});
}

void ServiceRegistry::unwatch(Owner owner)
{
    const std::lock_guard lock(_mutex);
    std::erase_if(_watchers,
                  [owner](const Watcher& watcher) { return watcher.watch.owner == owner; });
}

std::optional<ServiceRegistry::Notice> ServiceRegistry::nextNotice()
{
    const std::lock_guard lock(_mutex);
    for (Watcher& watcher : _watchers)
    {
        const Entry* const entry = current(watcher.watch.service);
        const Owner now = entry ? entry->owner : 0;
        if (watcher.knows == now) continue;
        // That the one it knows goes comes before that another one is there.
        const bool available = watcher.knows == 0;
        watcher.knows = available ? now : 0;
        return Notice{watcher.watch, available};
    }
    return std::nullopt;
}

} // namespace nanomq
