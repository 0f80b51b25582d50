#include "Times.h"

#include <Poco/DateTimeFormatter.h>
#include <Poco/LocalDateTime.h>
#include <Poco/Timestamp.h>

namespace rest_api
{

std::string dateTime(std::uint64_t unixMs)
{
    const Poco::Timestamp at(static_cast<Poco::Timestamp::TimeVal>(unixMs) * 1'000);
    return Poco::DateTimeFormatter::format(Poco::LocalDateTime(Poco::DateTime(at)),
                                           "%Y-%m-%d %H:%M:%S");
}

std::string uptime(std::uint64_t sinceMs, std::uint64_t nowMs)
{
    const std::uint64_t seconds = nowMs > sinceMs ? (nowMs - sinceMs) / 1'000 : 0;
    return std::to_string(seconds / 3'600) + " Hours, " + std::to_string(seconds / 60 % 60) +
           " minutes, " + std::to_string(seconds % 60) + " seconds";
}

std::uint64_t nowMs()
{
    return static_cast<std::uint64_t>(Poco::Timestamp().epochMicroseconds() / 1'000);
}

} // namespace rest_api
