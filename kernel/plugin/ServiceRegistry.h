#pragma once

#include "nanomq/registry.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nanomq
{

/// The services of plugins for plugins: who provides which, who uses it, and who wants to know.
/// What plugins see of it is sdk::Registry, through PluginRegistry. Thread: [any] for acquire() and
/// release(), the rest the PluginHost's.
class ServiceRegistry
{
public:
    using Owner = std::uint64_t; // one loaded version of a plugin

    struct Watch
    {
        Owner owner;
        std::string service;
        void (*changed)(void* self, sdk::Str name, std::uint8_t available);
        void* self;
    };
    /// A call into a plugin: `watch.changed`.
    struct Notice
    {
        Watch watch;
        bool available;
    };

    ServiceRegistry() = default;
    ServiceRegistry(const ServiceRegistry&) = delete;
    ServiceRegistry& operator=(const ServiceRegistry&) = delete;

    /// The plugin that provides a service now; empty: none.
    std::string providerOf(std::string_view service) const;
    /// A version's services are found from now on, in the place of an older version's.
    void publish(Owner owner, const std::string& plugin,
                 const std::vector<std::pair<std::string, void*>>& services);
    /// No new references to a version's services are given.
    void withdraw(Owner owner);
    /// They are, again.
    void restore(Owner owner);
    /// Waits until nobody uses them; else who still does, at the deadline: "rule_engine, bridge".
    std::string waitUntilUnused(Owner owner, std::chrono::milliseconds deadline);
    /// Nobody provides them any more. Requires: withdrawn, and unused.
    void forget(Owner owner);

    sdk::Status acquire(Owner user, const std::string& plugin, std::string_view service,
                        sdk::Registry::Reference& reference);
    void release(std::uint64_t token);
    /// All that a version has not given back.
    void releaseAll(Owner user);

    void watch(Watch watch);
    void unwatch(Owner owner);
    /// Somebody who does not know yet what has become of a service; the next call names the next.
    std::optional<Notice> nextNotice();

private:
    struct Entry
    {
        Owner owner;
        std::string plugin;
        std::string service;
        void* object;
        bool leaving = false;
    };
    struct Use
    {
        Owner user;
        std::string plugin;
        std::shared_ptr<Entry> entry;
    };
    struct Watcher
    {
        Watch watch;
        Owner knows = 0; // whose service it was told of; 0: there is none
    };

    bool isUsed(Owner owner) const;
    const Entry* current(const std::string& service) const;

    mutable std::mutex _mutex; // guards all below
    std::condition_variable _released;
    std::map<std::string, std::vector<std::shared_ptr<Entry>>, std::less<>> _entries; // last wins
    std::map<std::uint64_t, Use> _uses;                                               // by token
    std::vector<Watcher> _watchers;
    std::uint64_t _lastToken = 0;
};

} // namespace nanomq
