#pragma once

#include "Options.h"
#include "load/Client.h"
#include "load/Stream.h"

#include <sys/types.h>

namespace nanomq::ctl
{

/// What every kind of `nanomqctl bench` has.
struct BenchCommon
{
    load::Endpoint endpoint;
    load::ClientTerms terms;
    std::string idPrefix;
    double seconds = 0;      // 0: until interrupted
    pid_t brokerProcess = 0; // 0: not measured
};

/// Adds the options of BenchCommon, with the names and letters of NanoMQ and emqtt-bench.
void addBenchOptions(Options& options, const std::string& seconds);

/// Reads them. Throws UsageError.
BenchCommon benchCommon(const Options& options, double seconds);

/// A number that may have a point. Throws UsageError.
double decimalOption(const Options& options, const char* name, double absent, double maximum);

} // namespace nanomq::ctl
