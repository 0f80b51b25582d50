#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace nanomq
{

/// The switches that NanoMQ's configuration has for what are plugins here; absent means off.
/// A plugin's schema says the same; this is for when there is no library to read it from.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNanomqSwitches = {{
    {"webhook", "web.hook.enable"},
    {"auth_http", "auth.http.enable"},
    {"rest_api", "http_server.enable"},
    {"bridge", "bridge.mqtt.bridge_mode"},
    {"rule_engine", "rule_option"},
}};

/// The key that switches a plugin on when its schema does not say so.
struct PluginSwitch
{
    std::string key;
    bool whenAbsent;

    static PluginSwitch of(std::string_view plugin)
    {
        for (const auto& [name, key] : kNanomqSwitches)
            if (name == plugin) return {std::string(key), false};
        return {std::string(plugin) + ".enable", true};
    }
};

} // namespace nanomq
