#pragma once

#include "http/Endpoint.h"

#include <Poco/Net/SecureStreamSocket.h>

namespace http
{

/// The TLS half of an Endpoint: one context for all its connections.
struct Endpoint::Secure
{
    Poco::Net::Context::Ptr context;
    std::string serverName; ///< for SNI; empty for an address, which has no business there

    /// Shakes hands on a connected socket. Throws Poco::Net::SSLException, which says why the
    /// server's certificate was not accepted.
    Poco::Net::SecureStreamSocket handshake(const Poco::Net::StreamSocket& socket) const;
};

} // namespace http
