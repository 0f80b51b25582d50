#pragma once

#include "config/ConfigError.h"

#include <string>
#include <vector>

namespace nanomq::test
{

/// One line an error, for comparing.
inline std::string lines(const std::vector<ConfigError>& errors)
{
    std::string all;
    for (const ConfigError& error : errors) all += error.text() + '\n';
    return all;
}

} // namespace nanomq::test
