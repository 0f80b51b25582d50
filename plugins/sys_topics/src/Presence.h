#pragma once

#include "nanomq/events.h"

#include <string>

namespace sys_topics
{

inline constexpr const char* kConnectedTopic = "$SYS/brokers/connected";
inline constexpr const char* kDisconnectedTopic = "$SYS/brokers/disconnected";
inline constexpr const char* kStatusTopic = "$SYS/brokers/client_status";

// The bodies of NanoMQ: its keys in its order, times in milliseconds of Unix time, codes as
// hexadecimal text, "undefined" for a client without a user name. Valid JSON whatever the names.

/// NanoMQ 0.8's, for kConnectedTopic.
std::string connectedBody(const nanomq::sdk::ClientConnected& event);
/// NanoMQ 0.8's, for kDisconnectedTopic.
std::string disconnectedBody(const nanomq::sdk::ClientDisconnected& event);
/// Those of later versions, for kStatusTopic.
std::string onlineBody(const nanomq::sdk::ClientConnected& event);
std::string offlineBody(const nanomq::sdk::ClientDisconnected& event);

} // namespace sys_topics
