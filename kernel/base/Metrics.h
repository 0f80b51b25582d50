#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nanomq
{

/// A figure that only grows. Threads add to cells of their own, so they do not wait for each
/// other's cache line. Thread: [any].
class Counter
{
public:
    void add(std::uint64_t by = 1) noexcept
    {
        _cells[cellOfThread()].value.fetch_add(by, std::memory_order_relaxed);
    }
    /// Exact once the adding threads have stopped; before, what they had added a moment ago.
    std::uint64_t value() const noexcept;

private:
    static constexpr std::size_t kCells = 16;
    struct alignas(64) Cell
    {
        std::atomic<std::uint64_t> value{0};
    };
    static std::size_t cellOfThread() noexcept;

    std::array<Cell, kCells> _cells;
};

/// A figure that goes up and down. Thread: [any].
class Gauge
{
public:
    void set(std::int64_t value) noexcept { _value.store(value, std::memory_order_relaxed); }
    void add(std::int64_t by) noexcept { _value.fetch_add(by, std::memory_order_relaxed); }
    std::int64_t value() const noexcept { return _value.load(std::memory_order_relaxed); }

private:
    std::atomic<std::int64_t> _value{0};
};

enum class MetricKind : std::uint8_t
{
    Counter,
    Gauge,
};

/// The one registry of figures: $SYS, Prometheus text, REST and nanomqctl show the same numbers
/// from it. A series, once made, stays: no graph jumps when a plugin is reloaded.
///
/// Names are Prometheus': "nanomq_messages_received_total". Thread: [any].
class Metrics
{
public:
    /// Series there may be. A plugin that makes labels of what clients send meets it.
    static constexpr std::size_t kMaximumSeries = 10'000;

    struct Sample
    {
        std::string_view name;
        std::string_view labels; // as in Prometheus text, without braces: endpoint="a"
        std::string_view help;
        MetricKind kind;
        double value;
    };
    using Visitor = std::function<void(const Sample&)>;
    using Reader = std::function<double()>;

    Metrics() = default;
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    /// The series of that name and labels, made when it is new; `help` counts the first time.
    /// Valid as long as the registry. Throws Poco::InvalidArgumentException for a name or labels
    /// that Prometheus does not allow, Poco::ExistsException when the name is in use for the
    /// other kind or for a reader, Poco::RangeException over kMaximumSeries.
    Counter& counter(std::string_view name, std::string_view labels, std::string_view help);
    Gauge& gauge(std::string_view name, std::string_view labels, std::string_view help);
    /// A figure that somebody else keeps: `read` is called by visit(), on its thread, and must
    /// stay callable as long as the registry is visited. Throws as counter(), and
    /// Poco::ExistsException for a series that is there already.
    void reader(MetricKind kind, std::string_view name, std::string_view labels,
                std::string_view help, Reader read);

    /// Every series, those of one name together, in the order of names and labels. What is shown
    /// is valid for the call of the visitor.
    void visit(const Visitor& visitor) const;

private:
    using Key = std::pair<std::string, std::string>; // name, labels
    struct Series
    {
        MetricKind kind;
        Counter* counter;
        Gauge* gauge;
        Reader read;
    };
    struct Family
    {
        MetricKind kind;
        std::string help;
    };

    Series& find(MetricKind kind, std::string_view name, std::string_view labels,
                 std::string_view help, bool& isNew);

    mutable std::mutex _mutex; // guards all below
    std::map<std::string, Family, std::less<>> _families;
    std::map<Key, Series> _series; // never erased from
    std::deque<Counter> _counters;
    std::deque<Gauge> _gauges;
};

} // namespace nanomq
