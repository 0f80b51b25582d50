#include "app/ConfDiff.h"

#include <algorithm>
#include <map>

namespace nanomq
{

namespace
{

constexpr const char* kSecret = "(secret)";

std::string shown(const Configuration* configuration, const Schema* schema, const std::string& key)
{
    const SchemaKey* const described = schema ? schema->find(key) : nullptr;
    const auto text = configuration ? configuration->text(key) : std::nullopt;
    if (text) return described && described->secret ? kSecret : std::string(*text);
    if (described && !described->defaultText.empty())
        return "(default " + described->defaultText + ')';
    return "(unset)";
}

void compare(const std::string& plugin, const Configuration* before, const Schema* oldSchema,
             const Configuration* after, const Schema* schema, ConfDiff& diff)
{
    const auto text = [](const Configuration* configuration, const std::string& key) {
        return configuration ? configuration->text(key) : std::nullopt;
    };
    const auto add = [&](const Configuration::Item& item) {
        diff.changes.push_back({plugin, item.key, shown(before, oldSchema, item.key),
                                shown(after, schema, item.key), item.where});
    };
    if (after)
        for (const auto& item : after->items())
            if (text(before, item.key) != item.value) add(item);
    if (before)
        for (const auto& item : before->items())
            if (!text(after, item.key)) add(item);
}

using ByName = std::map<std::string, const Startup::Plugin*>;

ByName byName(const std::vector<Startup::Plugin>& plugins)
{
    ByName all;
    for (const auto& plugin : plugins) all.emplace(plugin.name, &plugin);
    return all;
}

} // namespace

std::string_view nameOf(ConfDiff::Action action) noexcept
{
    switch (action)
    {
    case ConfDiff::Action::Load: return "load";
    case ConfDiff::Action::Unload: return "unload";
    case ConfDiff::Action::Reload: return "reload";
    }
    return "";
}

bool ConfDiff::needsRestart() const
{
    return std::any_of(changes.begin(), changes.end(),
                       [](const Change& change) { return change.plugin.empty(); });
}

ConfDiff ConfDiff::between(const Startup& before, const Startup& after, ConfigReport& report)
{
    ConfDiff diff;
    compare({}, &before.configuration(), &before.schema(), &after.configuration(), &after.schema(),
            diff);
    ConfigReport toldBefore;
    const auto oldPlugins = before.plugins(toldBefore);
    const auto newPlugins = after.plugins(report);
    const ByName old = byName(oldPlugins), fresh = byName(newPlugins);
    std::map<std::string, bool> names; // of both
    for (const auto& [name, plugin] : old) names[name];
    for (const auto& [name, plugin] : fresh) names[name];
    for (const auto& [name, unused] : names)
    {
        const auto found = [&name = name](const ByName& all) {
            const auto at = all.find(name);
            return at == all.end() ? nullptr : at->second;
        };
        const Startup::Plugin *was = found(old), *is = found(fresh);
        const std::size_t known = diff.changes.size();
        const auto part = [](const auto& optional) { return optional ? &*optional : nullptr; };
        compare(name, was ? part(was->configuration) : nullptr, was ? part(was->schema) : nullptr,
                is ? part(is->configuration) : nullptr, is ? part(is->schema) : nullptr, diff);
        const bool wasOn = was && was->on, isOn = is && is->on;
        if (!wasOn && isOn) diff.actions.push_back({name, Action::Load});
        else if (wasOn && !isOn) diff.actions.push_back({name, Action::Unload});
        else if (isOn && diff.changes.size() > known)
            diff.actions.push_back({name, Action::Reload});
    }
    return diff;
}

} // namespace nanomq
