#pragma once

#include "base/Result.h"
#include "config/Overrides.h"

#include <optional>
#include <string>
#include <vector>

namespace nanomq
{

/// What the command line of `nanomq` says. Paths are as given; where one is absent the default is
/// up to who uses it.
struct BrokerArguments
{
    enum class Verb : std::uint8_t
    {
        Start,
        Stop,
        Restart,
        Reload,
    };

    Verb verb = Verb::Start;
    std::optional<std::string> confFile;
    std::optional<std::string> confDir;
    std::optional<std::string> controlPath;
    std::optional<std::string> stateDir;
    std::optional<std::string> sandboxLimits; // --sandbox: be the process of a plugin
    std::optional<std::string> probeFile; // --probe: load and check one plugin, for the gate
    std::optional<std::string> inspectFile; // --inspect: what the gate finds, for `plugin check`
    /// Keys set here: --set, and --url, --plugin-dir and --daemon as the keys they stand for.
    std::vector<Setting> settings;
    bool check = false;
    bool version = false;
    bool help = false;
};

/// A command line that cannot be meant.
struct UsageError
{
    std::string message;
};

/// Reads the arguments behind the program's name. "--conf FILE" and "--conf=FILE" are the same.
/// @param environment  NanoMQ's NANOMQ_CONF_PATH in it stands for --conf where that is not given.
Result<BrokerArguments, UsageError>
parseBrokerArguments(const std::vector<std::string>& arguments,
                     const Overrides::Environment& environment = {});

/// What `nanomq --help` prints.
std::string brokerHelp();

/// Where the broker keeps its state when --state-dir does not say: /var/lib/nanomq for root, else
/// $XDG_STATE_HOME/nanomq, with ~/.local/state where that is not set. Thread: [main].
std::string defaultStateDir();

} // namespace nanomq
