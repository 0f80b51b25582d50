#pragma once

#include "nanomq/services.h"

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace rest_api
{

/// The broker's figures at one moment, by name; series that differ in labels are added up.
class Figures
{
public:
    explicit Figures(nanomq::sdk::MetricsReader& reader);

    /// 0 for one that is not there.
    double operator[](std::string_view name) const;
    std::uint64_t count(std::string_view name) const
    {
        return static_cast<std::uint64_t>((*this)[name]);
    }

private:
    std::map<std::string, double, std::less<>> _values;
};

/// NanoMQ shows the highest value beside the present one for these.
enum class Peak : std::uint8_t
{
    Connections,
    Sessions,
    Topics,
    Subscribers,
    Memory,
    Cpu,
    Retained,
};
inline constexpr std::size_t kPeaks = 7;

/// The highest values seen, looked at once a second and whenever somebody asks; and the share of a
/// processor that the broker used since the look before. Thread: [any].
class Peaks
{
public:
    struct Value
    {
        double now = 0;
        double highest = 0;
    };
    using Values = std::array<Value, kPeaks>;

    Values look(const Figures& figures);

private:
    double cpuPercent();

    std::mutex _mutex; // guards all below
    Values _values;
    double _cpuSeconds = 0;
    double _atSeconds = 0;
    double _percent = 0;
};

} // namespace rest_api
