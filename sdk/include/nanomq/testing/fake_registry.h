#pragma once

#include "nanomq/registry.h"

#include <cerrno>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq::sdk::testing
{

/// Services of plugins: those the plugin provides, and those a test puts there for it.
class FakeRegistry final : public Registry
{
public:
    /// Another plugin provides a service now; who watches it is told, on this thread.
    void put(std::string_view name, void* service) { change(name, service); }
    /// And provides it no more.
    void remove(std::string_view name) { change(name, nullptr); }
    /// What the plugin provides under that name; null: nothing.
    void* provided(std::string_view name) const
    {
        const std::lock_guard lock(_mutex);
        const auto found = _services.find(name);
        return found == _services.end() ? nullptr : found->second;
    }
    /// References that were not given back.
    std::size_t references() const
    {
        const std::lock_guard lock(_mutex);
        return _tokens.size();
    }

    Status provide(Str name, void* service) override
    {
        const std::lock_guard lock(_mutex);
        if (name.size == 0 || !service) return -EINVAL;
        return _services.emplace(name.view(), service).second ? 0 : -EEXIST;
    }
    Status acquire(Str name, Reference* reference) override
    {
        const std::lock_guard lock(_mutex);
        const auto found = _services.find(name.view());
        if (found == _services.end()) return -ENOENT;
        *reference = {found->second, ++_lastToken};
        _tokens.insert(_lastToken);
        return 0;
    }
    void release(std::uint64_t token) override
    {
        const std::lock_guard lock(_mutex);
        _tokens.erase(token);
    }
    Status watch(Str name, void (*changed)(void*, Str, std::uint8_t), void* self) override
    {
        const std::lock_guard lock(_mutex);
        _watchers.push_back({std::string(name.view()), changed, self});
        return 0;
    }

private:
    struct Watcher
    {
        std::string name;
        void (*changed)(void*, Str, std::uint8_t);
        void* self;
    };

    void change(std::string_view name, void* service)
    {
        std::vector<Watcher> watchers;
        {
            const std::lock_guard lock(_mutex);
            if (service) _services[std::string(name)] = service;
            else _services.erase(std::string(name));
            watchers = _watchers;
        }
        for (const Watcher& watcher : watchers)
            if (watcher.name == name) watcher.changed(watcher.self, name, service ? 1 : 0);
    }

    mutable std::mutex _mutex; // guards all below
    std::map<std::string, void*, std::less<>> _services;
    std::set<std::uint64_t> _tokens;
    std::vector<Watcher> _watchers;
    std::uint64_t _lastToken = 0;
};

} // namespace nanomq::sdk::testing
