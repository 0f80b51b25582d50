#pragma once

#include "base/Result.h"
#include "config/Configuration.h"
#include "config/Overrides.h"
#include "sandbox/SandboxedPlugin.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

/// What lies on the disk of plugins: PLUGIN-DIR/NAME.so and CONF-DIR/NAME.conf, and what the
/// configuration says before any code runs. Immutable. Thread: [any]; blocks on the disk.
class PluginFiles
{
public:
    static constexpr std::string_view kLibraryEnding = ".so";
    static constexpr std::string_view kConfEnding = ".conf";

    /// Tells one state of a file from another, without reading it.
    struct Mark
    {
        std::uint64_t device, inode, size;
        std::int64_t modifiedNs, changedNs;
        bool operator==(const Mark&) const = default;
    };
    /// Of a plugin's files; nothing for one that is not there.
    struct Marks
    {
        std::optional<Mark> library, conf;
        bool operator==(const Marks&) const = default;
    };

    PluginFiles(std::string pluginDir, std::string confDir, Overrides overrides);

    const std::string& pluginDir() const noexcept { return _pluginDir; }
    const std::string& confDir() const noexcept { return _confDir; }
    std::string libraryOf(const std::string& name) const;
    std::string confFileOf(const std::string& name) const;
    Marks marksOf(const std::string& name) const;
    /// Plugins with a library, and those with a conf file; by name. An unreadable folder has none,
    /// which the second says in `report`.
    std::vector<std::string> libraries() const;
    std::vector<std::string> configured(ConfigReport& report) const;

    /// The plugin's configuration, checked against the schema that `library` carries, or all that
    /// is wrong with it. Notes go to `notes`.
    Result<Configuration, std::string> read(const std::string& name, const std::string& library,
                                            std::vector<ConfigError>& notes) const;
    /// How the configuration wants the plugin to be run in a process of its own; nothing when it
    /// does not, or is wrong. `program` is left empty.
    std::optional<sandbox::SandboxedPlugin::Settings> sandboxOf(const std::string& name,
                                                                const std::string& library) const;
    /// Nothing when the configuration switches the plugin on, else why not; empty: it is just off.
    /// Errors of the file are told when it is loaded; this wants the switch only.
    std::optional<std::string> switchedOff(const std::string& name) const;

private:
    const std::string _pluginDir;
    const std::string _confDir;
    const Overrides _overrides;
};

} // namespace nanomq
