#pragma once

#include "plugin/ServiceRegistry.h"

#include <atomic>
#include <string>
#include <utility>
#include <vector>

namespace nanomq
{

/// nanomq.registry/1 as one loaded version of a plugin sees it. What it provides and watches is
/// gathered in init() and becomes active with its hooks. Thread: as the SDK's header says; the rest
/// [host].
class PluginRegistry final : public sdk::Registry
{
public:
    PluginRegistry(std::string plugin, ServiceRegistry::Owner owner, ServiceRegistry& services,
                   const std::atomic<bool>& inInit);

    ServiceRegistry::Owner owner() const noexcept { return _owner; }
    /// Its services are found.
    void publish();
    /// It is told of others' services; behind start().
    void beginWatching();

    sdk::Status provide(sdk::Str name, void* service) override;
    sdk::Status acquire(sdk::Str name, Reference* reference) override;
    void release(std::uint64_t token) override;
    sdk::Status watch(sdk::Str name,
                      void (*changed)(void* self, sdk::Str name, std::uint8_t available),
                      void* self) override;

private:
    static constexpr std::size_t kMaxServices = 64;
    static constexpr std::size_t kMaxNameBytes = 100;

    static bool isName(sdk::Str name) noexcept
    {
        return name.size > 0 && name.size <= kMaxNameBytes;
    }

    const std::string _plugin;
    const ServiceRegistry::Owner _owner;
    ServiceRegistry& _services;
    const std::atomic<bool>& _inInit;
    std::vector<std::pair<std::string, void*>> _provided;
    std::vector<ServiceRegistry::Watch> _watches;
};

} // namespace nanomq
