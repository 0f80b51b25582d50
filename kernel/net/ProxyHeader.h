#pragma once

#include "base/Bytes.h"
#include "net/PeerAddress.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace nanomq
{

/// What stands in front of a connection that a load balancer passes on: the PROXY protocol,
/// versions 1 (a line of text) and 2 (binary).
struct ProxyHeader
{
    /// The longest that is taken: a header of version 2 carries extensions of any length.
    static constexpr std::size_t kMaximumSize = 4096;

    std::size_t size = 0;              // bytes of it
    std::optional<PeerAddress> source; // nothing: the balancer speaks for itself, or does not know
};

/// What came of reading a ProxyHeader.
struct ProxyReading
{
    enum class State
    {
        Incomplete, // so far it may be one
        Complete,
        Malformed,
    };
    State state = State::Incomplete;
    ProxyHeader header;       // when Complete
    std::string_view problem; // when Malformed
};

/// Reads the header at the front of what has arrived. Tells a malformed one as soon as it can be
/// told, so nobody has to wait for the rest of what is no header.
ProxyReading readProxyHeader(ByteView bytes);

} // namespace nanomq
