#include "base/Metrics.h"

#include <Poco/Exception.h>

#include <algorithm>

namespace nanomq
{

namespace
{

bool isLetter(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool isMetricName(std::string_view name) noexcept
{
    if (name.empty() || name.size() > 200) return false;
    if (!isLetter(name[0])) return false;
    return std::all_of(name.begin(), name.end(),
                       [](char c) { return isLetter(c) || (c >= '0' && c <= '9') || c == ':'; });
}

/// a="x",b="y": names, and values in which quote, backslash and line end are escaped.
bool areLabels(std::string_view text) noexcept
{
    if (text.size() > 4096) return false;
    while (!text.empty())
    {
        const auto equals = text.find("=\"");
        if (equals == std::string_view::npos || !isMetricName(text.substr(0, equals))) return false;
        auto end = equals + 2;
        while (end < text.size() && text[end] != '"')
        {
            if (static_cast<unsigned char>(text[end]) < 0x20) return false;
            end += text[end] == '\\' ? 2 : 1;
        }
        if (end >= text.size()) return false;
        text.remove_prefix(end + 1);
        if (text.empty()) return true;
        if (text[0] != ',' || text.size() == 1) return false;
        text.remove_prefix(1);
    }
    return true;
}

} // namespace

std::size_t Counter::cellOfThread() noexcept
{
    // The only state the process shares: who came how manyth. Nothing depends on it but speed.
    static std::atomic<std::size_t> threads{0};
    static thread_local const std::size_t cell =
        threads.fetch_add(1, std::memory_order_relaxed) % kCells;
    return cell;
}

std::uint64_t Counter::value() const noexcept
{
    std::uint64_t sum = 0;
    for (const auto& cell : _cells) sum += cell.value.load(std::memory_order_relaxed);
    return sum;
}

Metrics::Series& Metrics::find(MetricKind kind, std::string_view name, std::string_view labels,
                               std::string_view help, bool& isNew)
{
    if (!isMetricName(name))
        throw Poco::InvalidArgumentException("not a metric's name: " + std::string(name));
    if (!areLabels(labels))
        throw Poco::InvalidArgumentException("not a metric's labels: " + std::string(labels));
    const auto family = _families.find(name);
    if (family != _families.end() && family->second.kind != kind)
        throw Poco::ExistsException("a metric of the other kind: " + std::string(name));
    Key key(name, labels);
    const auto found = _series.find(key);
    isNew = found == _series.end();
    if (!isNew) return found->second;
    if (_series.size() >= kMaximumSeries)
        throw Poco::RangeException("too many metrics, no room for " + std::string(name));
    if (family == _families.end()) _families.emplace(name, Family{kind, std::string(help)});
    return _series.emplace(std::move(key), Series{kind, nullptr, nullptr, {}}).first->second;
}

Counter& Metrics::counter(std::string_view name, std::string_view labels, std::string_view help)
{
    std::lock_guard lock(_mutex);
    bool isNew = false;
    Series& series = find(MetricKind::Counter, name, labels, help, isNew);
    if (isNew) series.counter = &_counters.emplace_back();
    if (!series.counter) throw Poco::ExistsException("read elsewhere: " + std::string(name));
    return *series.counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view labels, std::string_view help)
{
    std::lock_guard lock(_mutex);
    bool isNew = false;
    Series& series = find(MetricKind::Gauge, name, labels, help, isNew);
    if (isNew) series.gauge = &_gauges.emplace_back();
    if (!series.gauge) throw Poco::ExistsException("read elsewhere: " + std::string(name));
    return *series.gauge;
}

void Metrics::reader(MetricKind kind, std::string_view name, std::string_view labels,
                     std::string_view help, Reader read)
{
    std::lock_guard lock(_mutex);
    bool isNew = false;
    Series& series = find(kind, name, labels, help, isNew);
    if (!isNew) throw Poco::ExistsException("a metric twice: " + std::string(name));
    series.read = std::move(read);
}

void Metrics::visit(const Visitor& visitor) const
{
    // Series and families never go and their maps' nodes never move, so pointers to them may be
    // used outside of the lock: readers and visitors may take their time.
    std::vector<std::pair<const Key*, const Series*>> all;
    std::vector<const std::string*> helps;
    {
        std::lock_guard lock(_mutex);
        for (const auto& [key, series] : _series)
        {
            all.emplace_back(&key, &series);
            helps.push_back(&_families.find(key.first)->second.help);
        }
    }
    for (std::size_t i = 0; i < all.size(); ++i)
    {
        const auto& [key, series] = all[i];
        const double value = series->counter ? static_cast<double>(series->counter->value())
                             : series->gauge ? static_cast<double>(series->gauge->value())
                                             : series->read();
        visitor({key->first, key->second, *helps[i], series->kind, value});
    }
}

} // namespace nanomq
