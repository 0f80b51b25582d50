#pragma once

#include "base/Bytes.h"
#include "base/FutexLock.h"
#include "net/TlsContext.h"
#include "net/Transport.h"

#include <openssl/ssl.h>

#include <atomic>
#include <memory>
#include <vector>

namespace nanomq
{

/// The server's side of TLS: OpenSSL between memory and memory, so that it never waits.
///
/// One lock covers every call on the SSL object, for the owner decrypts while some other worker
/// encrypts; no system call is made under it. A sender encrypts one record, of 16 KiB at most,
/// and only when all ciphertext made before has been sent: a slow client holds no more than that.
/// An idle connection holds no buffers.
class TlsTransport final : public Transport
{
public:
    TlsTransport(std::unique_ptr<Transport> below, std::shared_ptr<const TlsContext> context,
                 TransportCounters& counters);
    ~TlsTransport() override;

    std::int64_t receive(std::uint8_t* buffer, std::size_t size,
                         HandshakeBudget& handshakes) override;
    std::int64_t send(const iovec* parts, int count) override;
    bool pending() const noexcept override;
    void finish() override;
    bool established() const noexcept override { return _established; }
    bool ended() const noexcept override { return _ended || !_failure.empty(); }
    std::string_view failure() const noexcept override
    {
        return _failure.empty() ? _below->failure() : _failure;
    }
    void describe(PeerFacts& facts) const override;

private:
    struct Callbacks; // OpenSSL's way to our bytes

    std::size_t decrypt(std::uint8_t* buffer, std::size_t size);
    void stopReading(int result);
    void fail();
    std::int64_t encrypt(const iovec* parts, int count);
    bool drain();

    const std::unique_ptr<Transport> _below;
    const std::shared_ptr<const TlsContext> _context;
    TransportCounters& _counters;

    mutable FutexLock _lock; // guards the next three
    std::unique_ptr<SSL, decltype(&SSL_free)> _ssl;
    ByteView _arrived;                    // ciphertext that OpenSSL has not taken yet
    std::vector<std::uint8_t> _encrypted; // and what it has made
    std::atomic<bool> _hasEncrypted{false};

    // The owner's.
    std::string _failure;
    bool _established = false;
    bool _ended = false;
    bool _finished = false;

    // The sender's; one at a time.
    std::vector<std::uint8_t> _sending;
    std::size_t _sent = 0;
};

} // namespace nanomq
