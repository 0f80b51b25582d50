#include "plugin/PluginProbe.h"
#include "plugin/SandboxChild.h"

#include <string_view>

/// Stands for `nanomq --probe FILE` and `nanomq --sandbox LIMITS`.
int main(int argc, char** argv)
{
    if (argc != 3) return 2;
    const std::string_view what = argv[1];
    if (what == "--sandbox") return nanomq::runSandbox(argv[2]);
    return what == "--probe" ? nanomq::probePlugin(argv[2]) : 2;
}
