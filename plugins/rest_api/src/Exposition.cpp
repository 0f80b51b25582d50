#include "Exposition.h"

#include "Routes.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

std::string numberText(double value)
{
    std::array<char, 40> text{};
    const bool isWhole = std::abs(value) < 1e15 && value == std::floor(value);
    std::snprintf(text.data(), text.size(), isWhole ? "%.0f" : "%.17g", value);
    return text.data();
}

/// A help text in one line.
std::string escapedHelp(std::string_view help)
{
    std::string text;
    for (const char c : help)
        if (c == '\\') text += "\\\\";
        else if (c == '\n') text += "\\n";
        else text += c;
    return text;
}

std::string label(std::string_view value)
{
    std::string text = "\"";
    for (const char c : value)
        if (c == '\\' || c == '"') (text += '\\') += c;
        else if (c == '\n') text += "\\n";
        else text += c;
    return text + '"';
}

/// Writes families: a name's HELP and TYPE once, its series behind one another.
class Writer
{
public:
    explicit Writer(Reply& reply) noexcept : _reply(reply) {}

    /// False for a name that was there already, which Prometheus would refuse: who comes first,
    /// the registry, has it.
    bool family(std::string_view name, std::string_view help, std::string_view type)
    {
        if (!_families.emplace(name).second) return false;
        _reply.append("# HELP " + std::string(name) + ' ' + escapedHelp(help) + "\n# TYPE " +
                      std::string(name) + ' ' + std::string(type) + '\n');
        return true;
    }
    void series(std::string_view name, std::string_view labels, double value)
    {
        std::string line(name);
        if (!labels.empty()) line += '{' + std::string(labels) + '}';
        _reply.append(line + ' ' + numberText(value) + '\n');
    }
    void one(std::string_view name, std::string_view help, std::string_view type, double value)
    {
        if (family(name, help, type)) series(name, {}, value);
    }

private:
    Reply& _reply;
    std::set<std::string, std::less<>> _families;
};

/// The registry has a histogram as series NAME_bucket{le="…"}, NAME_count and NAME_sum, which stand
/// behind one another in its order.
class Registry final : public sdk::MetricsReader::Visitor
{
public:
    explicit Registry(Writer& writer) noexcept : _writer(writer) {}

    void series(const sdk::MetricsReader::Series& one) override
    {
        const std::string_view name = one.name.view();
        if (name.ends_with("_bucket") && one.labels.view().find("le=\"") != std::string_view::npos)
        {
            beginHistogram(name.substr(0, name.size() - 7), one.help.view());
            _buckets.emplace(edgeOf(one.labels.view()),
                             std::pair(std::string(one.labels.view()), one.value));
            return;
        }
        endBuckets();
        if (!isOfHistogram(name) && name != _family)
        {
            _family = name;
            _writer.family(name, one.help.view(),
                           one.kind == sdk::MetricsReader::Kind::Counter ? "counter" : "gauge");
        }
        _writer.series(name, one.labels.view(), one.value);
    }
    /// Writes what is left.
    void end() { endBuckets(); }

private:
    static double edgeOf(std::string_view labels)
    {
        const auto begin = labels.find("le=\"") + 4;
        const std::string text(labels.substr(begin, labels.find('"', begin) - begin));
        return text == "+Inf" ? HUGE_VAL : std::strtod(text.c_str(), nullptr);
    }
    bool isOfHistogram(std::string_view name) const
    {
        return !_histogram.empty() && (name == _histogram + "_count" || name == _histogram + "_sum");
    }
    void beginHistogram(std::string_view name, std::string_view help)
    {
        if (name == _histogram) return;
        endBuckets();
        _histogram = name;
        _writer.family(name, help, "histogram");
    }
    /// In the order of their edges, which is not that of their texts.
    void endBuckets()
    {
        for (const auto& [edge, bucket] : _buckets)
            _writer.series(_histogram + "_bucket", bucket.first, bucket.second);
        _buckets.clear();
    }

    Writer& _writer;
    std::string _family;
    std::string _histogram; // the last one
    std::multimap<double, std::pair<std::string, double>> _buckets;
};

/// Figures that the plugin host has, by plugin.
class PluginFigures final : public sdk::PluginAdmin::Visitor
{
public:
    void plugin(const sdk::PluginAdmin::Plugin& plugin) override
    {
        const std::string labels = "plugin=" + label(plugin.name.view());
        add(0, labels, plugin.state.view() == "active");
        add(1, labels, static_cast<double>(plugin.events));
        add(2, labels, static_cast<double>(plugin.dropped));
        add(3, labels, static_cast<double>(plugin.queued));
        add(4, labels, static_cast<double>(plugin.errors));
    }
    void hook(const sdk::PluginAdmin::Hook& hook) override
    {
        // A plugin may have several hooks at a point.
        const std::string labels =
            "plugin=" + label(hook.plugin.view()) + ",point=" + label(hook.point.view());
        _sums[5][labels] += static_cast<double>(hook.calls);
        _sums[6][labels] += static_cast<double>(hook.errors);
        _sums[7][labels] += static_cast<double>(hook.deferrals);
        _sums[8][labels] += static_cast<double>(hook.samples);
        _sums[9][labels] += static_cast<double>(hook.sampledNs) / 1e9;
    }

    void write(Writer& writer) const
    {
        for (std::size_t i = 0; i < kFamilies.size(); ++i)
        {
            if (_sums[i].empty() ||
                !writer.family(kFamilies[i].name, kFamilies[i].help, kFamilies[i].type))
                continue;
            for (const auto& [labels, value] : _sums[i])
                writer.series(kFamilies[i].name, labels, value);
        }
    }

private:
    struct Family
    {
        const char* name;
        const char* help;
        const char* type;
    };
    static constexpr std::array<Family, 10> kFamilies = {{
        {"nanomq_plugin_active", "Whether the plugin is active", "gauge"},
        {"nanomq_plugin_events_total", "Events handed to the plugin's observers", "counter"},
        {"nanomq_plugin_events_dropped_total", "Events that found its queue full", "counter"},
        {"nanomq_plugin_events_queued", "Events that wait for its observers", "gauge"},
        {"nanomq_plugin_errors_total", "Errors that it told or its hooks had", "counter"},
        {"nanomq_plugin_hook_calls_total", "Calls of its hooks", "counter"},
        {"nanomq_plugin_hook_errors_total", "Calls that failed", "counter"},
        {"nanomq_plugin_hook_deferrals_total", "Calls that were answered later", "counter"},
        {"nanomq_plugin_hook_timed_calls_total", "Calls whose time was taken", "counter"},
        {"nanomq_plugin_hook_timed_seconds_total", "Time that these took", "counter"},
    }};

    void add(std::size_t family, const std::string& labels, double value)
    {
        _sums[family][labels] += value;
    }

    std::array<std::map<std::string, double>, kFamilies.size()> _sums;
};

struct NanomqGauge
{
    const char* name;
    Peak peak;
    const char* help;
};
constexpr std::array<NanomqGauge, 6> kNanomqGauges = {{
    {"nanomq_connections", Peak::Connections, "Clients connected"},
    {"nanomq_sessions", Peak::Sessions, "Sessions"},
    {"nanomq_topics", Peak::Topics, "Topic Filters with subscribers"},
    {"nanomq_subscribers", Peak::Subscribers, "Subscriptions"},
    {"nanomq_memory_usage", Peak::Memory, "Resident memory in bytes"},
    {"nanomq_cpu_usage", Peak::Cpu, "Processor time in percent of one processor"},
}};

/// The series of NanoMQ's own /prometheus, for dashboards that were made for it.
void writeNanomqSeries(const Services& services, Writer& writer)
{
    const Figures figures(services.metrics);
    const auto peaks = services.peaks.look(figures);
    for (const auto& gauge : kNanomqGauges)
    {
        const bool isCount = gauge.peak != Peak::Memory && gauge.peak != Peak::Cpu;
        const auto& value = peaks[static_cast<std::size_t>(gauge.peak)];
        writer.one(std::string(gauge.name) + (isCount ? "_count" : ""), gauge.help, "gauge",
                   value.now);
        writer.one(std::string(gauge.name) + "_max", std::string(gauge.help) + ", at most",
                   "gauge", value.highest);
    }
    writer.one("nanomq_messages_received", "Messages accepted", "counter",
               figures["nanomq_messages_received_total"]);
    writer.one("nanomq_messages_sent", "Messages sent to clients", "counter",
               figures["nanomq_messages_sent_total"]);
    writer.one("nanomq_messages_dropped", "Deliveries dropped", "counter",
               figures["nanomq_messages_dropped_total"]);
}

} // namespace

void writeExposition(const Services& services, Reply& reply)
{
    reply.keepWhole(); // visitors of the broker must not throw what a socket does
    reply.setType("text/plain; version=0.0.4; charset=utf-8");
    Writer writer(reply);
    Registry registry(writer);
    services.metrics.snapshot(&registry);
    registry.end();
    writeNanomqSeries(services, writer);
    PluginFigures plugins;
    services.plugins.list({}, &plugins);
    plugins.write(writer);
}

void addMetricsRoutes(Router& router, const Services& services)
{
    for (const char* path : {"/metrics", "/api/v4/prometheus"})
        router.add({"GET", path, sdk::HttpRole::Reader, "All figures, in Prometheus' text format",
                    R"("responses":{"200":{"description":"Figures","content":{"text/plain":)"
                    R"({"schema":{"type":"string"}}}}})",
                    [&services](const Request&, Reply& reply) {
                        writeExposition(services, reply);
                    }});
}

} // namespace rest_api
