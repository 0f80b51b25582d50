#pragma once

#include "base/Metrics.h"
#include "plugin/PluginSide.h"

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace nanomq
{

/// Plugins' figures in the registry: what each hook was called, failed, deferred, timed out, and
/// how long it took; what waits in the rings, and what they have dropped.
///
/// The series belong to the plugin's name: they go on when a new version takes over, and stay when
/// the plugin goes. Thread: [any].
class PluginFigures
{
public:
    explicit PluginFigures(Metrics& metrics) : _metrics(metrics) {}

    /// Adds what has happened in this version since the last call. A version that goes is
    /// published once more when nothing of it runs any more.
    void publish(PluginSide& side);

private:
    struct Series // null: the registry is full
    {
        std::array<Counter*, ToldFigures::kCounts> counters{};
        Gauge* median = nullptr;
        Gauge* p99 = nullptr;
        Gauge* open = nullptr;
    };
    struct Totals
    {
        Counter* dropped = nullptr;
        Gauge* queued = nullptr;
        Gauge* heldBytes = nullptr;
        Gauge* openDeferrals = nullptr;
    };
    Series& seriesOf(const std::string& plugin, sdk::HookPoint point);
    Totals& totalsOf(const std::string& plugin);
    Counter* counter(const char* name, const std::string& labels, const char* help);
    Gauge* gauge(const char* name, const std::string& labels, const char* help);

    Metrics& _metrics;
    std::mutex _mutex; // guards all below, and what of each version was told
    std::map<std::pair<std::string, sdk::HookPoint>, Series> _series;
    std::map<std::string, Totals> _totals;
};

} // namespace nanomq
