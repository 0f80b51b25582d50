#pragma once

#include "nanomq/types.h"

namespace nanomq::sdk
{
inline namespace v1
{

/// Ways into the broker that a plugin brings: other sockets, other framings, other networks.
///
/// The plugin listens, on threads of its own (Tasks::thread()), at URLs of its own configuration and
/// with schemes of its own, and hands each connection over as a connected stream socket that carries
/// MQTT's bytes. What is no such socket, or has a framing of its own, is pumped: the plugin hands over
/// one end of a socketpair(2) and copies between the other end and its network.
///
/// So no code of the plugin runs for a packet, nothing of it can hold up a worker, and connections
/// that were handed over as they are outlive the plugin. Those it pumps end with its threads.
class Transports
{
public:
    static constexpr const char* kInterface = "nanomq.transports/1";

    /// Names a way in: `url` is what hooks and listings show as the listener of its clients,
    /// "abstract://nanomq". The same URL gives the same door, also after a reload. -EINVAL for a
    /// text that is no URL or has a scheme of the broker's own, -EEXIST for a URL that the broker
    /// listens at itself, -ENOSPC when there are 64 doors. [any]
    virtual Status door(Str url, std::uint64_t* door) = 0;
    /// Hands over a connected stream socket; the broker owns the descriptor from now on, also when
    /// it refuses. It is a client like any other: limits, hooks and `allow_anonymous` hold.
    /// -EINVAL for what is no connected stream socket or no door, -ENOBUFS when 1,024 wait,
    /// -ECANCELED when the broker stops. [any]
    /// @param peerAddress  for hooks and logs: an address, or a name; at most 255 bytes are kept.
    virtual Status accept(std::uint64_t door, int descriptor, Str peerAddress,
                          std::uint16_t peerPort) = 0;

protected:
    ~Transports() = default;
};

} // namespace v1
} // namespace nanomq::sdk
