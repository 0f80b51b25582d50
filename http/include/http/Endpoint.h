#pragma once

#include "http/Address.h"

#include <chrono>
#include <memory>
#include <string>

namespace http
{

/// How an HTTPS server is known, and how it knows us.
struct TlsSettings
{
    /// Whether the server's certificate must be valid and be that of its name. False lets anybody
    /// in between read and answer.
    bool verify = true;
    std::string authorityFile;   ///< PEM; empty: the certificate authorities of the system
    std::string certificateFile; ///< PEM, a chain; empty: no client certificate
    std::string keyFile;         ///< PEM; needed with a certificate
    std::string keyPassword;     ///< for an encrypted key
    std::string serverName; ///< asked for (SNI) and looked for in the certificate; empty: the host

    bool operator==(const TlsSettings&) const = default;
};

/// An HTTP server as a client sees it: what all connections to it share. Immutable.
///
/// Thread: [any].
class Endpoint
{
public:
    struct Settings
    {
        Address address;
        std::chrono::milliseconds connectTimeout{5'000}; ///< TCP and TLS; not the look-up of a name
        std::chrono::milliseconds timeout{5'000};        ///< from then to the answer's end
        TlsSettings tls;                                 ///< used when the address is secure
    };

    /// Reads the files of a secure endpoint. Throws Poco::Net::SSLContextException, whose message()
    /// names the file and what is wrong with it.
    explicit Endpoint(Settings settings);
    ~Endpoint();
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    const Settings& settings() const noexcept { return _settings; }
    const Address& address() const noexcept { return _settings.address; }

private:
    friend class Connection;
    struct Secure;

    const Settings _settings;
    std::unique_ptr<const Secure> _secure; // empty for http://
};

} // namespace http
