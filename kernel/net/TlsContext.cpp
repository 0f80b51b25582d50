#include "net/TlsContext.h"

#include <Poco/Net/SSLException.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace nanomq
{

namespace
{

using Poco::Net::Context;

/// Forward secrecy and authenticated encryption first; CBC for old devices.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:HIGH:!aNULL:"
                                 "!eNULL:!MD5:!PSK:!SRP:!3DES:!CAMELLIA:!ARIA:!SEED:!IDEA";

[[noreturn]] void fail(const std::string& what, const std::string& file)
{
    const unsigned long error = ERR_peek_error();
    ERR_clear_error();
    const char* const reason = error == 0 ? nullptr : ERR_reason_error_string(error);
    throw Poco::Net::SSLContextException(what + " '" + file + "'" +
                                         (reason ? std::string(": ") + reason : std::string()));
}

/// Gives the password to OpenSSL, which otherwise asks at the terminal.
int givePassword(char* buffer, int size, int, void* password)
{
    const auto& text = *static_cast<const std::string*>(password);
    if (text.empty() || text.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(buffer, text.data(), text.size());
    return static_cast<int>(text.size());
}

void useKey(SSL_CTX* context, const std::string& file, const std::string& password)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> source(BIO_new_file(file.c_str(), "r"),
                                                           &BIO_free);
    if (!source) fail("cannot read the key file", file);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(source.get(), nullptr, &givePassword,
                                const_cast<std::string*>(&password)),
        &EVP_PKEY_free);
    if (!key)
        fail(password.empty() ? "no key, or one that needs key_password, in"
                              : "no key, or another key_password, in",
             file);
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        fail("the certificate is not for the key of", file);
}

void useRevocations(SSL_CTX* context, const std::string& file)
{
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, file.c_str(), X509_FILETYPE_PEM) < 1)
        fail("no certificate revocation list in", file);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
}

void demandCertificates(SSL_CTX* context, const TlsSettings& settings)
{
    // Poco's own callback asks SSLManager, a singleton; OpenSSL's verdict is enough.
    const int mode =
        !settings.verifyPeer ? SSL_VERIFY_NONE
                             : SSL_VERIFY_PEER | (settings.requirePeerCertificate
                                                      ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                                      : 0);
    SSL_CTX_set_verify(context, mode, nullptr);
    if (!settings.verifyPeer) return;
    const std::string& file = settings.authorityFile;
    if (SSL_CTX_load_verify_file(context, file.c_str()) != 1)
        fail("no certificate authority in", file);
    STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(file.c_str());
    if (!names) fail("no certificate authority in", file);
    SSL_CTX_set_client_CA_list(context, names); // which takes it over
    if (!settings.revocationFile.empty()) useRevocations(context, settings.revocationFile);
}

Context::Ptr makeContext(const TlsSettings& settings, std::size_t index, TlsTicketKeys& tickets)
{
    Context::Params parameters;
    parameters.verificationMode = Context::VERIFY_NONE; // until demandCertificates()
    parameters.cipherList = kCiphers;
    parameters.dhUse2048Bits = true;
    Context::Ptr context = new Context(Context::TLS_SERVER_USE, parameters);
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    SSL_CTX* const handle = context->sslContext();
    ERR_clear_error();

    SSL_CTX_set_mode(handle, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(handle, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                    SSL_OP_NO_COMPRESSION);
    const std::string& certificate = settings.certificateFiles[index];
    if (SSL_CTX_use_certificate_chain_file(handle, certificate.c_str()) != 1)
        fail("no certificate in", certificate);
    useKey(handle, settings.keyFiles[index], settings.keyPassword);
    if (SSL_CTX_check_private_key(handle) != 1) fail("the key is not that of", certificate);
    demandCertificates(handle, settings);

    constexpr std::string_view kSessionContext = "nanomq";
    SSL_CTX_set_session_id_context(
        handle, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
        static_cast<unsigned>(kSessionContext.size()));
    SSL_CTX_set_num_tickets(handle, 1);
    tickets.attach(handle);
    return context;
}

} // namespace

TlsContext::TlsContext(const TlsSettings& settings, TlsTicketKeys& tickets)
    : _verifiesPeer(settings.verifyPeer)
{
    if (settings.certificateFiles.empty() ||
        settings.certificateFiles.size() != settings.keyFiles.size())
        throw Poco::Net::SSLContextException(
            "a TLS listener needs certfile and keyfile, as many of one as of the other");
    for (std::size_t i = 0; i < settings.certificateFiles.size(); ++i)
        _contexts.push_back(makeContext(settings, i, tickets));
    if (_contexts.size() == 1) return;
    SSL_CTX_set_tlsext_servername_callback(handle(), &TlsContext::chooseByServerName);
    SSL_CTX_set_tlsext_servername_arg(handle(), this);
}

TlsContext::~TlsContext() = default;

int TlsContext::chooseByServerName(SSL* connection, int*, void* self)
{
    const char* const host = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    if (host) static_cast<const TlsContext*>(self)->choose(connection, host);
    return SSL_TLSEXT_ERR_OK;
}

void TlsContext::choose(SSL* connection, const char* host) const
{
    const auto isFor = [host](const Context::Ptr& context) {
        return X509_check_host(SSL_CTX_get0_certificate(context->sslContext()), host, 0, 0,
                               nullptr) == 1;
    };
    const auto found = std::find_if(_contexts.begin(), _contexts.end(), isFor);
    if (found != _contexts.end()) SSL_set_SSL_CTX(connection, (*found)->sslContext());
}

} // namespace nanomq
