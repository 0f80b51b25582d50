#pragma once

#include "nanomq/metrics_reader.h"

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace sys_topics
{

/// The tree below `$SYS/broker/`, as users of mosquitto know it, made from snapshots of the
/// broker's registry. Thread: one at a time.
class Statistics final : private nanomq::sdk::MetricsReader::Visitor
{
public:
    using Publish = std::function<void(const std::string& topic, const std::string& text)>;

    /// Takes a snapshot and gives out each topic whose text has changed since it was given out.
    /// @param elapsed  since the last call; rates are averaged over it. Ignored the first time.
    void update(nanomq::sdk::MetricsReader& reader, std::chrono::milliseconds elapsed,
                const Publish& publish);

    /// Every topic that was given out, with its text.
    const std::map<std::string, std::string>& shown() const noexcept { return _shown; }

private:
    /// How much a minute, averaged over the last 1, 5 and 15 minutes: each step forgets as much of
    /// the past as exp(-elapsed / period) leaves.
    struct Rate
    {
        double last = 0; // of the counter
        std::array<double, 3> averages{};
    };

    void series(const nanomq::sdk::MetricsReader::Series& one) override;
    double figure(std::string_view name) const;
    void show(const std::string& topic, const std::string& text, const Publish& publish);
    void count(const char* topic, double value, const Publish& publish);
    void showClients(const Publish& publish);
    void showMessages(const Publish& publish);
    void showLoad(std::chrono::milliseconds elapsed, const Publish& publish);

    std::map<std::string, double, std::less<>> _figures; // by name, labels added up
    std::string _version;
    std::map<std::string, Rate> _rates;
    std::map<std::string, std::string> _shown;
    double _maximumClients = 0;
    bool _first = true;
};

} // namespace sys_topics
