#pragma once

#include "net/TlsContext.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace nanomq
{

/// Where a client's user name comes from.
enum class UserNameSource : std::uint8_t
{
    Connect,         // its CONNECT packet
    CommonName,      // the common name of its certificate
    AlternativeName, // the first DNS name, e-mail address or URI among its alternative names
};

/// What each client of a listener may do, at most; 0: no limit.
struct ClientLimits
{
    std::size_t topicLength = 65'535;       // bytes of a Topic Name or Topic Filter
    std::size_t userProperties = 0;         // in one packet
    std::size_t filtersPerSubscribe = 0;    // in one SUBSCRIBE
    std::size_t subscriptions = 0;          // of a session
    std::uint64_t packetsPerSecond = 0;     // that it sends; beyond, it is made to wait
    std::uint64_t bytesPerSecond = 0;       // likewise
    std::chrono::milliseconds slowTimeout{0}; // without taking a byte while some wait for it
};

/// One listener, as it is configured.
struct ListenerSettings
{
    std::string name;   // "url", "plant"
    std::string scheme; // decides on the transports, see Transports: "nmq-tcp"
    std::string host;   // an address or a name; empty: a Unix socket
    std::uint16_t port = 0; // 0: any free one
    std::string path;       // of a WebSocket ("/mqtt"), or of the Unix socket

    std::optional<bool> allowAnonymous; // nothing: as the broker has it
    std::size_t maximumConnections = 0; // 0: no limit of its own
    std::string mountPoint;             // in front of its clients' topics; empty: nothing
    std::size_t maximumPerAddress = 0;  // connections from one address; 0: no limit
    std::uint64_t connectsPerSecond = 0; // accepted connections; 0: no limit
    ClientLimits limits;
    bool proxyProtocol = false;         // a PROXY header must stand in front

    TlsSettings tls;
    UserNameSource userNameFrom = UserNameSource::Connect;

    // Of a Unix socket.
    unsigned mode = 0660;
    std::string owner; // name or number; empty: whoever runs the broker
    std::string group;
};

} // namespace nanomq
