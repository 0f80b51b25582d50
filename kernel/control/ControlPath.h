#pragma once

#include <cstddef>
#include <string>

namespace nanomq
{

/// The longest path a Unix socket can have, in bytes.
inline constexpr std::size_t kMaximumControlPath = 107;

/// Where a broker of this user listens when --control does not say: /run/nanomq/nanomq.sock for
/// root, else $XDG_RUNTIME_DIR/nanomq.sock, else /tmp/nanomq-UID/nanomq.sock. Thread: [main].
std::string defaultControlPath();

/// Makes the folder of defaultControlPath() where it is one of ours (/run/nanomq,
/// /tmp/nanomq-UID), with mode 0700; any other path is left alone. Throws
/// Poco::FileAccessDeniedException when it belongs to somebody else or others may write there:
/// who can write there could stand in for the broker. Thread: [main].
void prepareControlFolder(const std::string& path);

/// Throws Poco::InvalidArgumentException when the path is empty or too long.
void checkControlPath(const std::string& path);

} // namespace nanomq
