#pragma once

#include "NetFixture.h"

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

namespace nanomq::test
{

/// What a TLS client brings along and tells.
struct TlsOptions
{
    int version = TLS1_3_VERSION; // no other is offered
    std::string certificate;      // PEM; empty: none
    std::string key;
    std::string serverName;       // SNI; empty: none
    SSL_SESSION* session = nullptr; // to resume
    std::size_t piece = 0;          // bytes that go out at a time; 0: all at once
};

/// A TLS client on a Peer, between memory and memory: what goes over the line, and in which
/// pieces, is up to the test.
class TlsPeer
{
public:
    explicit TlsPeer(Peer& peer, const TlsOptions& options = {});
    /// Keeps its session resumable, though nobody may have said goodbye.
    ~TlsPeer() { SSL_set_shutdown(_ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }

    /// Whether the handshake succeeds. With TLS 1.3 the server's verdict on the client's
    /// certificate comes with the first bytes that are read.
    bool handshake();

    void send(std::string_view text);
    void sendMessage(std::string_view text) { send(Peer::framed(text)); }
    /// Exactly so many bytes, or what came before the end.
    std::string receive(std::size_t size);
    std::string receiveMessage();
    /// Says close_notify.
    void finish();
    /// Waits until the other side has ended the stream; whether it said close_notify before.
    bool endsWithGoodbye();

    bool resumed() const { return SSL_session_reused(_ssl.get()) == 1; }
    std::shared_ptr<SSL_SESSION> session() const;
    /// Common name of the server's certificate.
    std::string serverName() const;

private:
    void flush();
    bool fill();
    int attempt(int result);

    Peer& _peer;
    const std::size_t _piece;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> _context;
    std::unique_ptr<SSL, decltype(&SSL_free)> _ssl;
    BIO* _in;
    BIO* _out;
};

} // namespace nanomq::test
