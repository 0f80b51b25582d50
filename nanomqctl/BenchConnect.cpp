#include "BenchKinds.h"
#include "BenchOptions.h"
#include "BenchReport.h"
#include "PubSubOptions.h"
#include "Shell.h"
#include "load/Gathering.h"

#include <iostream>

namespace nanomq::ctl
{

namespace
{

void addGatheringOptions(Options& options, const std::string& seconds)
{
    addBenchOptions(options, seconds);
    options.value("count", "c", "CLIENTS", "how many clients (200)")
        .value("startnumber", "n", "NUMBER", "of the first client (0)")
        .value("interval", "i", "MS", "between two connects; may have a point (10)")
        .value("connrate", "", "RATE", "connects a second, instead of --interval; 0: all at once")
        .value("concurrency", "", "CLIENTS", "that connect at the same time, at most (64)");
}

load::GatheringPlan gatheringPlan(const Options& options)
{
    constexpr double kLongestMs = 1e7;
    load::GatheringPlan plan;
    plan.clients = static_cast<unsigned>(options.number("count", 200, 1, 1'000'000));
    plan.firstNumber = static_cast<unsigned>(options.number("startnumber", 0, 0, 1'000'000'000));
    plan.concurrency = static_cast<unsigned>(options.number("concurrency", 64, 1, 10'000));
    plan.secondsBetween = decimalOption(options, "interval", 10, kLongestMs) / 1000;
    if (options.has("connrate"))
    {
        const double rate = decimalOption(options, "connrate", 0, 1e7);
        plan.secondsBetween = rate > 0 ? 1 / rate : 0;
    }
    return plan;
}

/// Connects, holds, reports. @param counts  whether messages are awaited.
int gather(const Options& options, const load::GatheringPlan& plan, const BenchCommon& common,
           bool counts)
{
    constexpr std::uint64_t kForever = UINT64_MAX;
    BenchInterrupt interrupt;
    BenchMeter meter(common.brokerProcess);
    load::Dialer dialer(common.endpoint);
    load::Gathering gathering(plan, dialer, common.terms, common.idPrefix);
    BenchProgress progress(options.has("json"));
    gathering.endWhen([&] {
        progress.show(gathering.connectedNow(), 0, gathering.received(),
                      counts ? gathering.latency() : gathering.connectTime());
        const bool nobodyComes = gathering.failures() >= plan.clients;
        return interrupt.came() || nobodyComes;
    });

    const std::uint64_t began = load::nowNs();
    meter.begin();
    if (!plan.churn) gathering.run(kForever, true);
    const double connectSeconds = static_cast<double>(load::nowNs() - began) / 1e9;
    const auto connectsFirst = gathering.connects();
    if (counts) meter.begin();
    const std::uint64_t held = load::nowNs();
    const std::uint64_t receivedBefore = gathering.received();
    gathering.run(common.seconds > 0 ? held + static_cast<std::uint64_t>(common.seconds * 1e9)
                                     : kForever,
                  false);
    const double heldSeconds = static_cast<double>(load::nowNs() - held) / 1e9;
    meter.end();

    auto report = makeObject();
    report->set("bench", counts ? "sub" : "conn");
    report->set("ok", gathering.failures() == 0);
    report->set("clients", gathering.connectedNow());
    report->set("connects", gathering.connects());
    report->set("connects_per_s",
                static_cast<double>(plan.churn ? gathering.connects() : connectsFirst) /
                    (plan.churn ? heldSeconds : connectSeconds));
    report->set("failures", gathering.failures());
    if (gathering.failures() > 0) report->set("last_failure", gathering.lastFailure());
    report->set("connect_us", quantiles(gathering.connectTime()));
    if (counts)
    {
        const auto received = gathering.received() - receivedBefore;
        report->set("seconds", heldSeconds);
        report->set("received", gathering.received());
        report->set("received_per_s", static_cast<double>(received) / heldSeconds);
        report->set("received_bytes", gathering.receivedBytes());
        if (gathering.latency().count() > 0)
            report->set("latency_us", quantiles(gathering.latency()));
    }
    meter.addTo(*report, counts ? gathering.received() - receivedBefore : gathering.connects(),
                gathering.connectedNow());
    Shell(options).print(report);
    return gathering.failures() == 0 ? 0 : 1;
}

} // namespace

int benchConnect(const Arguments& arguments)
{
    Options options("bench conn [OPTION]...", "Connects many clients, and holds them.");
    addGatheringOptions(options, "0: until interrupted");
    options.flag("churn", "", "each leaves when it is there, and comes again")
        .flag("abrupt", "", "with --churn: leave without DISCONNECT");
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;
    auto plan = gatheringPlan(options);
    plan.churn = options.has("churn");
    plan.abrupt = options.has("abrupt");
    if (plan.churn && !options.has("interval")) plan.secondsBetween = 0;
    return gather(options, plan, benchCommon(options, 0), false);
}

int benchSubscribe(const Arguments& arguments)
{
    Options options("bench sub --topic FILTER [OPTION]...",
                    "Subscribes with many clients, and counts what comes. In a filter %c is the "
                    "client's number, %i its identifier, %u the user name.");
    addGatheringOptions(options, "0: until interrupted");
    options.value("topic", "t", "FILTER", "Topic Filter; may be given more than once")
        .value("qos", "q", "QOS", "0, 1 or 2 (0)");
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;
    if (!options.has("topic")) throw UsageError("a --topic to subscribe to is missing");
    auto plan = gatheringPlan(options);
    plan.filters = options.all("topic");
    plan.qos = qosOption(options, "qos");
    return gather(options, plan, benchCommon(options, 0), true);
}

} // namespace nanomq::ctl
