#include "plugin/PluginFigures.h"

#include <Poco/Exception.h>

#include <algorithm>

namespace nanomq
{

namespace
{

struct CountName
{
    const char* name;
    const char* help;
    std::uint64_t HookStatistics::*member;
};
constexpr std::array<CountName, ToldFigures::kCounts> kCountNames = {{
    {"nanomq_plugin_hook_calls_total", "Calls of a plugin's hooks", &HookStatistics::calls},
    {"nanomq_plugin_hook_errors_total", "Calls of a plugin's hooks that failed",
     &HookStatistics::errors},
    {"nanomq_plugin_hook_deferrals_total", "Answers that a plugin's hooks have put off",
     &HookStatistics::deferrals},
    {"nanomq_plugin_hook_timeouts_total", "Answers of a plugin's hooks that came too late",
     &HookStatistics::timeouts},
    {"nanomq_plugin_hook_skipped_total", "Calls left out since the hook's breaker was open",
     &HookStatistics::skipped},
}};

/// What a point's hooks have together.
struct PointFigures
{
    std::array<std::uint64_t, kCountNames.size()> counts{};
    std::uint64_t medianNs = 0;
    std::uint64_t p99Ns = 0;
    bool open = false;
};

} // namespace

Counter* PluginFigures::counter(const char* name, const std::string& labels, const char* help)
{
    try
    {
        return &_metrics.counter(name, labels, help);
    }
    catch (const Poco::RangeException&)
    {
        return nullptr;
    }
}

Gauge* PluginFigures::gauge(const char* name, const std::string& labels, const char* help)
{
    try
    {
        return &_metrics.gauge(name, labels, help);
    }
    catch (const Poco::RangeException&)
    {
        return nullptr;
    }
}

PluginFigures::Series& PluginFigures::seriesOf(const std::string& plugin, sdk::HookPoint point)
{
    const auto [found, isNew] = _series.try_emplace({plugin, point});
    Series& series = found->second;
    if (!isNew) return series;
    const std::string labels =
        "plugin=\"" + plugin + "\",hook=\"" + std::string(sdk::hookPointName(point)) + '"';
    for (std::size_t i = 0; i < kCountNames.size(); ++i)
        series.counters[i] = counter(kCountNames[i].name, labels, kCountNames[i].help);
    const char* const times = "nanomq_plugin_hook_nanoseconds";
    const char* const help = "How long a plugin's hook takes, of the calls that are timed";
    series.median = gauge(times, labels + ",quantile=\"0.5\"", help);
    series.p99 = gauge(times, labels + ",quantile=\"0.99\"", help);
    series.open = gauge("nanomq_plugin_hook_breaker_open", labels,
                        "1 while a plugin's hook is taken out, since it fails all the time");
    return series;
}

PluginFigures::Totals& PluginFigures::totalsOf(const std::string& plugin)
{
    const auto [found, isNew] = _totals.try_emplace(plugin);
    Totals& totals = found->second;
    if (!isNew) return totals;
    const std::string labels = "plugin=\"" + plugin + '"';
    totals.dropped = counter("nanomq_plugin_events_dropped_total", labels,
                             "Events that a plugin's observers missed: no room, or no version");
    totals.queued = gauge("nanomq_plugin_events_queued", labels,
                          "Events that wait for a plugin's executor");
    totals.heldBytes = gauge("nanomq_plugin_events_held_bytes", labels,
                             "Bytes that these events keep in memory");
    totals.openDeferrals =
        gauge("nanomq_plugin_open_deferrals", labels, "Answers that a plugin owes");
    return totals;
}

void PluginFigures::publish(PluginSide& side)
{
    const HookSetStatistics now = side.set().statistics();
    std::map<sdk::HookPoint, PointFigures> points;
    for (const auto& hook : now.hooks)
    {
        PointFigures& point = points[hook.point];
        for (std::size_t i = 0; i < kCountNames.size(); ++i)
            point.counts[i] += hook.*kCountNames[i].member;
        point.medianNs = std::max(point.medianNs, hook.medianNs);
        point.p99Ns = std::max(point.p99Ns, hook.p99Ns);
        point.open = point.open || hook.breaker != HookBreaker::State::Closed;
    }

    const auto set = [](Gauge* gauge, std::uint64_t value) {
        if (gauge) gauge->set(static_cast<std::int64_t>(value));
    };
    const auto raise = [](Counter* counter, std::uint64_t& told, std::uint64_t value) {
        if (counter && value > told) counter->add(value - told);
        told = std::max(told, value);
    };
    std::lock_guard lock(_mutex);
    ToldFigures& told = side.toldFigures();
    for (const auto& [point, figures] : points)
    {
        Series& series = seriesOf(side.name(), point);
        for (std::size_t i = 0; i < kCountNames.size(); ++i)
            raise(series.counters[i], told.counts[point][i], figures.counts[i]);
        set(series.median, figures.medianNs);
        set(series.p99, figures.p99Ns);
        set(series.open, figures.open ? 1 : 0);
    }
    Totals& totals = totalsOf(side.name());
    raise(totals.dropped, told.dropped, now.dropped);
    set(totals.queued, now.queued);
    set(totals.heldBytes, now.heldBytes);
    set(totals.openDeferrals, now.openDeferrals);
}

} // namespace nanomq
