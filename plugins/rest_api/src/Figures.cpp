#include "Figures.h"

#include <algorithm>
#include <ctime>
#include <sys/resource.h>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::array<std::string_view, kPeaks> kSeries = {
    "nanomq_connections",   "nanomq_sessions",       "nanomq_topic_filters",
    "nanomq_subscriptions", "nanomq_resident_bytes", "",
    "nanomq_retained_messages"};

double seconds(const timeval& time) noexcept
{
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

} // namespace

Figures::Figures(sdk::MetricsReader& reader)
{
    struct Visitor final : sdk::MetricsReader::Visitor
    {
        explicit Visitor(std::map<std::string, double, std::less<>>& into) : values(into) {}
        void series(const sdk::MetricsReader::Series& one) override
        {
            values[std::string(one.name.view())] += one.value;
        }
        std::map<std::string, double, std::less<>>& values;
    } visitor(_values);
    reader.snapshot(&visitor);
}

double Figures::operator[](std::string_view name) const
{
    const auto found = _values.find(name);
    return found == _values.end() ? 0 : found->second;
}

Peaks::Values Peaks::look(const Figures& figures)
{
    const std::lock_guard lock(_mutex);
    for (std::size_t i = 0; i < kPeaks; ++i)
    {
        Value& value = _values[i];
        value.now = i == static_cast<std::size_t>(Peak::Cpu) ? cpuPercent() : figures[kSeries[i]];
        value.highest = std::max(value.highest, value.now);
    }
    return _values;
}

double Peaks::cpuPercent()
{
    rusage usage{};
    timespec now{};
    ::getrusage(RUSAGE_SELF, &usage);
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const double at = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
    const double used = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    // Shorter looks would show noise.
    if (_atSeconds > 0 && at - _atSeconds < 0.5) return _percent;
    if (_atSeconds > 0) _percent = 100 * (used - _cpuSeconds) / (at - _atSeconds);
    _atSeconds = at;
    _cpuSeconds = used;
    return _percent;
}

} // namespace rest_api
