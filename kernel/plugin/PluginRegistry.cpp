#include "plugin/PluginRegistry.h"

#include <algorithm>
#include <cerrno>

namespace nanomq
{

PluginRegistry::PluginRegistry(std::string plugin, ServiceRegistry::Owner owner,
                               ServiceRegistry& services, const std::atomic<bool>& inInit)
    : _plugin(std::move(plugin)),
      _owner(owner),
      _services(services),
      _inInit(inInit)
{
}

void PluginRegistry::publish()
{
    _services.publish(_owner, _plugin, std::exchange(_provided, {}));
}

void PluginRegistry::beginWatching()
{
    for (auto& watch : std::exchange(_watches, {})) _services.watch(std::move(watch));
}

sdk::Status PluginRegistry::provide(sdk::Str name, void* service)
{
    if (!_inInit) return -EPERM;
    if (!isName(name) || !service) return -EINVAL;
    if (_provided.size() >= kMaxServices) return -E2BIG;
    const std::string provider = _services.providerOf(name.view());
    const bool twice = std::any_of(_provided.begin(), _provided.end(), [name](const auto& other) {
        return other.first == name.view();
    });
    if (twice || (!provider.empty() && provider != _plugin)) return -EEXIST;
    _provided.emplace_back(name.view(), service);
    return 0;
}

sdk::Status PluginRegistry::acquire(sdk::Str name, Reference* reference)
{
    if (!reference) return -EINVAL;
    return _services.acquire(_owner, _plugin, name.view(), *reference);
}

void PluginRegistry::release(std::uint64_t token)
{
    _services.release(token);
}

sdk::Status PluginRegistry::watch(sdk::Str name,
                                  void (*changed)(void*, sdk::Str, std::uint8_t), void* self)
{
    if (!_inInit) return -EPERM;
    if (!isName(name) || !changed) return -EINVAL;
    if (_watches.size() >= kMaxServices) return -E2BIG;
    _watches.push_back({_owner, std::string(name.view()), changed, self});
    return 0;
}

} // namespace nanomq
