#pragma once

#include <cstddef>

namespace nanomq
{

/// Three quarters of the memory this machine has, or the container (cgroup) this process is in:
/// what the broker may use when nobody says otherwise. The rest is for what it does not count,
/// such as the system's socket buffers, plugins, and what the allocator loses. 0: not known.
/// Thread: [main].
std::size_t shareOfMachineMemory();

} // namespace nanomq
