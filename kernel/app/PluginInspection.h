#pragma once

#include <iosfwd>
#include <string>

namespace nanomq
{

/// What `nanomq --inspect FILE` does, for `nanomqctl plugin check`: takes a plugin's library through
/// gate, schema and probe as a load would, and prints all that was found as one JSON object:
/// "fits", "refused" (sentences), and what the library says of itself. Returns the exit status, 0
/// when a load would let it in. Thread: [main].
int inspectPluginFile(const std::string& file, std::ostream& out);

} // namespace nanomq
