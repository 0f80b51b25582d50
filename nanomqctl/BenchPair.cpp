#include "BenchKinds.h"
#include "BenchOptions.h"
#include "BenchReport.h"
#include "PubSubOptions.h"
#include "Shell.h"
#include "load/Traffic.h"

#include <cmath>
#include <iostream>

namespace nanomq::ctl
{

namespace
{

load::Shape shapeOption(const Options& options)
{
    const std::string text = options.text("shape", "pair");
    if (text == "pair") return load::Shape::Pair;
    if (text == "fanout") return load::Shape::FanOut;
    if (text == "fanin") return load::Shape::FanIn;
    if (text == "shared") return load::Shape::Shared;
    throw UsageError("--shape is pair, fanout, fanin or shared");
}

load::TrafficPlan trafficPlan(const Options& options)
{
    constexpr std::int64_t kMostClients = 100'000;
    constexpr std::int64_t kLargest = 200'000'000;
    constexpr double kLongest = 1e6;
    load::TrafficPlan plan;
    plan.shape = shapeOption(options);
    plan.publishers = static_cast<unsigned>(options.number("pubs", 1, 1, kMostClients));
    plan.subscribers = static_cast<unsigned>(options.number("subs", 1, 1, kMostClients));
    if (!options.has("subs") && plan.shape == load::Shape::Pair) plan.subscribers = plan.publishers;
    if (plan.shape == load::Shape::Pair && plan.subscribers < plan.publishers)
        throw UsageError("--shape pair needs as many --subs as --pubs, or more");
    plan.qos = qosOption(options, "qos");
    plan.subscriberQos = options.has("sub-qos") ? qosOption(options, "sub-qos") : plan.qos;
    plan.payloadBytes =
        static_cast<std::size_t>(options.number("size", 64, load::kStampSize, kLargest));
    plan.topic = options.text("topic", plan.topic);
    plan.rate = decimalOption(options, "rate", 0, 1e8);
    plan.window = static_cast<unsigned>(options.number("window", 0, 0, 1'000'000));
    plan.inflight = static_cast<unsigned>(options.number("inflight", 100, 1, 65'535));
    plan.warmUpSeconds = decimalOption(options, "warmup", 1, kLongest);
    plan.drainSeconds = decimalOption(options, "drain", 2, kLongest);
    plan.stalled = static_cast<unsigned>(options.number("stalled", 0, 0, kMostClients));
    plan.naps = !options.has("no-naps");
    plan.spins = options.has("spin");
    return plan;
}

Poco::JSON::Object::Ptr reportOf(const load::TrafficPlan& plan, const load::TrafficResult& result,
                                 const load::Traffic& traffic, bool ok)
{
    auto report = makeObject();
    report->set("bench", "pair");
    report->set("ok", ok);
    report->set("publishers", plan.publishers);
    report->set("subscribers", plan.subscribers);
    report->set("qos", static_cast<int>(plan.qos));
    report->set("payload_bytes", plan.payloadBytes);
    report->set("seconds", result.seconds);
    report->set("sent", result.whole.sent);
    report->set("received", result.whole.received);
    report->set("sent_per_s",
                std::round(static_cast<double>(result.measured.sent) / result.seconds));
    report->set("received_per_s",
                std::round(static_cast<double>(result.measured.received) / result.seconds));
    report->set("lost", result.lost());
    report->set("duplicates", result.duplicates);
    report->set("reordered", result.reordered);
    report->set("strange", result.strange);
    report->set("refused", result.refused);
    if (plan.rate > 0) report->set("due_but_unsent", result.unsentDue);
    report->set("latency_us", quantiles(traffic.latency()));
    return report;
}

} // namespace

int benchPair(const Arguments& arguments)
{
    Options options("bench pair [OPTION]...",
                    "Publishes and receives, and accounts for every message. Without --rate as "
                    "fast as the messages arrive; latency is then the time in the window.");
    addBenchOptions(options, "5; 0: until interrupted");
    options.value("shape", "", "SHAPE", "pair, fanout, fanin, shared (pair)")
        .value("pubs", "", "CLIENTS", "publishers (1)")
        .value("subs", "", "CLIENTS", "subscribers (1; with pair as many as publishers)")
        .value("topic", "t", "TOPIC", "in front of the topics' names (nanomq/bench)")
        .value("size", "s", "BYTES", "of the payload (64)")
        .value("qos", "q", "QOS", "0, 1 or 2 (0)")
        .value("sub-qos", "", "QOS", "of the subscriptions (as --qos)")
        .value("rate", "", "RATE", "messages a second that all publishers send together")
        .value("inflight", "F", "COUNT", "unacknowledged messages of a publisher (100)")
        .value("window", "", "COUNT", "messages of a publisher that are on their way (chosen)")
        .value("warmup", "", "SECONDS", "before it is measured (1)")
        .value("drain", "", "SECONDS", "without progress until messages count as lost (2)")
        .value("stalled", "", "CLIENTS", "more subscribers, that stop reading (0)")
        .flag("no-naps", "", "look for messages at once: more wake-ups, lower latency")
        .flag("spin", "", "never sleep: latencies without this program's own wake-ups");
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;

    auto plan = trafficPlan(options);
    const BenchCommon common = benchCommon(options, 5);
    plan.seconds = common.seconds;
    BenchInterrupt interrupt;
    BenchMeter meter(common.brokerProcess);
    load::Dialer dialer(common.endpoint);
    load::Traffic traffic(plan, dialer, common.terms, common.idPrefix);
    BenchProgress progress(options.has("json"));
    traffic.endWhen([&] { return interrupt.came(); });
    traffic.onProgress([&](const load::TrafficCounts& counts, const load::Histogram& latency) {
        progress.show(plan.publishers + plan.subscribers, counts.sent, counts.received, latency);
    });
    traffic.onMeasure([&](bool begins) { begins ? meter.begin() : meter.end(); });
    traffic.prepare();
    const load::TrafficResult result = traffic.run();

    // Without acknowledgements MQTT promises no delivery; all else is a broker's mistake.
    const bool lossIsMistake = plan.qos != QoS::AtMostOnce && plan.subscriberQos != QoS::AtMostOnce;
    const bool ok = (result.lost() == 0 || !lossIsMistake) && result.duplicates == 0 &&
                    result.reordered == 0 && result.strange == 0 && result.refused == 0;
    auto report = reportOf(plan, result, traffic, ok);
    meter.addTo(*report, result.measured.received, plan.publishers + plan.subscribers);
    Shell(options).print(report);
    return ok ? 0 : 1;
}

} // namespace nanomq::ctl
