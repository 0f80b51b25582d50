#include "BenchReport.h"

#include "Shell.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <poll.h>
#include <unistd.h>

namespace nanomq::ctl
{

namespace
{

/// Three digits behind the point are enough for people and JSON alike.
double rounded(double value)
{
    return std::round(value * 1000) / 1000;
}

double perOperation(std::uint64_t value, std::uint64_t operations)
{
    return static_cast<double>(value) / static_cast<double>(std::max<std::uint64_t>(1, operations));
}

} // namespace

BenchProgress::BenchProgress(bool silent)
    : _silent(silent),
      _terminal(::isatty(STDERR_FILENO) == 1),
      _beganNs(load::nowNs()),
      _lastNs(_beganNs)
{
}

BenchProgress::~BenchProgress()
{
    if (_open) std::cerr << '\n';
}

void BenchProgress::show(std::uint64_t connected, std::uint64_t sent, std::uint64_t received,
                         const load::Histogram& latency)
{
    constexpr std::uint64_t kInterval = 1'000'000'000;
    const std::uint64_t now = load::nowNs();
    if (_silent || now < _lastNs + kInterval) return;
    const double seconds = static_cast<double>(now - _lastNs) / 1e9;
    char line[160];
    std::snprintf(
        line, sizeof line,
        "%4.0f s  %llu connected  %10.0f sent/s  %10.0f received/s  p50 %.0f us, p99 %.0f us",
        static_cast<double>(now - _beganNs) / 1e9, static_cast<unsigned long long>(connected),
        static_cast<double>(sent - _lastSent) / seconds,
        static_cast<double>(received - _lastReceived) / seconds,
        static_cast<double>(latency.quantile(0.5)) / 1e3,
        static_cast<double>(latency.quantile(0.99)) / 1e3);
    std::cerr << (_terminal ? "\r\x1b[K" : "") << line << (_terminal ? "" : "\n") << std::flush;
    _open = _terminal;
    _lastNs = now;
    _lastSent = sent;
    _lastReceived = received;
}

bool BenchInterrupt::came()
{
    if (_came) return true;
    pollfd signal{_interrupt.descriptor(), POLLIN, 0};
    return _came = ::poll(&signal, 1, 0) > 0;
}

load::Usage BenchMeter::usage(pid_t process)
{
    return process > 0 ? load::usageOf(process) : load::Usage{};
}

void BenchMeter::begin()
{
    _brokerBegin = usage(_broker);
    _ownBegin = usage(::getpid());
}

void BenchMeter::end()
{
    _brokerEnd = usage(_broker);
    _ownEnd = usage(::getpid());
}

void BenchMeter::addTo(Poco::JSON::Object& report, std::uint64_t operations,
                       std::uint64_t clients) const
{
    const auto cpu = [operations](const load::Usage& from, const load::Usage& to) {
        auto object = makeObject();
        object->set("cpu_us_per_op",
                    std::round(perOperation(to.cpuNs - from.cpuNs, operations) * 10) / 10'000);
        object->set("cores", rounded(perOperation(to.cpuNs - from.cpuNs, to.atNs - from.atNs)));
        object->set("context_switches_per_op",
                    std::round(perOperation(to.contextSwitches -
                                                std::min(from.contextSwitches, to.contextSwitches),
                                            operations) *
                               1e6) /
                        1e6);
        return object;
    };
    if (_broker > 0)
    {
        auto broker = cpu(_brokerBegin, _brokerEnd);
        broker->set("threads", _brokerEnd.threads);
        broker->set("rss_bytes", _brokerEnd.residentBytes);
        broker->set("anonymous_bytes", _brokerEnd.anonymousBytes);
        broker->set("rss_bytes_at_start", _start.residentBytes);
        const auto grown = static_cast<double>(_brokerEnd.residentBytes) -
                           static_cast<double>(_start.residentBytes);
        broker->set("rss_bytes_per_client",
                    std::round(grown / static_cast<double>(std::max<std::uint64_t>(1, clients))));
        report.set("broker", broker);
    }
    report.set("generator", cpu(_ownBegin, _ownEnd));
}

Poco::JSON::Object::Ptr quantiles(const load::Histogram& histogram)
{
    const auto us = [](double ns) { return rounded(ns / 1e3); };
    auto object = makeObject();
    object->set("count", histogram.count());
    object->set("mean", us(histogram.mean()));
    for (const auto& [name, share] :
         {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}})
        object->set(name, us(static_cast<double>(histogram.quantile(share))));
    object->set("max", us(static_cast<double>(histogram.maximum())));
    return object;
}

} // namespace nanomq::ctl
