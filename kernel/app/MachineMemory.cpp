#include "app/MachineMemory.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <unistd.h>

namespace nanomq
{

namespace
{

/// The number in a file of the cgroup; the largest there is when it says "max" or is not there.
std::size_t limitIn(const std::string& path)
{
    std::ifstream file(path);
    std::size_t bytes = 0;
    return file >> bytes ? bytes : SIZE_MAX;
}

/// The least of this cgroup's limit and those above it: each holds.
std::size_t cgroupLimit()
{
    std::size_t least = limitIn("/sys/fs/cgroup/memory/memory.limit_in_bytes"); // version 1
    std::ifstream membership("/proc/self/cgroup");
    for (std::string line; std::getline(membership, line);)
    {
        if (!line.starts_with("0::/")) continue; // version 2
        for (std::string path = line.substr(3);; path.erase(path.rfind('/')))
        {
            least = std::min(least, limitIn("/sys/fs/cgroup" + path + "/memory.max"));
            if (path.empty()) break;
        }
    }
    return least;
}

} // namespace

std::size_t shareOfMachineMemory()
{
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long size = ::sysconf(_SC_PAGESIZE);
    if (pages <= 0 || size <= 0) return 0;
    const auto machine = static_cast<std::size_t>(pages) * static_cast<std::size_t>(size);
    return std::min(machine, cgroupLimit()) / 4 * 3;
}

} // namespace nanomq
