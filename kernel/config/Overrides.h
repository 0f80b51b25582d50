#pragma once

#include "config/ConfigError.h"
#include "config/Schema.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace nanomq
{

/// A value that does not come from a file.
struct Setting
{
    std::string key;
    std::string value;
    std::string where; // "environment NANOMQ_URL", "command line"
};

/// The variable that sets a key: NANOMQ_ and the key in capitals, with '_' for '.' and '-'.
std::string environmentName(std::string_view key);

/// Environment and command line, which stand above every file. Immutable. Thread: [any].
///
/// Besides environmentName() the names of NanoMQ 0.8 that differ from it are understood, such as
/// NANOMQ_BROKER_URL for `url` and NANOMQ_TLS_CA_CERT_PATH for `tls.cacertfile`. Keys that match
/// a pattern only have no variable: a variable's name cannot tell '.', '-' and '_' apart.
class Overrides
{
public:
    using Environment = std::map<std::string, std::string>;

    Overrides() = default;
    /// @param environment  NANOMQ_* variables, with their whole names; others are left out.
    /// @param commandLine  what was given there, in order; `where` is filled in.
    Overrides(Environment environment, std::vector<Setting> commandLine);

    /// The NANOMQ_* variables of this process. Thread: [main].
    static Environment processEnvironment();

    /// The values for keys of this schema; where a key comes twice, the later stands above.
    std::vector<Setting> of(const Schema& schema) const;

    /// Tells what no schema knows: an error for a key of the command line, a note for a variable,
    /// since an environment carries many. A key that comes twice on the command line is an error.
    void reportUnclaimed(std::span<const Schema* const> schemas, ConfigReport& report) const;

private:
    Environment _environment;
    std::vector<Setting> _commandLine;
};

} // namespace nanomq
