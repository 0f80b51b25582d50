#pragma once

#include "broker/BrokerSettings.h"
#include "config/CommandLine.h"
#include "config/ConfDir.h"
#include "config/KernelConfig.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nanomq
{

/// Everything a start is told: command line, environment, conf.d. Reads all of it and reports all
/// that is wrong, before anything is opened. Thread: [any], blocks on the disk.
class Startup
{
public:
    /// @param report  gets the errors and notes of the kernel's file.
    Startup(const BrokerArguments& arguments, ConfigReport& report);

    const BrokerArguments& arguments() const noexcept { return _arguments; }
    const KernelConfig& kernel() const noexcept { return _kernel; }
    BrokerSettings brokerSettings() const;
    const Overrides& overrides() const noexcept { return _overrides; }
    const std::string& confDir() const noexcept { return _confDir; }
    const std::string& pluginDir() const noexcept { return _pluginDir; }
    const std::string& stateDir() const noexcept { return _stateDir; }
    const std::string& controlPath() const noexcept { return _controlPath; }

    /// A plugin as conf.d has it.
    struct Plugin
    {
        std::string name;
        std::string confFile;
        bool on = false;
        std::optional<Configuration> configuration; // nothing when it cannot be read
        std::optional<Schema> schema;
    };
    /// The plugins of conf.d, checked against the schemas that their libraries carry; no code of
    /// them runs. What is wrong, a missing library included, goes to `report`; it keeps that one
    /// plugin from running, and not the broker.
    std::vector<Plugin> plugins(ConfigReport& report) const;
    /// Settings of the command line that neither the kernel nor a plugin knows are errors, such
    /// variables of the environment notes.
    void reportUnclaimed(ConfigReport& report) const;

    const Schema& schema() const noexcept { return _schema; }
    const Configuration& configuration() const noexcept { return _configuration; }

    /// Writes keys into the file of a plugin (empty: the kernel's), for the next start. What would
    /// be wrong with the file then goes to `report`, and nothing is written. Throws
    /// Poco::FileException when it cannot be. Thread: [any], one at a time.
    void configure(const std::string& plugin,
                   const std::vector<std::pair<std::string, std::string>>& settings,
                   ConfigReport& report) const;

    /// The kernel's keys whose values differ from those of `before`.
    std::vector<std::string> changedKeys(const Startup& before) const;

private:
    std::string libraryOf(const std::string& plugin) const { return _pluginDir + "/" + plugin + ".so"; }

    BrokerArguments _arguments;
    Overrides _overrides;
    std::string _confDir;
    std::string _pluginDir;
    std::string _stateDir;
    std::string _controlPath;
    Schema _schema;
    Configuration _configuration;
    KernelConfig _kernel;
};

} // namespace nanomq
