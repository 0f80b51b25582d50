#include "plugin/PluginProbe.h"

#include <string_view>

/// Stands for `nanomq --probe FILE`.
int main(int argc, char** argv)
{
    if (argc != 3 || std::string_view(argv[1]) != "--probe") return 2;
    return nanomq::probePlugin(argv[2]);
}
