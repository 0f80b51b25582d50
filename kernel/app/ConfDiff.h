#pragma once

#include "app/Startup.h"

#include <string>
#include <vector>

namespace nanomq
{

/// What differs between two configurations, and what would come of it.
struct ConfDiff
{
    /// One key whose value differs.
    struct Change
    {
        std::string plugin; // empty: the kernel
        std::string key;
        std::string before, after; // as in the file; "(default X)" or "(unset)"; "(secret)"
        std::string where;         // of the new value, or of the old one that is gone
    };
    enum class Action
    {
        Load,
        Unload,
        Reload,
    };
    struct PluginAction
    {
        std::string plugin;
        Action action;
    };

    std::vector<Change> changes;
    std::vector<PluginAction> actions; // in the order of the plugins' names
    bool needsRestart() const;         // a key of the kernel differs

    /// Both were read with the same command line, environment and plugins. What is wrong in `after`
    /// goes to `report`. Throws Poco exceptions for files that cannot be read.
    static ConfDiff between(const Startup& before, const Startup& after, ConfigReport& report);
};

/// "load", "unload", "reload".
std::string_view nameOf(ConfDiff::Action action) noexcept;

} // namespace nanomq
