#pragma once

#include <string>

namespace nanomq
{

/// What `nanomq --sandbox LIMITS` does: the other side of sandbox::SandboxedPlugin. Confines this
/// process, then loads one plugin and is the broker for it, until the channel to the real broker
/// ends. `limits`: bytes of memory, then ":network" or ":alone". Returns the exit status if it
/// cannot even begin; else the process ends here. Thread: [main].
int runSandbox(const std::string& limits);

} // namespace nanomq
