#pragma once

#include "base/Metrics.h"
#include "nanomq/services.h"

#include <deque>
#include <map>
#include <mutex>

namespace nanomq
{

/// The registry as plugins see it: nanomq.metrics/1 and nanomq.metrics_reader/1. One for all plugins, since the series are
/// the kernel's and stay when a plugin goes; it lives as long as any plugin's code. Thread: [any].
class PluginMetrics final : public sdk::Metrics, public sdk::MetricsReader
{
public:
    explicit PluginMetrics(nanomq::Metrics& registry);

    /// A name or label that is not allowed, or one series too many, gives a figure that nobody
    /// sees: a plugin need not look at the pointer.
    sdk::Metrics::Counter* counter(sdk::Str name, sdk::Str labels, sdk::Str help) override;
    sdk::Metrics::Counter* gauge(sdk::Str name, sdk::Str labels, sdk::Str help) override;
    void snapshot(sdk::MetricsReader::Visitor* visitor) override;

private:
    class CounterFigure final : public sdk::Metrics::Counter
    {
    public:
        explicit CounterFigure(nanomq::Counter& counter) noexcept : _counter(counter) {}
        void add(std::int64_t by) override;
        void set(std::int64_t) override {} // a counter only grows
        std::int64_t value() const override { return static_cast<std::int64_t>(_counter.value()); }

    private:
        nanomq::Counter& _counter;
    };
    class GaugeFigure final : public sdk::Metrics::Counter
    {
    public:
        explicit GaugeFigure(nanomq::Gauge& gauge) noexcept : _gauge(gauge) {}
        void add(std::int64_t by) override { _gauge.add(by); }
        void set(std::int64_t value) override { _gauge.set(value); }
        std::int64_t value() const override { return _gauge.value(); }

    private:
        nanomq::Gauge& _gauge;
    };

    nanomq::Metrics& _registry;
    nanomq::Counter& _refused;
    nanomq::Gauge _unseen;
    GaugeFigure _unseenFigure{_unseen};
    std::mutex _mutex; // guards all below
    std::deque<CounterFigure> _counterFigures;
    std::deque<GaugeFigure> _gaugeFigures;
    std::map<const void*, sdk::Metrics::Counter*> _figures; // by the registry's object
};

} // namespace nanomq
