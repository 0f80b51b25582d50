#include "BenchKinds.h"
#include "BenchOptions.h"
#include "BenchReport.h"
#include "PubSubOptions.h"
#include "Shell.h"
#include "load/Frame.h"
#include "load/Gathering.h"
#include "wire/Utf8.h"
#include "wire/Words.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <iostream>

namespace nanomq::ctl
{

namespace
{

struct PublishPlan
{
    std::string topic;
    std::size_t payloadBytes = 256;
    QoS qos = QoS::AtMostOnce;
    bool retain = false;
    double rate = 0;         // of all clients together; 0: as fast as it goes
    std::uint64_t limit = 0; // messages in all; 0: none
    unsigned inflight = 100;
};

/// Publishes in turn from all clients that are there.
class Publishing
{
public:
    Publishing(const PublishPlan& plan, load::Gathering& gathering, const BenchCommon& common,
               unsigned firstNumber)
        : _plan(plan),
          _gathering(gathering),
          _away(gathering.clients())
    {
        for (unsigned n = 0; n < gathering.clients(); ++n)
        {
            const std::string topic =
                load::fillIn(plan.topic, firstNumber + n, gathering.client(n).clientId(),
                             common.terms.userName.value_or(""));
            _frames.emplace_back(topic, plan.payloadBytes, plan.qos, plan.retain,
                                 common.terms.version);
        }
        gathering.onAcknowledged(
            [this](load::Client& client, ReasonCode reason) { acknowledged(client, reason); });
    }

    void begin(std::uint64_t nowNs) { _beganNs = nowNs; }
    /// Sends what is due. Returns when to look again.
    std::uint64_t send(std::uint64_t nowNs)
    {
        constexpr std::uint64_t kSoon = 1'000'000;
        if (_plan.rate == 0)
        {
            sendAll(nowNs);
            return nowNs + kSoon;
        }
        const auto due =
            static_cast<std::uint64_t>(static_cast<double>(nowNs - _beganNs) / 1e9 * _plan.rate);
        for (; _due < due && !limitReached(); ++_due)
        {
            const auto number = static_cast<unsigned>(_due % _frames.size());
            if (mayGo(number)) sendOne(number, nowNs);
            else ++_unsentDue;
        }
        return _beganNs +
               static_cast<std::uint64_t>(static_cast<double>(_due + 1) / _plan.rate * 1e9);
    }
    bool limitReached() const noexcept { return _plan.limit > 0 && _sent >= _plan.limit; }
    bool settled() const noexcept { return _plan.qos == QoS::AtMostOnce || _acknowledged >= _sent; }
    bool allWritten()
    {
        for (unsigned n = 0; n < _frames.size(); ++n)
            if (_gathering.client(n).unsent() > 0) return false;
        return true;
    }

    std::uint64_t sent() const noexcept { return _sent; }
    std::uint64_t acknowledgedCount() const noexcept { return _acknowledged; }
    std::uint64_t refused() const noexcept { return _refused; }
    std::uint64_t unsentDue() const noexcept { return _unsentDue; }
    const load::Histogram& latency() const noexcept { return _latency; }

private:
    bool mayGo(unsigned number)
    {
        constexpr std::size_t kMostUnsent = std::size_t{1} << 20;
        load::Client& client = _gathering.client(number);
        return client.isConnected() && client.unsent() < kMostUnsent &&
               (_plan.qos == QoS::AtMostOnce ||
                _away[number].size() < std::min<std::size_t>(_plan.inflight, client.sendQuota()));
    }
    void sendOne(unsigned number, std::uint64_t nowNs)
    {
        _frames[number].send(_gathering.client(number), {_mark, number, _sent, nowNs});
        ++_sent;
        if (_plan.qos != QoS::AtMostOnce) _away[number].push_back(nowNs);
    }
    /// Rounds in which everybody sends one message, while anybody may.
    void sendAll(std::uint64_t nowNs)
    {
        constexpr unsigned kRounds = 100;
        bool goesOn = true;
        for (unsigned round = 0; round < kRounds && goesOn; ++round)
        {
            goesOn = false;
            for (unsigned n = 0; n < _frames.size() && !limitReached(); ++n)
            {
                if (!mayGo(n)) continue;
                sendOne(n, nowNs);
                goesOn = true;
            }
        }
    }
    void acknowledged(load::Client& client, ReasonCode reason)
    {
        ++_acknowledged;
        if (isFailure(reason)) ++_refused;
        auto& away = _away[client.number];
        if (away.empty()) return;
        _latency.add(load::nowNs() - away.front());
        away.pop_front();
    }

    const PublishPlan _plan;
    load::Gathering& _gathering;
    const std::uint32_t _mark = load::newMark();
    std::vector<load::Frame> _frames;
    std::vector<std::deque<std::uint64_t>> _away; // when sent, of what is not acknowledged
    std::uint64_t _beganNs = 0;
    std::uint64_t _due = 0;
    std::uint64_t _sent = 0;
    std::uint64_t _acknowledged = 0;
    std::uint64_t _refused = 0;
    std::uint64_t _unsentDue = 0;
    load::Histogram _latency;
};

PublishPlan publishPlan(const Options& options, unsigned clients)
{
    constexpr double kLongestMs = 1e7;
    constexpr std::int64_t kLargest = 200'000'000;
    PublishPlan plan;
    plan.topic = options.text("topic");
    if (plan.topic.empty() || hasWildcard(plan.topic) || !isUtf8(plan.topic))
        throw UsageError("--topic takes a Topic Name: UTF-8, not empty, without '+' and '#'");
    plan.payloadBytes = static_cast<std::size_t>(options.number("size", 256, 0, kLargest));
    plan.qos = qosOption(options, "qos");
    plan.retain = options.has("retain");
    plan.limit = static_cast<std::uint64_t>(options.number("limit", 0, 0, INT64_MAX));
    plan.inflight = static_cast<unsigned>(options.number("inflight", 100, 1, 65'535));
    const double interval = decimalOption(options, "interval_of_msg", 1000, kLongestMs);
    plan.rate = interval > 0 ? clients * 1000.0 / interval : 0;
    return plan;
}

Options publishOptions()
{
    Options options("bench pub --topic TOPIC [OPTION]...",
                    "Publishes from many clients. In the topic %c is the client's number, %i its "
                    "identifier, %u the user name.");
    addBenchOptions(options, "0: until interrupted, or --limit");
    options.value("count", "c", "CLIENTS", "how many clients (200)")
        .value("startnumber", "n", "NUMBER", "of the first client (0)")
        .value("interval", "i", "MS", "between two connects; may have a point (10)")
        .value("interval_of_msg", "I", "MS",
               "between two messages of a client; 0: as fast as it goes (1000)")
        .value("topic", "t", "TOPIC", "Topic Name")
        .value("size", "s", "BYTES", "of the payload (256)")
        .value("qos", "q", "QOS", "0, 1 or 2 (0)")
        .flag("retain", "r", "have the broker retain them")
        .value("inflight", "F", "COUNT", "unacknowledged messages of a client (100)")
        .value("limit", "L", "COUNT", "messages in all; 0: no limit (0)");
    return options;
}

} // namespace

int benchPublish(const Arguments& arguments)
{
    constexpr double kPatience = 5; // seconds for the last acknowledgements
    Options options = publishOptions();
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;
    load::GatheringPlan clients;
    clients.clients = static_cast<unsigned>(options.number("count", 200, 1, 1'000'000));
    clients.firstNumber = static_cast<unsigned>(options.number("startnumber", 0, 0, 1'000'000'000));
    clients.secondsBetween = decimalOption(options, "interval", 10, 1e7) / 1000;
    const PublishPlan plan = publishPlan(options, clients.clients);
    const BenchCommon common = benchCommon(options, 0);

    BenchInterrupt interrupt;
    BenchMeter meter(common.brokerProcess);
    load::Dialer dialer(common.endpoint);
    load::Gathering gathering(clients, dialer, common.terms, common.idPrefix);
    Publishing publishing(plan, gathering, common, clients.firstNumber);
    BenchProgress progress(options.has("json"));
    gathering.endWhen([&] {
        progress.show(gathering.connectedNow(), publishing.sent(), publishing.acknowledgedCount(),
                      publishing.latency());
        return interrupt.came() || gathering.failures() >= clients.clients;
    });
    gathering.run(UINT64_MAX, true);

    const std::uint64_t began = load::nowNs();
    const std::uint64_t until =
        common.seconds > 0 ? began + static_cast<std::uint64_t>(common.seconds * 1e9) : UINT64_MAX;
    meter.begin();
    publishing.begin(began);
    for (std::uint64_t now = began; now < until && !gathering.ended() && !publishing.limitReached();
         now = load::nowNs())
        gathering.run(std::min(until, publishing.send(now)), false);
    const double seconds = static_cast<double>(load::nowNs() - began) / 1e9;
    const std::uint64_t patience = load::nowNs() + static_cast<std::uint64_t>(kPatience * 1e9);
    while ((!publishing.settled() || !publishing.allWritten()) && !gathering.ended() &&
           load::nowNs() < patience)
        gathering.run(load::nowNs() + 1'000'000, false);
    meter.end();
    for (unsigned n = 0; n < gathering.clients(); ++n) gathering.client(n).disconnect();

    const bool ok = gathering.failures() == 0 && publishing.refused() == 0 &&
                    (publishing.settled() || gathering.ended());
    auto report = makeObject();
    report->set("bench", "pub");
    report->set("ok", ok);
    report->set("clients", gathering.connects());
    report->set("failures", gathering.failures());
    if (gathering.failures() > 0) report->set("last_failure", gathering.lastFailure());
    report->set("connect_us", quantiles(gathering.connectTime()));
    report->set("seconds", seconds);
    report->set("sent", publishing.sent());
    report->set("sent_per_s", std::round(static_cast<double>(publishing.sent()) / seconds));
    report->set("due_but_unsent", publishing.unsentDue());
    if (plan.qos != QoS::AtMostOnce)
    {
        report->set("acknowledged", publishing.acknowledgedCount());
        report->set("refused", publishing.refused());
        report->set("acknowledge_us", quantiles(publishing.latency()));
    }
    meter.addTo(*report, publishing.sent(), gathering.connects());
    Shell(options).print(report);
    return ok ? 0 : 1;
}

} // namespace nanomq::ctl
