#include "plugin/PluginMetrics.h"

#include <Poco/Exception.h>

namespace nanomq
{

PluginMetrics::PluginMetrics(nanomq::Metrics& registry)
    : _registry(registry),
      _refused(registry.counter("nanomq_plugin_metrics_refused_total", "",
                                "Requests of plugins for series that cannot be made."))
{
}

void PluginMetrics::CounterFigure::add(std::int64_t by)
{
    if (by > 0) _counter.add(static_cast<std::uint64_t>(by));
}

sdk::Metrics::Counter* PluginMetrics::counter(sdk::Str name, sdk::Str labels, sdk::Str help)
{
    try
    {
        nanomq::Counter& counter = _registry.counter(name.view(), labels.view(), help.view());
        std::lock_guard lock(_mutex);
        auto& figure = _figures[&counter];
        if (!figure) figure = &_counterFigures.emplace_back(counter);
        return figure;
    }
    catch (const Poco::Exception&)
    {
        _refused.add();
        return &_unseenFigure;
    }
}

sdk::Metrics::Counter* PluginMetrics::gauge(sdk::Str name, sdk::Str labels, sdk::Str help)
{
    try
    {
        nanomq::Gauge& gauge = _registry.gauge(name.view(), labels.view(), help.view());
        std::lock_guard lock(_mutex);
        auto& figure = _figures[&gauge];
        if (!figure) figure = &_gaugeFigures.emplace_back(gauge);
        return figure;
    }
    catch (const Poco::Exception&)
    {
        _refused.add();
        return &_unseenFigure;
    }
}

void PluginMetrics::snapshot(sdk::MetricsReader::Visitor* visitor)
{
    _registry.visit([visitor](const nanomq::Metrics::Sample& sample) {
        const auto kind = sample.kind == MetricKind::Counter ? sdk::MetricsReader::Kind::Counter
                                                             : sdk::MetricsReader::Kind::Gauge;
        visitor->series({sizeof(Series), kind, sample.name, sample.labels, sample.help,
                         sample.value});
    });
}

} // namespace nanomq
