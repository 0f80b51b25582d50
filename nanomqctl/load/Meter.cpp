#include "load/Meter.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

namespace nanomq::load
{

namespace
{

std::uint64_t nanoseconds(const timespec& time) noexcept
{
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
}

std::uint64_t contextSwitchesOf(const std::filesystem::path& status)
{
    std::ifstream file(status);
    std::uint64_t switches = 0;
    for (std::string name; file >> name;)
    {
        if (name == "voluntary_ctxt_switches:" || name == "nonvoluntary_ctxt_switches:")
        {
            std::uint64_t count = 0;
            file >> count;
            switches += count;
        }
    }
    return switches;
}

} // namespace

std::uint64_t nowNs() noexcept
{
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return nanoseconds(time);
}

std::uint64_t cpuOf(pid_t process) noexcept
{
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
    return nanoseconds(time);
}

Usage usageOf(pid_t process)
{
    constexpr std::uint64_t kKiB = 1024;
    Usage usage;
    const std::filesystem::path folder = "/proc/" + std::to_string(process);
    std::ifstream status(folder / "status");
    for (std::string name; status >> name;)
    {
        std::uint64_t value = 0;
        if (name == "VmRSS:" && status >> value) usage.residentBytes = value * kKiB;
        else if (name == "RssAnon:" && status >> value) usage.anonymousBytes = value * kKiB;
        else if (name == "Threads:" && status >> value)
            usage.threads = static_cast<unsigned>(value);
    }
    std::error_code gone;
    for (const auto& task : std::filesystem::directory_iterator(folder / "task", gone))
        usage.contextSwitches += contextSwitchesOf(task.path() / "status");
    usage.cpuNs = cpuOf(process);
    usage.atNs = nowNs();
    return usage;
}

} // namespace nanomq::load
