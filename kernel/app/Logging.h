#pragma once

#include "config/KernelConfig.h"

#include <string>
#include <string_view>

namespace nanomq
{

/// Sets up what every Poco::Logger of this process writes to, as `log.*` says.
///
/// Lines go through a bounded queue to a thread of their own: no worker ever waits for a disk or
/// a terminal. When the queue is full, lines are lost, and how many is logged. Console means
/// standard error; standard output belongs to the ready line.
/// @param stateDir  where the log file goes when `log.dir` is empty.
/// Throws Poco::FileException when the log's folder cannot be made. Thread: [main].
void startLogging(const LogConfig& config, const std::string& stateDir);

/// Writes what is queued and closes the files. Thread: [main].
void stopLogging();

/// Sets the level of all loggers: "error", "debug" and the like. False for another word.
/// Thread: [any].
bool setLogLevel(const std::string& level);
/// Thread: [any].
std::string_view logLevel();

} // namespace nanomq
