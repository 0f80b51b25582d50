#include "app/BrokerMetrics.h"

#include <fstream>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

std::uint64_t maximumResidentBytes()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

struct Figure
{
    MetricKind kind;
    const char* name;
    const char* help;
    std::uint64_t BrokerFigures::*member;
};

constexpr Figure kFigures[] = {
    {MetricKind::Gauge, "nanomq_connections", "Clients connected", &BrokerFigures::connections},
    {MetricKind::Gauge, "nanomq_sessions", "Sessions, those without a connection included",
     &BrokerFigures::sessions},
    {MetricKind::Gauge, "nanomq_subscriptions", "Subscriptions, those of plugins included",
     &BrokerFigures::subscriptions},
    {MetricKind::Gauge, "nanomq_shared_subscriptions", "Shared Subscriptions, of all subscriptions",
     &BrokerFigures::sharedSubscriptions},
    {MetricKind::Gauge, "nanomq_messages_waiting", "Messages in the queues of sessions",
     &BrokerFigures::messagesWaiting},
    {MetricKind::Gauge, "nanomq_messages_waiting_bytes", "Memory of these messages",
     &BrokerFigures::messagesWaitingBytes},
    {MetricKind::Gauge, "nanomq_topic_filters", "Topic Filters with subscribers",
     &BrokerFigures::topicFilters},
    {MetricKind::Gauge, "nanomq_retained_messages", "Retained messages", &BrokerFigures::retained},
    {MetricKind::Gauge, "nanomq_retained_bytes", "Memory of the retained store",
     &BrokerFigures::retainedBytes},
    {MetricKind::Counter, "nanomq_connects_accepted_total", "CONNECT packets accepted",
     &BrokerFigures::connectsAccepted},
    {MetricKind::Counter, "nanomq_connects_refused_total", "CONNECT packets refused",
     &BrokerFigures::connectsRefused},
    {MetricKind::Counter, "nanomq_disconnects_total", "Connections of accepted clients that ended",
     &BrokerFigures::disconnects},
    {MetricKind::Counter, "nanomq_sockets_accepted_total",
     "Connections accepted, those that never sent a CONNECT included",
     &BrokerFigures::socketsAccepted},
    {MetricKind::Counter, "nanomq_sessions_expired_total", "Sessions whose time was over",
     &BrokerFigures::sessionsExpired},
    {MetricKind::Counter, "nanomq_packets_received_total", "Control Packets received",
     &BrokerFigures::packetsReceived},
    {MetricKind::Counter, "nanomq_bytes_received_total", "Bytes received",
     &BrokerFigures::bytesReceived},
    {MetricKind::Counter, "nanomq_packets_sent_total", "Control Packets sent",
     &BrokerFigures::packetsSent},
    {MetricKind::Counter, "nanomq_bytes_sent_total", "Bytes sent", &BrokerFigures::bytesSent},
    {MetricKind::Counter, "nanomq_payload_bytes_received_total",
     "Payload of the messages received", &BrokerFigures::payloadBytesReceived},
    {MetricKind::Counter, "nanomq_payload_bytes_sent_total", "Payload of the messages sent",
     &BrokerFigures::payloadBytesSent},
    {MetricKind::Counter, "nanomq_packets_malformed_total", "Packets that broke the protocol",
     &BrokerFigures::malformedPackets},
    {MetricKind::Counter, "nanomq_messages_received_total",
     "Messages accepted from clients, wills and plugins", &BrokerFigures::messagesReceived},
    {MetricKind::Counter, "nanomq_messages_sent_total", "Messages sent to clients",
     &BrokerFigures::messagesSent},
    {MetricKind::Counter, "nanomq_messages_queued_total",
     "Messages that had to wait for their client", &BrokerFigures::messagesQueued},
    {MetricKind::Counter, "nanomq_messages_unacknowledged_total",
     "Messages sent whose session ended before they were acknowledged",
     &BrokerFigures::messagesUnacknowledged},
    {MetricKind::Counter, "nanomq_worker_failures_total",
     "Pieces of a worker's work that ended with an exception", &BrokerFigures::workerFailures},
    {MetricKind::Counter, "nanomq_bans_made_total", "Bans made by the broker itself",
     &BrokerFigures::bansMade},
    {MetricKind::Gauge, "nanomq_bans", "Bans in the list, those that are over included",
     &BrokerFigures::bans},
    {MetricKind::Gauge, "nanomq_alarms", "Alarms that stand", &BrokerFigures::alarms},
    {MetricKind::Gauge, "nanomq_memory_bytes",
     "Memory of messages, sessions and subscriptions, as counted against memory.limit",
     &BrokerFigures::memory},
    {MetricKind::Gauge, "nanomq_memory_limit_bytes", "The limit of that",
     &BrokerFigures::memoryLimit},
    {MetricKind::Gauge, "nanomq_memory_level", "0: fine, to 4: messages are refused",
     &BrokerFigures::memoryLevel},
    {MetricKind::Gauge, "nanomq_connect_memory_bytes",
     "Memory of connections that are not let in yet", &BrokerFigures::connectMemory},
    {MetricKind::Counter, "nanomq_messages_refused_total", "Messages refused before routing",
     &BrokerFigures::messagesRefused},
};

struct TransportFigure
{
    const char* name;
    const char* help;
    std::atomic<std::uint64_t> TransportCounters::*member;
};

constexpr TransportFigure kTransportFigures[] = {
    {"nanomq_tls_handshakes_total", "TLS handshakes finished", &TransportCounters::tlsHandshakes},
    {"nanomq_tls_handshakes_failed_total", "TLS handshakes that failed or were broken off",
     &TransportCounters::tlsHandshakesFailed},
    {"nanomq_websocket_upgrades_total", "Requests for a WebSocket that were granted",
     &TransportCounters::webSocketUpgrades},
    {"nanomq_websocket_refused_total", "Requests refused, and frames that broke the protocol",
     &TransportCounters::webSocketsRefused},
    {"nanomq_proxy_refused_total", "Connections without a valid PROXY header",
     &TransportCounters::proxyHeadersRefused},
};

constexpr std::pair<DeliveryResult, const char*> kDrops[] = {
    {DeliveryResult::NotConnected, "reason=\"not_connected\""},
    {DeliveryResult::QueueFull, "reason=\"queue_full\""},
    {DeliveryResult::TooSlow, "reason=\"client_too_slow\""},
    {DeliveryResult::PacketTooLarge, "reason=\"packet_too_large\""},
    {DeliveryResult::NotAuthorized, "reason=\"not_authorized\""},
    {DeliveryResult::SessionEnded, "reason=\"session_ended\""},
};

/// Upper edges of a histogram's buckets in the registry, in nanoseconds; the text is Prometheus'
/// `le`, in seconds.
constexpr std::pair<std::uint64_t, const char*> kEdges[] = {
    {10'000, "0.00001"},      {25'000, "0.000025"},    {50'000, "0.00005"},
    {100'000, "0.0001"},      {250'000, "0.00025"},    {500'000, "0.0005"},
    {1'000'000, "0.001"},     {2'500'000, "0.0025"},   {5'000'000, "0.005"},
    {10'000'000, "0.01"},     {25'000'000, "0.025"},   {50'000'000, "0.05"},
    {100'000'000, "0.1"},     {250'000'000, "0.25"},   {500'000'000, "0.5"},
    {1'000'000'000, "1"},     {5'000'000'000, "5"},    {UINT64_MAX, "+Inf"}};

/// What has taken no longer than `edge`.
double countUpTo(const TimeHistogram::Counts& counts, std::uint64_t edge)
{
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (edge == UINT64_MAX || TimeHistogram::upperEdge(i) <= edge) sum += counts[i];
    return static_cast<double>(sum);
}

/// A histogram as Prometheus has it: NAME_bucket, NAME_count, and NAME_sum, which is the sum of the
/// buckets' middles.
void registerHistogram(Metrics& metrics, const std::string& name, const char* help,
                       std::function<TimeHistogram::Counts()> read)
{
    for (const auto& [edge, text] : kEdges)
        metrics.reader(MetricKind::Counter, name + "_bucket", "le=\"" + std::string(text) + '"',
                       help, [read, edge = edge] { return countUpTo(read(), edge); });
    metrics.reader(MetricKind::Counter, name + "_count", "", help,
                   [read] { return countUpTo(read(), UINT64_MAX); });
    metrics.reader(MetricKind::Counter, name + "_sum", "", help, [read] {
        const auto counts = read();
        double sum = 0;
        for (std::size_t i = 1; i < counts.size(); ++i)
            sum += static_cast<double>(counts[i]) / 2e9 *
                   static_cast<double>(TimeHistogram::upperEdge(i - 1) + TimeHistogram::upperEdge(i));
        return sum;
    });
}

} // namespace

void registerBrokerMetrics(Metrics& metrics, const Broker& broker)
{
    for (const auto& figure : kFigures)
        metrics.reader(figure.kind, figure.name, "", figure.help,
                       [&broker, member = figure.member] {
                           return static_cast<double>(broker.figures().*member);
                       });
    for (const auto& figure : kTransportFigures)
        metrics.reader(MetricKind::Counter, figure.name, "", figure.help,
                       [&counters = broker.transportCounters(), member = figure.member] {
                           return static_cast<double>(
                               (counters.*member).load(std::memory_order_relaxed));
                       });
    const char* const dropped = "nanomq_messages_dropped_total";
    const char* const help = "Deliveries dropped";
    for (const auto& [result, labels] : kDrops)
        metrics.reader(MetricKind::Counter, dropped, labels, help, [&broker, result = result] {
            return static_cast<double>(
                broker.figures().dropped[static_cast<std::size_t>(result)]);
        });
    for (std::size_t limit = 0; limit < kLimits; ++limit)
        metrics.reader(MetricKind::Counter, "nanomq_limit_reached_total",
                       "limit=\"" + std::string(limitName(static_cast<Limit>(limit))) + "\"",
                       "How often somebody ran into a limit", [&broker, limit] {
                           return static_cast<double>(broker.figures().limits[limit]);
                       });
    metrics.reader(MetricKind::Counter, dropped, "reason=\"expired\"", help,
                   [&broker] { return static_cast<double>(broker.figures().messagesExpired); });
    metrics.reader(MetricKind::Gauge, "nanomq_resident_bytes", "", "Resident memory of the broker",
                   [] { return static_cast<double>(residentBytes()); });
    metrics.reader(MetricKind::Gauge, "nanomq_resident_bytes_maximum", "", "The most it was",
                   [] { return static_cast<double>(maximumResidentBytes()); });
    metrics.reader(MetricKind::Gauge, "nanomq_uptime_seconds", "", "Time since the start",
                   [started = monotonicNow()] {
                       return static_cast<double>((monotonicNow() - started) / 1000);
                   });
    registerHistogram(metrics, "nanomq_message_latency_seconds",
                      "From routing a PUBLISH to the last write of its turn, one in 128",
                      [&broker] { return broker.messageLatency(); });
    registerHistogram(metrics, "nanomq_connect_seconds", "From CONNECT to an accepting CONNACK",
                      [&broker] { return broker.connectLatency(); });
    metrics.gauge("nanomq_build_info", "version=\"" NANOMQ_VERSION "\"", "1, for its label").set(1);
}

std::uint64_t residentBytes()
{
    std::ifstream statm("/proc/self/statm");
    std::uint64_t total = 0, resident = 0;
    statm >> total >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace nanomq
