#pragma once

#include <string>
#include <string_view>

namespace nanomq
{

/// The longest request head that asks for a WebSocket, in bytes.
constexpr std::size_t kMaximumUpgradeBytes = 8 * 1024;

/// The answer to a request for a WebSocket (RFC 6455 §4.2): either 101 with the subprotocol
/// chosen, or a refusal, after which the connection is closed.
struct UpgradeAnswer
{
    bool accepted = false;
    std::string response;     // the whole HTTP answer
    std::string_view problem; // why not, in words; empty when accepted
};

/// Judges a request head. It must be a GET of `path` by HTTP/1.1, with Host, with Upgrade and
/// Connection as they should be, version 13, a key of 16 bytes, and one of the subprotocols
/// `mqtt` and `mqttv3.1` [MQTT-6.0.0-3]; the first that the client names is chosen.
/// @param head  all up to and with the empty line.
UpgradeAnswer answerUpgrade(std::string_view head, std::string_view path);

/// The refusal of a head that did not end within kMaximumUpgradeBytes.
UpgradeAnswer refuseLongUpgrade();

/// What Sec-WebSocket-Accept answers to a key (§1.3).
std::string webSocketAccept(std::string_view key);

} // namespace nanomq
