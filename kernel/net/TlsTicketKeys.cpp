#include "net/TlsTicketKeys.h"

#include <Poco/Net/SSLException.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace nanomq
{

namespace
{

bool useMac(EVP_MAC_CTX* mac, const std::array<std::uint8_t, 32>& key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                          const_cast<std::uint8_t*>(key.data()), key.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

} // namespace

TlsTicketKeys::TlsTicketKeys() : _current(makeKey(monotonicNow())), _previous(_current) {}

TlsTicketKeys::Key TlsTicketKeys::makeKey(MonotonicMs now)
{
    Key key;
    key.madeAt = now;
    if (RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) != 1 ||
        RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) != 1 ||
        RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) != 1)
        throw Poco::Net::SSLException("no random bytes for session tickets");
    return key;
}

void TlsTicketKeys::attach(SSL_CTX* context)
{
    SSL_CTX_set_app_data(context, this);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &TlsTicketKeys::process);
}

void TlsTicketKeys::renew()
{
    std::lock_guard guard(_mutex);
    _current = _previous = makeKey(monotonicNow());
}

void TlsTicketKeys::rotate(MonotonicMs now)
{
    const MonotonicMs age = now - _current.madeAt;
    if (age < kLifeMs) return;
    Key fresh = makeKey(now);
    _previous = age < 2 * kLifeMs ? _current : fresh;
    _current = fresh;
}

int TlsTicketKeys::process(SSL* connection, unsigned char* name, unsigned char* vector,
                           EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing)
{
    auto* const self =
        static_cast<TlsTicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
    try
    {
        return sealing ? self->seal(name, vector, cipher, mac)
                       : self->open(name, vector, cipher, mac);
    }
    catch (const Poco::Exception&)
    {
        return -1; // OpenSSL is C: the handshake fails
    }
}

int TlsTicketKeys::seal(unsigned char* name, unsigned char* vector, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac)
{
    std::lock_guard guard(_mutex);
    rotate(monotonicNow());
    if (RAND_bytes(vector, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    std::copy(_current.name.begin(), _current.name.end(), name);
    const bool ready = EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr,
                                          _current.cipher.data(), vector) == 1 &&
                       useMac(mac, _current.mac);
    return ready ? 1 : -1;
}

int TlsTicketKeys::open(const unsigned char* name, const unsigned char* vector,
                        EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac)
{
    constexpr int kUnknown = 0, kGood = 1, kGoodButOld = 2;
    std::lock_guard guard(_mutex);
    rotate(monotonicNow());
    const bool current = std::equal(_current.name.begin(), _current.name.end(), name);
    if (!current && !std::equal(_previous.name.begin(), _previous.name.end(), name))
        return kUnknown;
    const Key& key = current ? _current : _previous;
    if (!useMac(mac, key.mac) || EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr,
                                                    key.cipher.data(), vector) != 1)
        return -1;
    return current ? kGood : kGoodButOld;
}

} // namespace nanomq
