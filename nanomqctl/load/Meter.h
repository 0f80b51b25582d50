#pragma once

#include <cstdint>
#include <sys/types.h>

namespace nanomq::load
{

/// Nanoseconds of a clock that only goes forward, the same for all processes of the machine.
std::uint64_t nowNs() noexcept;

/// What one process has used up to now.
struct Usage
{
    std::uint64_t atNs = 0;
    std::uint64_t cpuNs = 0;           ///< of all its threads, ended ones included
    std::uint64_t residentBytes = 0;   ///< VmRSS
    std::uint64_t anonymousBytes = 0;  ///< RssAnon: heap and stacks, without files
    std::uint64_t contextSwitches = 0; ///< of the threads that live
    unsigned threads = 0;
};

/// Reads it; all zero but `atNs` when there is no such process. Costs some /proc files, so it is
/// not for the middle of a measurement. Thread: [any].
Usage usageOf(pid_t process);

/// CPU time of a process alone, in nanoseconds; cheap.
std::uint64_t cpuOf(pid_t process) noexcept;

} // namespace nanomq::load
