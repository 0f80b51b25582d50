#pragma once

#include "broker/RecentCounts.h"
#include "session/DeliveryQueue.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace nanomq
{

/// Who may read what the broker says of itself, when no plugin decides (see isSystemTopic()).
enum class SystemReaders : std::uint8_t
{
    Nobody,
    Loopback, // clients of this machine: 127.0.0.0/8, ::1, Unix sockets
    Everybody,
};

/// What the configuration decides about the broker's behaviour, checked and in its own types.
struct BrokerSettings
{
    unsigned workers = 1; // 1 to 32
    /// Nothing: as long as no plugin has ever checked who comes in.
    std::optional<bool> allowAnonymous;

    std::uint32_t maximumPacketSize = 10 * 1024 * 1024; // bytes a client may send in one packet
    std::uint16_t receiveMaximum = 4096;    // QoS 2 messages a 5.0 client may leave unreleased
    std::uint16_t topicAliasMaximum = 64;   // aliases a 5.0 client may set
    std::uint16_t inflightWindow = 2048;   // messages in flight to a client, at most
    unsigned maximumTopicLevels = 128;     // of a Topic Name or Topic Filter; 1 to 128
    std::uint32_t maximumSessionExpiry = 0xFFFFFFFF; // seconds
    QoS maximumQoS = QoS::ExactlyOnce;     // of what clients publish
    bool retainAvailable = true;           // whether clients may publish retained messages
    std::uint16_t keepAliveMaximum = 0;    // seconds a 5.0 client may ask for; 0: no limit
    std::string responseInformation;       // what it begins with (§3.2.2.3.15); empty: none
    std::uint32_t keepAliveFactorPermille = 1500; // of Keep Alive, until a silent client is dropped
    std::chrono::milliseconds connectTimeout{10'000};
    std::size_t maximumConnections = 0; // 0: no limit but the system's

    SystemReaders systemReaders = SystemReaders::Loopback;

    QueueLimits queue;
    std::size_t maximumUnsent = 4 * 1024 * 1024; // bytes of output a connection

    std::size_t retainedMessages = 0; // 0: no limit
    std::size_t retainedBytes = 0;    // 0: no limit

    /// Memory of all connections whose CONNECT was not accepted yet; 0: no limit.
    std::size_t connectMemory = 16 * 1024 * 1024;
    std::size_t memoryLimit = 0; // of the broker, see MemoryBudget; 0: none

    AutoBan failedLogins; // of an address
    AutoBan flapping;     // connects of a Client Identifier
};

} // namespace nanomq
