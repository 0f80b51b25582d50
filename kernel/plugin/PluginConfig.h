#pragma once

#include "config/Configuration.h"
#include "nanomq/services.h"

#include <map>
#include <string>
#include <string_view>

namespace nanomq
{

/// A plugin's configuration as it sees it: nanomq.config/1. Immutable. Thread: [any].
class PluginConfig final : public sdk::Config
{
public:
    /// @param plugin  whose file it is. What says how the plugin is to be run, `plugin`.sandbox and
    /// below, is the host's affair: the plugin does not see it.
    PluginConfig(Configuration configuration, const std::string& plugin);
    PluginConfig(const PluginConfig&) = delete;
    PluginConfig& operator=(const PluginConfig&) = delete;

    bool text(sdk::Str key, sdk::Str* value) override;
    sdk::Str where(sdk::Str key) override;
    void keys(sdk::Str prefix, Visitor* visitor) override;

private:
    bool isHosts(std::string_view key) const noexcept;

    const Configuration _configuration;
    const std::string _hosts; // the first of the host's keys
    std::map<std::string_view, const Configuration::Item*> _items; // views into _configuration
};

} // namespace nanomq
