#pragma once

#include "broker/BrokerSettings.h"
#include "config/CommandLine.h"
#include "config/ConfDir.h"
#include "config/KernelConfig.h"

#include <memory>
#include <string>

namespace nanomq
{

/// Everything a start is told: command line, environment, conf.d. Reads all of it and reports all
/// that is wrong, before anything is opened. Thread: [main].
class Startup
{
public:
    /// @param report  gets the errors and notes of all files.
    Startup(const BrokerArguments& arguments, ConfigReport& report);

    const KernelConfig& kernel() const noexcept { return _kernel; }
    BrokerSettings brokerSettings() const noexcept;
    const Overrides& overrides() const noexcept { return _overrides; }
    const std::string& confDir() const noexcept { return _confDir; }
    const std::string& pluginDir() const noexcept { return _pluginDir; }
    const std::string& stateDir() const noexcept { return _stateDir; }
    const std::string& controlPath() const noexcept { return _controlPath; }

private:
    Overrides _overrides;
    std::string _confDir;
    std::string _pluginDir;
    std::string _stateDir;
    std::string _controlPath;
    KernelConfig _kernel;
};

} // namespace nanomq
