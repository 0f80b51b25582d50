#pragma once

#include <string>
#include <vector>

namespace nanomq
{

/// Something to say about configuration, at the place it is about.
struct ConfigError
{
    std::string where; // "conf.d/nanomq.conf:12", "environment NANOMQ_URL", "command line"
    std::string key;   // empty when it is about a whole line or file
    std::string message;

    /// "conf.d/nanomq.conf:12: parallel: expected ..., found 'many'".
    std::string text() const;
};

/// What reading configuration found. Readers add to it and go on, so that one run tells all.
struct ConfigReport
{
    std::vector<ConfigError> errors; // any of these: do not start, do not apply
    std::vector<ConfigError> notes;  // to be logged as warnings

    bool ok() const noexcept { return errors.empty(); }
};

} // namespace nanomq
