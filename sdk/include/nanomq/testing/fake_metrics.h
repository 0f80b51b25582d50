#pragma once

#include "nanomq/services.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace nanomq::sdk::testing
{

/// The figures of plugins, kept in a map.
class FakeMetrics final : public Metrics, public MetricsReader
{
public:
    Counter* counter(Str name, Str labels, Str) override
    {
        return &series(name, labels, Kind::Counter);
    }
    Counter* gauge(Str name, Str labels, Str) override { return &series(name, labels, Kind::Gauge); }
    void snapshot(Visitor* visitor) override
    {
        const std::lock_guard lock(_mutex);
        for (const auto& [key, figure] : _series)
            visitor->series({sizeof(Series), figure.kind, key.first, key.second, {},
                             static_cast<double>(figure.value())});
    }

    /// 0 for a series that nobody made.
    std::int64_t value(std::string_view name, std::string_view labels = {}) const
    {
        const std::lock_guard lock(_mutex);
        const auto found = _series.find({std::string(name), std::string(labels)});
        return found == _series.end() ? 0 : found->second.value();
    }

private:
    class Figure final : public Counter
    {
    public:
        void add(std::int64_t by) override { _value.fetch_add(by, std::memory_order_relaxed); }
        void set(std::int64_t value) override { _value = value; }
        std::int64_t value() const override { return _value; }
        Kind kind = Kind::Counter;

    private:
        std::atomic<std::int64_t> _value{0};
    };

    Counter& series(Str name, Str labels, Kind kind)
    {
        const std::lock_guard lock(_mutex);
        Figure& figure = _series[{std::string(name.view()), std::string(labels.view())}];
        figure.kind = kind;
        return figure;
    }

    mutable std::mutex _mutex;
    std::map<std::pair<std::string, std::string>, Figure> _series; // addresses stay
};

} // namespace nanomq::sdk::testing
