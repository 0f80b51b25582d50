#pragma once

#include <cstdint>
#include <string>

namespace rest_api
{

/// "2022-06-07 10:02:24", in local time, as NanoMQ and EMQX have it.
std::string dateTime(std::uint64_t unixMs);

/// "15 Hours, 1 minutes, 38 seconds", as NanoMQ has it.
std::string uptime(std::uint64_t sinceMs, std::uint64_t nowMs);

std::uint64_t nowMs();

} // namespace rest_api
