#include "Statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sys_topics
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::string_view kRoot = "$SYS/broker/";
constexpr std::string_view kVersionLabel = "version=\"";

struct Period
{
    const char* name;
    double minutes;
};
constexpr std::array<Period, 3> kPeriods = {{{"1min", 1}, {"5min", 5}, {"15min", 15}}};

} // namespace

void Statistics::series(const sdk::MetricsReader::Series& one)
{
    _figures[std::string(one.name.view())] += one.value;
    if (one.name.view() != "nanomq_build_info") return;
    const std::string_view labels = one.labels.view();
    if (!labels.starts_with(kVersionLabel)) return;
    const auto end = labels.find('"', kVersionLabel.size());
    _version = labels.substr(kVersionLabel.size(), end - kVersionLabel.size());
}

double Statistics::figure(std::string_view name) const
{
    const auto found = _figures.find(name);
    return found == _figures.end() ? 0 : found->second;
}

void Statistics::show(const std::string& topic, const std::string& text, const Publish& publish)
{
    const auto [place, isNew] = _shown.try_emplace(std::string(kRoot) + topic, text);
    if (!isNew && place->second == text) return;
    place->second = text;
    publish(place->first, text);
}

void Statistics::count(const char* topic, double value, const Publish& publish)
{
    show(topic, std::to_string(static_cast<std::int64_t>(value)), publish);
}

void Statistics::update(sdk::MetricsReader& reader, std::chrono::milliseconds elapsed,
                        const Publish& publish)
{
    _figures.clear();
    reader.snapshot(this);
    show("version", "nanomq version " + _version, publish);
    show("uptime",
         std::to_string(static_cast<std::int64_t>(figure("nanomq_uptime_seconds"))) + " seconds",
         publish);
    showClients(publish);
    showMessages(publish);
    showLoad(elapsed, publish);
    _first = false;
}

void Statistics::showClients(const Publish& publish)
{
    const double connected = figure("nanomq_connections");
    // Two figures read one after the other: a client may have come in between.
    const double total = std::max(figure("nanomq_sessions"), connected);
    _maximumClients = std::max(_maximumClients, total);
    count("clients/total", total, publish);
    count("clients/maximum", _maximumClients, publish);
    for (const char* topic : {"clients/connected", "clients/active"})
        count(topic, connected, publish);
    for (const char* topic : {"clients/disconnected", "clients/inactive"})
        count(topic, total - connected, publish);
    count("clients/expired", figure("nanomq_sessions_expired_total"), publish);
    count("subscriptions/count", figure("nanomq_subscriptions"), publish);
    count("shared_subscriptions/count", figure("nanomq_shared_subscriptions"), publish);
}

void Statistics::showMessages(const Publish& publish)
{
    count("bytes/received", figure("nanomq_bytes_received_total"), publish);
    count("bytes/sent", figure("nanomq_bytes_sent_total"), publish);
    count("messages/received", figure("nanomq_packets_received_total"), publish);
    count("messages/sent", figure("nanomq_packets_sent_total"), publish);
    count("publish/messages/received", figure("nanomq_messages_received_total"), publish);
    count("publish/messages/sent", figure("nanomq_messages_sent_total"), publish);
    count("publish/messages/dropped", figure("nanomq_messages_dropped_total"), publish);
    count("publish/bytes/received", figure("nanomq_payload_bytes_received_total"), publish);
    count("publish/bytes/sent", figure("nanomq_payload_bytes_sent_total"), publish);

    const double retained = figure("nanomq_retained_messages");
    const double stored = retained + figure("nanomq_messages_waiting");
    count("retained messages/count", retained, publish);
    for (const char* topic : {"messages/stored", "store/messages/count"})
        count(topic, stored, publish);
    count("store/messages/bytes",
          figure("nanomq_retained_bytes") + figure("nanomq_messages_waiting_bytes"), publish);
    count("heap/current", figure("nanomq_resident_bytes"), publish);
    count("heap/maximum", figure("nanomq_resident_bytes_maximum"), publish);
}

void Statistics::showLoad(std::chrono::milliseconds elapsed, const Publish& publish)
{
    const std::pair<const char*, double> counters[] = {
        {"bytes/received", figure("nanomq_bytes_received_total")},
        {"bytes/sent", figure("nanomq_bytes_sent_total")},
        {"messages/received", figure("nanomq_packets_received_total")},
        {"messages/sent", figure("nanomq_packets_sent_total")},
        {"publish/received", figure("nanomq_messages_received_total")},
        {"publish/sent", figure("nanomq_messages_sent_total")},
        {"publish/dropped", figure("nanomq_messages_dropped_total")},
        {"sockets", figure("nanomq_sockets_accepted_total")},
        {"connections", figure("nanomq_connects_accepted_total") +
                            figure("nanomq_connects_refused_total")},
    };
    const double minutes = std::chrono::duration<double, std::ratio<60>>(elapsed).count();
    for (const auto& [name, value] : counters)
    {
        Rate& rate = _rates[name];
        const double now = _first || minutes <= 0 ? 0 : (value - rate.last) / minutes;
        for (std::size_t i = 0; i < kPeriods.size(); ++i)
        {
            double& average = rate.averages[i];
            if (!_first) average = now + std::exp(-minutes / kPeriods[i].minutes) * (average - now);
            char text[32];
            std::snprintf(text, sizeof text, "%.2f", average);
            show(std::string("load/") + name + '/' + kPeriods[i].name, text, publish);
        }
        rate.last = value;
    }
}

} // namespace sys_topics
