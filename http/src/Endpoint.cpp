#include "Secure.h"

#include <Poco/Net/IPAddress.h>
#include <Poco/Net/SSLException.h>

#include <cstring>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace http
{

namespace
{

using Poco::Net::Context;

// Why OpenSSL refused the last certificate on this thread: its own error tells only that it did.
thread_local int refusal = X509_V_OK;

int noteRefusal(int accepted, X509_STORE_CTX* check)
{
    if (accepted != 1) refusal = X509_STORE_CTX_get_error(check);
    return accepted;
}

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
        fail(password.empty() ? "no key, or one that needs a password, in"
                              : "no key, or one with another password, in",
             file);
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        fail("the certificate is not for the key of", file);
}

void demandCertificate(SSL_CTX* context, const TlsSettings& tls, const std::string& name,
                       bool isAddress)
{
    // Poco's own check leaves out the name for localhost, and asks SSLManager, a singleton.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &noteRefusal);
    X509_VERIFY_PARAM* const check = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if ((isAddress ? X509_VERIFY_PARAM_set1_ip_asc(check, name.c_str())
                   : X509_VERIFY_PARAM_set1_host(check, name.c_str(), name.size())) != 1)
        fail("no name to look for in certificates:", name);
    if (tls.authorityFile.empty()
            ? SSL_CTX_set_default_verify_paths(context) != 1
            : SSL_CTX_load_verify_file(context, tls.authorityFile.c_str()) != 1)
        fail("no certificate authority in",
             tls.authorityFile.empty() ? "the system's store" : tls.authorityFile);
}

Context::Ptr makeContext(const TlsSettings& tls, const std::string& name, bool isAddress)
{
    Context::Params parameters;
    parameters.verificationMode = Context::VERIFY_NONE; // until demandCertificate()
    parameters.loadDefaultCAs = false;
    Context::Ptr context = new Context(Context::TLS_CLIENT_USE, parameters);
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    context->enableExtendedCertificateVerification(false);
    SSL_CTX* const handle = context->sslContext();
    ERR_clear_error();
    SSL_CTX_set_mode(handle, SSL_MODE_RELEASE_BUFFERS);

    if (tls.certificateFile.empty() != tls.keyFile.empty())
        throw Poco::Net::SSLContextException("a client certificate needs a key, and a key a "
                                             "certificate; only one of them is given");
    if (!tls.certificateFile.empty())
    {
        const std::string& file = tls.certificateFile;
        if (SSL_CTX_use_certificate_chain_file(handle, file.c_str()) != 1)
            fail("no certificate in", file);
        useKey(handle, tls.keyFile, tls.keyPassword);
        if (SSL_CTX_check_private_key(handle) != 1) fail("the key is not that of", file);
    }
    if (tls.verify) demandCertificate(handle, tls, name, isAddress);
    return context;
}

} // namespace

Poco::Net::SecureStreamSocket
Endpoint::Secure::handshake(const Poco::Net::StreamSocket& socket) const
{
    refusal = X509_V_OK;
    try
    {
        auto secure = Poco::Net::SecureStreamSocket::attach(socket, serverName, context);
        secure.completeHandshake(); // attach() leaves it to the first send
        return secure;
    }
    catch (const Poco::Net::SSLException&)
    {
        if (refusal == X509_V_OK) throw;
        throw Poco::Net::SSLException("its certificate is not accepted",
                                      X509_verify_cert_error_string(refusal));
    }
}

Endpoint::Endpoint(Settings settings) : _settings(std::move(settings))
{
    if (!address().secure) return;
    const TlsSettings& tls = _settings.tls;
    const std::string& name = tls.serverName.empty() ? address().host : tls.serverName;
    Poco::Net::IPAddress ignored;
    const bool isAddress = Poco::Net::IPAddress::tryParse(name, ignored);
    _secure = std::make_unique<const Secure>(
        Secure{makeContext(tls, name, isAddress), isAddress ? "" : name});
}

Endpoint::~Endpoint() = default;

} // namespace http
