#pragma once

#include "net/HandshakeBudget.h"
#include "net/PeerAddress.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct iovec;

namespace nanomq
{

/// What the transports of a connection have learned about its far end.
struct PeerFacts
{
    std::optional<PeerAddress> source; // told by a PROXY header
    // Of the client's certificate, if one was asked for and verified:
    std::string commonName;
    std::string alternativeName; // the first DNS name, e-mail address or URI in it
    std::string subject;         // as RFC 2253 writes it: "CN=device7,O=Plant"
};

/// What all transports of a broker count. Thread: [any].
struct TransportCounters
{
    std::atomic<std::uint64_t> tlsHandshakes{0};       // finished
    std::atomic<std::uint64_t> tlsHandshakesFailed{0}; // ended by an error of either side
    std::atomic<std::uint64_t> webSocketUpgrades{0};
    std::atomic<std::uint64_t> webSocketsRefused{0}; // no upgrade, or a frame against the rules
    std::atomic<std::uint64_t> proxyHeadersRefused{0};
};

/// What lies between a socket and MQTT's bytes: TLS, WebSocket, a PROXY header. Transports stand
/// on one another, the lowest on the socket; Connection drives the topmost. A connection without
/// any talks to its socket directly, and pays nothing for this.
///
/// The owner receives while any worker may send, at the same time; of senders there is one at a
/// time. A transport has output of its own (a handshake, an alert, a pong): it makes it while
/// receiving, says so by pending(), and sends it with the next send().
class Transport
{
public:
    /// receive() is never given less room than this.
    static constexpr std::size_t kMinimumRoom = 64 * 1024;

    virtual ~Transport() = default;

    /// Reads from below and gives on what is in there for above: bytes, 0 at the end of the
    /// stream, -1 with errno. EAGAIN: nothing for above at the moment; EPROTO: see failure().
    /// All that was read is given, so nothing waits in here unless the socket is readable.
    /// @param buffer, size  also room to work in: all of it may be overwritten.
    /// Thread: [worker].
    virtual std::int64_t receive(std::uint8_t* buffer, std::size_t size,
                                 HandshakeBudget& handshakes) = 0;
    /// Sends output of its own first, then takes from the parts: bytes taken, which will be sent
    /// for sure unless the connection fails; -1 with errno. What was not taken comes again, at
    /// the front. With no parts it sends its own output only.
    /// Thread: the flushing worker; one at a time.
    virtual std::int64_t send(const iovec* parts, int count) = 0;
    /// Whether output of its own, or such that it has taken, waits to be sent. Requires: nobody
    /// is in send(). Thread: [worker], any.
    virtual bool pending() const noexcept = 0;
    /// Says goodbye: the next send() carries it. Nothing is received any more. [worker]
    virtual void finish() = 0;

    /// Whether it is ready for bytes of above: before, only its own output may be sent. [worker]
    virtual bool established() const noexcept = 0;
    /// Whether the far end has said goodbye, or failed: nothing more will be received, however
    /// long the socket stays open. [worker]
    virtual bool ended() const noexcept = 0;
    /// Why the connection has to be closed; empty: nothing is wrong. [worker]
    virtual std::string_view failure() const noexcept = 0;
    /// Adds what it knows. Requires: established. [worker]
    virtual void describe(PeerFacts& facts) const = 0;
};

/// The lowest one: a socket. It does not own the descriptor.
class SocketTransport final : public Transport
{
public:
    explicit SocketTransport(int descriptor) noexcept : _descriptor(descriptor) {}

    std::int64_t receive(std::uint8_t* buffer, std::size_t size,
                         HandshakeBudget& handshakes) override;
    std::int64_t send(const iovec* parts, int count) override;
    bool pending() const noexcept override { return false; }
    void finish() override {}
    bool established() const noexcept override { return true; }
    bool ended() const noexcept override { return false; }
    std::string_view failure() const noexcept override { return {}; }
    void describe(PeerFacts&) const override {}

private:
    const int _descriptor;
};

/// Writes the parts with one system call, as sendmsg(2); no signal when the peer is gone.
std::int64_t sendParts(int descriptor, const iovec* parts, int count) noexcept;

} // namespace nanomq
