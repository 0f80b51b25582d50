#include "TlsPeer.h"

#include <cppunit/TestAssert.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

namespace nanomq::test
{

TlsPeer::TlsPeer(Peer& peer, const TlsOptions& options)
    : _peer(peer),
      _piece(options.piece),
      _context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
      _ssl(nullptr, &SSL_free),
      _in(BIO_new(BIO_s_mem())),
      _out(BIO_new(BIO_s_mem()))
{
    SSL_CTX_set_security_level(_context.get(), 0); // the server has to refuse what is old
    SSL_CTX_set_min_proto_version(_context.get(), options.version);
    SSL_CTX_set_max_proto_version(_context.get(), options.version);
    if (!options.certificate.empty())
    {
        CPPUNIT_ASSERT(SSL_CTX_use_certificate_file(_context.get(), options.certificate.c_str(),
                                                    SSL_FILETYPE_PEM) == 1);
        CPPUNIT_ASSERT(SSL_CTX_use_PrivateKey_file(_context.get(), options.key.c_str(),
                                                   SSL_FILETYPE_PEM) == 1);
    }
    _ssl.reset(SSL_new(_context.get()));
    if (!options.serverName.empty())
        SSL_set_tlsext_host_name(_ssl.get(), options.serverName.c_str());
    if (options.session) SSL_set_session(_ssl.get(), options.session);
    SSL_set_bio(_ssl.get(), _in, _out);
    SSL_set_connect_state(_ssl.get());
}

void TlsPeer::flush()
{
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(_out, &bytes);
    std::string_view all(bytes, static_cast<std::size_t>(size));
    while (!all.empty())
    {
        const std::size_t here = _piece == 0 ? all.size() : std::min(_piece, all.size());
        if (!_peer.offer(all.substr(0, here))) break; // what the server said can still be read
        if (_piece != 0) _peer.waitUntilRead();
        all.remove_prefix(here);
    }
    (void)BIO_reset(_out);
}

bool TlsPeer::fill()
{
    const std::string some = _peer.receiveSome();
    return !some.empty() &&
           BIO_write(_in, some.data(), static_cast<int>(some.size())) == static_cast<int>(some.size());
}

/// Returns what SSL_get_error() says once it is not that more has to be read.
int TlsPeer::attempt(int result)
{
    flush();
    return result > 0 ? SSL_ERROR_NONE : SSL_get_error(_ssl.get(), result);
}

bool TlsPeer::handshake()
{
    while (true)
    {
        ERR_clear_error();
        const int error = attempt(SSL_do_handshake(_ssl.get()));
        if (error == SSL_ERROR_NONE) return true;
        if (error != SSL_ERROR_WANT_READ || !fill()) return false;
    }
}

void TlsPeer::send(std::string_view text)
{
    ERR_clear_error();
    CPPUNIT_ASSERT_EQUAL(SSL_ERROR_NONE, attempt(SSL_write(_ssl.get(), text.data(),
                                                           static_cast<int>(text.size()))));
}

std::string TlsPeer::receive(std::size_t size)
{
    std::string bytes;
    std::array<char, 16 * 1024> part;
    while (bytes.size() < size)
    {
        ERR_clear_error();
        const auto want = static_cast<int>(std::min(part.size(), size - bytes.size()));
        const int got = SSL_read(_ssl.get(), part.data(), want);
        const int error = attempt(got);
        if (error == SSL_ERROR_NONE) bytes.append(part.data(), static_cast<std::size_t>(got));
        else if (error != SSL_ERROR_WANT_READ || !fill()) break;
    }
    return bytes;
}

std::string TlsPeer::receiveMessage()
{
    const std::string head = receive(4);
    CPPUNIT_ASSERT_EQUAL_MESSAGE("the end came", std::size_t{4}, head.size());
    std::size_t size = 0;
    for (const char byte : head) size = size << 8 | static_cast<unsigned char>(byte);
    return receive(size);
}

void TlsPeer::finish()
{
    SSL_shutdown(_ssl.get());
    flush();
}

bool TlsPeer::endsWithGoodbye()
{
    CPPUNIT_ASSERT_EQUAL(std::string(), receive(1));
    return SSL_get_shutdown(_ssl.get()) & SSL_RECEIVED_SHUTDOWN;
}

std::shared_ptr<SSL_SESSION> TlsPeer::session() const
{
    return {SSL_get1_session(_ssl.get()), &SSL_SESSION_free};
}

std::string TlsPeer::serverName() const
{
    std::array<char, 100> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(_ssl.get())),
                              NID_commonName, name.data(), name.size());
    return name.data();
}

} // namespace nanomq::test
