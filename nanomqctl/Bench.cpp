#include "BenchKinds.h"
#include "Shell.h"

#include "load/Stream.h"

#include <array>
#include <iostream>
#include <string_view>
#include <sys/resource.h>

namespace nanomq::ctl
{

namespace
{

struct Kind
{
    std::string_view name;
    int (*run)(const Arguments& arguments);
    std::string_view help;
};

constexpr std::array kKinds = {
    Kind{"conn", benchConnect, "connect many clients, and hold them; or have them come and go"},
    Kind{"pub", benchPublish, "publish from many clients"},
    Kind{"sub", benchSubscribe, "subscribe with many clients, and count what comes"},
    Kind{"pair", benchPair, "both at once: throughput, latency, and whether all came, in order"},
};

/// Each client takes a descriptor.
void raiseDescriptorLimit() noexcept
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

int benchVerb(const Arguments& given)
{
    const Arguments arguments = withWordInFront(given);
    const std::string name = arguments.empty() ? "--help" : arguments.front();
    if (name.starts_with("-"))
    {
        std::cout << "usage: nanomqctl bench KIND [OPTION]...\n"
                     "       nanomqctl bench KIND --help\n\n";
        for (const Kind& kind : kKinds)
            std::cout << "  " << kind.name << std::string(6 - kind.name.size(), ' ') << kind.help
                      << '\n';
        return name == "--help" && !arguments.empty() ? 0 : 2;
    }
    raiseDescriptorLimit();
    for (const Kind& kind : kKinds)
    {
        if (kind.name != name) continue;
        try
        {
            return kind.run(Arguments(arguments.begin() + 1, arguments.end()));
        }
        catch (const load::StreamError& broken)
        {
            throw Failure(broken.what());
        }
    }
    throw UsageError("there is no bench '" + name + "': conn, pub, sub, pair");
}

} // namespace nanomq::ctl
