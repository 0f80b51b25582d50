#pragma once

#include "net/TlsTicketKeys.h"

#include <Poco/Net/Context.h>

#include <memory>
#include <string>
#include <vector>

namespace nanomq
{

/// What a TLS listener presents and demands. Files are PEM.
struct TlsSettings
{
    /// With their chains. A client that names a host (SNI) gets the first whose names match, else
    /// the first of all.
    std::vector<std::string> certificateFiles;
    std::vector<std::string> keyFiles; // one a certificate, in the same order
    std::string keyPassword;           // of all keys that are encrypted
    std::string authorityFile;         // who may sign clients' certificates
    std::string revocationFile;        // list of those withdrawn; empty: none
    bool verifyPeer = false;           // ask for a certificate; one that comes must be good
    bool requirePeerCertificate = false; // no certificate, no connection
};

/// Certificates, keys and rules of a TLS listener, loaded and ready: TLS 1.2 and 1.3, session
/// tickets, no renegotiation, buffers released when idle. Does not change; a reload makes
/// another one, and connections keep theirs. Thread: [any].
class TlsContext
{
public:
    /// Loads all files. Throws Poco::Net::SSLContextException that names the file and what is
    /// wrong with it. @param tickets  outlives the context.
    TlsContext(const TlsSettings& settings, TlsTicketKeys& tickets);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    /// For a connection's SSL object. Requires: this outlives that object's handshake.
    SSL_CTX* handle() const { return _contexts.front()->sslContext(); }
    bool verifiesPeer() const noexcept { return _verifiesPeer; }

private:
    static int chooseByServerName(SSL* connection, int* alert, void* self);
    void choose(SSL* connection, const char* host) const;

    std::vector<Poco::Net::Context::Ptr> _contexts; // one a certificate, alike in all else
    const bool _verifiesPeer;
};

} // namespace nanomq
