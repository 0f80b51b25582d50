#pragma once

#include "config/Configuration.h"
#include "nanomq/services.h"

#include <map>
#include <string_view>

namespace nanomq
{

/// A plugin's configuration as it sees it: nanomq.config/1. Immutable. Thread: [any].
class PluginConfig final : public sdk::Config
{
public:
    explicit PluginConfig(Configuration configuration);
    PluginConfig(const PluginConfig&) = delete;
    PluginConfig& operator=(const PluginConfig&) = delete;

    bool text(sdk::Str key, sdk::Str* value) override;
    sdk::Str where(sdk::Str key) override;
    void keys(sdk::Str prefix, Visitor* visitor) override;

private:
    const Configuration _configuration;
    std::map<std::string_view, const Configuration::Item*> _items; // views into _configuration
};

} // namespace nanomq
