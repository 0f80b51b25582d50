#include "config/Overrides.h"

#include <algorithm>
#include <array>
#include <set>
#include <unistd.h>
#include <utility>

namespace nanomq
{

namespace
{

constexpr std::string_view kEnvironmentPrefix = "NANOMQ_";

/// Variables of NanoMQ that environmentName() does not give.
struct NanoName
{
    std::string_view variable;
    std::string_view key;
};
constexpr std::array kNanoNames = {
    NanoName{"NANOMQ_BROKER_URL", "url"},
    NanoName{"NANOMQ_TLS_CA_CERT_PATH", "tls.cacertfile"},
    NanoName{"NANOMQ_TLS_CERT_PATH", "tls.certfile"},
    NanoName{"NANOMQ_TLS_KEY_PATH", "tls.keyfile"},
};

/// Variables that stand for no key: they name files, or belong to nanomqctl.
constexpr std::array<std::string_view, 2> kOtherNames = {"NANOMQ_CONF_PATH", "NANOMQ_CONTROL"};

bool isOurs(const SchemaKey* key) noexcept
{
    return key != nullptr && key->use != KeyUse::Elsewhere && key->use != KeyUse::FileOnly;
}

Setting fromEnvironment(std::string key, const std::string& name, const std::string& value)
{
    return {std::move(key), value, "environment " + name};
}

} // namespace

std::string environmentName(std::string_view key)
{
    std::string name(kEnvironmentPrefix);
    for (const char c : key)
    {
        if (c >= 'a' && c <= 'z') name += static_cast<char>(c - 32);
        else name += c == '.' || c == '-' ? '_' : c;
    }
    return name;
}

Overrides::Overrides(Environment environment, std::vector<Setting> commandLine)
    : _environment(std::move(environment)),
      _commandLine(std::move(commandLine))
{
    std::erase_if(_environment, [](const auto& one) { return !one.first.starts_with(kEnvironmentPrefix); });
    for (Setting& setting : _commandLine) setting.where = "command line";
}

Overrides::Environment Overrides::processEnvironment()
{
    Environment all;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    {
        const std::string_view text(*entry);
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos && text.starts_with(kEnvironmentPrefix))
            all.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return all;
}

std::vector<Setting> Overrides::of(const Schema& schema) const
{
    std::vector<Setting> all;
    for (const NanoName& nano : kNanoNames)
    {
        const auto found = _environment.find(std::string(nano.variable));
        if (found != _environment.end() && isOurs(schema.find(nano.key)))
            all.push_back(fromEnvironment(std::string(nano.key), found->first, found->second));
    }
    for (const SchemaKey& key : schema.keys())
    {
        if (key.isPattern() || !isOurs(&key)) continue;
        const auto found = _environment.find(environmentName(key.key));
        if (found != _environment.end())
            all.push_back(fromEnvironment(key.key, found->first, found->second));
    }
    for (const Setting& setting : _commandLine)
        if (isOurs(schema.find(setting.key))) all.push_back(setting);
    return all;
}

void Overrides::reportUnclaimed(std::span<const Schema* const> schemas, ConfigReport& report) const
{
    std::set<std::string, std::less<>> variables(kOtherNames.begin(), kOtherNames.end());
    for (const NanoName& nano : kNanoNames) variables.emplace(nano.variable);
    for (const Schema* schema : schemas)
        for (const SchemaKey& key : schema->keys())
            if (!key.isPattern() && isOurs(&key)) variables.insert(environmentName(key.key));
    for (const auto& [name, value] : _environment)
        if (!variables.contains(name))
            report.notes.push_back(
                {"environment " + name, {}, "no key goes by this name; ignored"});

    std::set<std::string, std::less<>> seen;
    for (const Setting& setting : _commandLine)
    {
        if (!seen.insert(setting.key).second)
        {
            report.errors.push_back({setting.where, setting.key, "is given twice"});
            continue;
        }
        const bool isClaimed =
            std::any_of(schemas.begin(), schemas.end(),
                        [&](const Schema* schema) { return isOurs(schema->find(setting.key)); });
        if (isClaimed) continue;
        std::string message = "unknown key";
        for (const Schema* schema : schemas)
            if (const std::string_view near = schema->nearest(setting.key); !near.empty())
            {
                message += "; did you mean '" + std::string(near) + "'?";
                break;
            }
        report.errors.push_back({setting.where, setting.key, std::move(message)});
    }
}

} // namespace nanomq
