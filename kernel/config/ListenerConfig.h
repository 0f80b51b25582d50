#pragma once

#include "config/Configuration.h"
#include "config/ListenerUrl.h"

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
    TlsConfig tls;       // of TLS and secure WebSocket
    UnixFileConfig file; // of a Unix socket
};

/// Every listener that is set: those of `url`, of tls.enable and websocket.enable, and the named
/// ones. Nothing is said for none. What cannot be is added to `errors`: a URL that is none, the
/// same address twice, keys without their URL or of another transport, TLS without a certificate,
/// demands on clients' certificates that nobody would check.
std::vector<ListenerConfig> readListeners(const Configuration& configuration,
                                          const Settings& settings,
                                          std::vector<ConfigError>& errors);

} // namespace nanomq
