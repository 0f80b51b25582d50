#pragma once

#include "config/Configuration.h"
#include "config/ListenerUrl.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nanomq
{

/// What a TLS listener presents and demands: listener.NAME.tls.*, or tls.* where that is not set.
struct TlsConfig
{
    enum class UserNameFrom : std::uint8_t
    {
        None, // from CONNECT
        CommonName,
        AlternativeName,
    };

    std::vector<std::string> certificateFiles; // certfile: at least one
    std::vector<std::string> keyFiles;         // keyfile: as many
    std::string keyPassword;
    std::string authorityFile;          // cacertfile
    std::string revocationFile;         // crlfile
    bool verifyPeer = false;
    bool requirePeerCertificate = false; // fail_if_no_peer_cert
    UserNameFrom userNameFrom = UserNameFrom::None;
};

/// The file of a Unix socket: listener.NAME.unix.*.
struct UnixFileConfig
{
    unsigned mode = 0660;
    std::string owner; // name or number; empty: nothing is changed
    std::string group;
};

/// What clients may do: listener.NAME.limit.*, or limit.* where that is not set. 0: no limit.
struct ClientLimitConfig
{
    std::size_t topicLengthBytes = 65'535;
    std::size_t userProperties = 0;
    std::size_t filtersPerSubscribe = 0;
    std::size_t subscriptions = 0;
    std::uint64_t packetsPerSecond = 0;
    std::uint64_t bytesPerSecond = 0;
    std::chrono::milliseconds slowTimeout{};
    std::size_t connectionsPerAddress = 0;
    std::uint64_t connectsPerSecond = 0;
};

struct ListenerConfig
{
    std::string name; // "url", "url.2" and so on for `url`; "tls", "websocket", "websocket.tls" for
                      // NanoMQ's keys; NAME for listener.NAME.url
    ListenerUrl url;
    std::string where;

    std::optional<bool> allowAnonymous; // nothing: as for all
    unsigned maxConnections = 0;        // 0: no limit of its own
    std::string mountPoint;             // in front of its clients' topics; empty: nothing
    bool proxyProtocol = false;
    ClientLimitConfig limits;
    TlsConfig tls;       // of TLS and secure WebSocket
    UnixFileConfig file; // of a Unix socket
};

/// @param prefix  of the listener's own keys, "listener.plant."; empty: it has none.
ClientLimitConfig readClientLimits(const Settings& settings, const std::string& prefix);

/// Every listener that is set: those of `url`, of tls.enable and websocket.enable, and the named
/// ones. Nothing is said for none. What cannot be is added to `errors`: a URL that is none, the
/// same address twice, keys without their URL or of another transport, TLS without a certificate,
/// demands on clients' certificates that nobody would check.
std::vector<ListenerConfig> readListeners(const Configuration& configuration,
                                          const Settings& settings,
                                          std::vector<ConfigError>& errors);

} // namespace nanomq
