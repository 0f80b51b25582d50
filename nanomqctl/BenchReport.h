#pragma once

#include "BenchOptions.h"
#include "Interrupt.h"
#include "load/Histogram.h"
#include "load/Meter.h"

#include <Poco/JSON/Object.h>

#include <cstdint>
#include <string>

namespace nanomq::ctl
{

/// A line on standard error each second, while a bench runs: where a person looks.
class BenchProgress
{
public:
    explicit BenchProgress(bool silent);
    ~BenchProgress();
    BenchProgress(const BenchProgress&) = delete;
    BenchProgress& operator=(const BenchProgress&) = delete;

    /// @param what  "connected", "sent" and so on; counts are told per second, too.
    void show(std::uint64_t connected, std::uint64_t sent, std::uint64_t received,
              const load::Histogram& latency);

private:
    const bool _silent;
    const bool _terminal;
    const std::uint64_t _beganNs;
    std::uint64_t _lastNs;
    std::uint64_t _lastSent = 0;
    std::uint64_t _lastReceived = 0;
    bool _open = false; // a line that is written over
};

/// Whether SIGINT or SIGTERM has come. Made before anything else.
class BenchInterrupt
{
public:
    bool came();

private:
    Interrupt _interrupt;
    bool _came = false;
};

/// The broker's process and this one, between two times.
class BenchMeter
{
public:
    /// @param broker  0: only this process.
    explicit BenchMeter(pid_t broker) : _broker(broker), _start(usage(broker)) {}
    void begin();
    void end();

    /// Adds "broker" (where there is one) and "generator" to a report.
    /// @param operations  what CPU time is divided by.
    /// @param clients     connected at the end: what memory since the start is divided by.
    void addTo(Poco::JSON::Object& report, std::uint64_t operations, std::uint64_t clients) const;

private:
    static load::Usage usage(pid_t process);

    const pid_t _broker;
    const load::Usage _start; // of the broker, before anybody connected
    load::Usage _brokerBegin, _brokerEnd;
    load::Usage _ownBegin, _ownEnd;
};

/// Mean and quantiles in microseconds.
Poco::JSON::Object::Ptr quantiles(const load::Histogram& histogram);

} // namespace nanomq::ctl
