#pragma once

#include "config/ConfigValue.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace nanomq
{

/// Where to listen: "nmq-tcp://127.0.0.1:1883".
struct ListenerUrl
{
    enum class Transport : std::uint8_t
    {
        Tcp,
        Tls,
        WebSocket,
        WebSocketTls,
        Unix,
    };

    Transport transport = Transport::Tcp;
    std::string scheme;     // as written, in small letters
    std::string host;       // an address or a name, IPv6 without its brackets; empty for Unix
    std::uint16_t port = 0; // 0: any free one
    std::string path;       // of WebSocket ("/mqtt") and Unix

    /// Whether only this machine can reach it: 127.0.0.0/8, ::1, "localhost", a Unix socket.
    /// Any other name counts as beyond, whatever it resolves to.
    bool isLoopback() const;
    /// "nmq-tcp://[::1]:1883".
    std::string text() const;
};

/// Reads nmq-tcp:// and mqtt-tcp://, tls+nmq-tcp:// and tls+mqtt-tcp://, nmq-ws://, nmq-wss://
/// and unix://path. A port that is left out is NanoMQ's: 1883, 8883, 8083, 8084.
ConfigValue<ListenerUrl> parseListenerUrl(std::string_view text);

} // namespace nanomq
