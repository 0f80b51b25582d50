#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace nanomq::sandbox
{

/// What a sandboxed plugin's process may have.
struct Limits
{
    std::uint64_t memoryBytes; ///< of address space that is written to (RLIMIT_DATA)
    bool network;              ///< whether it may open sockets to other machines
};

/// Takes from this process what no plugin needs: for good, and from all it will start. No new
/// programs, no looking into other processes, no other user, no mounting, modules, clocks; no
/// core file, 256 descriptors, and its share of memory. What is forbidden fails with EPERM.
/// Returns why not, if it cannot. Thread: the only one there is.
std::optional<std::string> confine(const Limits& limits);

} // namespace nanomq::sandbox
