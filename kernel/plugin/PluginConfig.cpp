#include "plugin/PluginConfig.h"

#include <utility>

namespace nanomq
{

PluginConfig::PluginConfig(Configuration configuration, const std::string& plugin)
    : _configuration(std::move(configuration)),
      _hosts(plugin + ".sandbox")
{
    for (const auto& item : _configuration.items())
        if (!isHosts(item.key)) _items.emplace(item.key, &item);
}

bool PluginConfig::isHosts(std::string_view key) const noexcept
{
    return key.starts_with(_hosts) && (key.size() == _hosts.size() || key[_hosts.size()] == '.');
}

bool PluginConfig::text(sdk::Str key, sdk::Str* value)
{
    const auto found = _items.find(key.view());
    if (found == _items.end()) return false;
    *value = found->second->value;
    return true;
}

sdk::Str PluginConfig::where(sdk::Str key)
{
    const auto found = _items.find(key.view());
    return found == _items.end() ? _configuration.fileName() : found->second->where;
}

void PluginConfig::keys(sdk::Str prefix, Visitor* visitor)
{
    _configuration.keys(prefix.view(), [&](const Configuration::Item& item) {
        if (!isHosts(item.key)) visitor->key(item.key, item.value, item.where);
    });
}

} // namespace nanomq
