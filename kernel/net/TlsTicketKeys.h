#pragma once

#include "base/Clock.h"

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <mutex>

namespace nanomq
{

/// The keys that seal session tickets (RFC 5077), by which a client comes back without a whole
/// handshake and without the server keeping anything. A listener has one set for all workers and
/// across reloads. A key is in use for 12 hours, and accepted for 12 more. Thread: [any].
class TlsTicketKeys
{
public:
    static constexpr MonotonicMs kLifeMs = 12LL * 3600 * 1000;

    TlsTicketKeys();

    /// Makes a context use them. Requires: they outlive the context.
    void attach(SSL_CTX* context);
    /// Forgets all keys: every ticket that was given out is void.
    void renew();

private:
    struct Key
    {
        std::array<std::uint8_t, 16> name;
        std::array<std::uint8_t, 32> cipher;
        std::array<std::uint8_t, 32> mac;
        MonotonicMs madeAt;
    };

    static Key makeKey(MonotonicMs now);
    static int process(SSL* connection, unsigned char* name, unsigned char* vector,
                       EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing);
    int seal(unsigned char* name, unsigned char* vector, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac);
    int open(const unsigned char* name, const unsigned char* vector, EVP_CIPHER_CTX* cipher,
             EVP_MAC_CTX* mac);
    void rotate(MonotonicMs now);

    std::mutex _mutex; // guards the keys
    Key _current;
    Key _previous;
};

} // namespace nanomq
