#pragma once

#include <cstdint>
#include <string>

namespace nanomq
{

/// The far end of an accepted socket.
struct PeerAddress
{
    std::string address; // "192.0.2.7", "::1"; of a Unix socket the path of its listener
    std::uint16_t port = 0;
};

} // namespace nanomq
