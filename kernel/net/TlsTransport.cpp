#include "net/TlsTransport.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <mutex>
#include <new>
#include <sys/uio.h>
#include <utility>

namespace nanomq
{

namespace
{

constexpr std::size_t kRecord = 16 * 1024;
/// Ciphertext is read so far behind the place where its plaintext goes: OpenSSL may hold a whole
/// record but for its last byte from before.
constexpr std::size_t kAhead = kRecord + 2 * 1024;
/// Answers that a peer may ask for (to key updates) without taking them.
constexpr std::size_t kMaximumUnsent = 256 * 1024;

std::string textOf(const ASN1_STRING* string)
{
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, string);
    if (size < 0) return {};
    std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
    // "good.example\0.evil.example" is nobody.
    return text.find('\0') == std::string::npos ? text : std::string();
}

std::string commonNameOf(X509_NAME* subject)
{
    const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (index < 0) return {};
    return textOf(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
}

std::string subjectText(X509_NAME* subject)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), &BIO_free);
    if (!text || X509_NAME_print_ex(text.get(), subject, 0,
                                    XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
        return {};
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(text.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

std::string alternativeNameOf(X509* certificate)
{
    const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
        static_cast<GENERAL_NAMES*>(
            X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
        &GENERAL_NAMES_free);
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i)
    {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI)
            return textOf(name->d.ia5);
    }
    return {};
}

} // namespace

struct TlsTransport::Callbacks
{
    static TlsTransport& of(BIO* bio) { return *static_cast<TlsTransport*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* to, int size)
    {
        ByteView& arrived = of(bio)._arrived;
        BIO_clear_retry_flags(bio);
        if (arrived.empty())
        {
            BIO_set_retry_read(bio);
            return -1;
        }
        const std::size_t taken = std::min(arrived.size(), static_cast<std::size_t>(size));
        std::memcpy(to, arrived.data(), taken);
        arrived = arrived.subspan(taken);
        return static_cast<int>(taken);
    }

    static int write(BIO* bio, const char* bytes, int size)
    {
        auto& encrypted = of(bio)._encrypted;
        BIO_clear_retry_flags(bio);
        try
        {
            encrypted.insert(encrypted.end(), bytes, bytes + size);
        }
        catch (const std::bad_alloc&)
        {
            return -1; // OpenSSL is C: the connection fails
        }
        of(bio)._hasEncrypted.store(true, std::memory_order_release);
        return size;
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

    /// One for the process, as OpenSSL wants it; never changes.
    static const BIO_METHOD* method()
    {
        static const std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> ours(make(),
                                                                                &BIO_meth_free);
        return ours.get();
    }

private:
    static BIO_METHOD* make()
    {
        BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nanomq");
        if (!made) throw std::bad_alloc();
        BIO_meth_set_read(made, &Callbacks::read);
        BIO_meth_set_write(made, &Callbacks::write);
        BIO_meth_set_ctrl(made, &Callbacks::control);
        return made;
    }
};

TlsTransport::TlsTransport(std::unique_ptr<Transport> below,
                           std::shared_ptr<const TlsContext> context, TransportCounters& counters)
    : _below(std::move(below)),
      _context(std::move(context)),
      _counters(counters),
      _ssl(SSL_new(_context->handle()), &SSL_free)
{
    BIO* const bio = _ssl ? BIO_new(Callbacks::method()) : nullptr;
    if (!bio) throw std::bad_alloc();
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(_ssl.get(), bio, bio); // which takes it over
    SSL_set_accept_state(_ssl.get());
}

TlsTransport::~TlsTransport() = default;

std::int64_t TlsTransport::receive(std::uint8_t* buffer, std::size_t size,
                                   HandshakeBudget& handshakes)
{
    if (!_established && !handshakes.take())
    {
        errno = EAGAIN; // the socket stays readable, and the next turn has a budget again
        return -1;
    }
    const auto got = _below->receive(buffer + kAhead, size - kAhead, handshakes);
    if (got <= 0)
    {
        if (got == 0 && !_established) _counters.tlsHandshakesFailed.fetch_add(1, std::memory_order_relaxed);
        return got;
    }
    {
        std::lock_guard guard(_lock);
        _arrived = {buffer + kAhead, static_cast<std::size_t>(got)};
    }
    const std::size_t used = decrypt(buffer, size);
    if (!_established && _failure.empty() && SSL_is_init_finished(_ssl.get()))
    {
        _established = true;
        _counters.tlsHandshakes.fetch_add(1, std::memory_order_relaxed);
    }
    if (used > 0) return static_cast<std::int64_t>(used);
    if (!ended())
    {
        errno = EAGAIN;
        return -1;
    }
    if (_failure.empty()) return 0;
    errno = EPROTO;
    return -1;
}

std::size_t TlsTransport::decrypt(std::uint8_t* buffer, std::size_t size)
{
    std::size_t used = 0;
    while (!ended())
    {
        std::lock_guard guard(_lock); // anew for each record: others want to send meanwhile
        if (_encrypted.size() > kMaximumUnsent)
        {
            _failure = "TLS: the client does not take what it asks for";
            break;
        }
        ERR_clear_error();
        const int room = static_cast<int>(std::min<std::size_t>(size - used, INT_MAX));
        const int got = SSL_read(_ssl.get(), buffer + used, room);
        if (got > 0)
        {
            used += static_cast<std::size_t>(got);
            continue;
        }
        const int result = SSL_get_error(_ssl.get(), got);
        if (result == SSL_ERROR_WANT_READ) break;
        stopReading(result);
    }
    std::lock_guard guard(_lock);
    _arrived = {};
    return used;
}

void TlsTransport::stopReading(int result)
{
    if (result == SSL_ERROR_ZERO_RETURN) _ended = true;
    else fail();
}

void TlsTransport::fail()
{
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    _failure = std::string("TLS: ") + (reason ? reason : "the stream is broken");
    if (!_established) _counters.tlsHandshakesFailed.fetch_add(1, std::memory_order_relaxed);
    ERR_clear_error();
}

bool TlsTransport::pending() const noexcept
{
    return _sent < _sending.size() || _hasEncrypted.load(std::memory_order_acquire) ||
           _below->pending();
}

/// Sends all ciphertext there is; false with errno when the way is blocked.
bool TlsTransport::drain()
{
    while (true)
    {
        if (_sent == _sending.size())
        {
            if (!_sending.empty()) std::vector<std::uint8_t>().swap(_sending);
            _sent = 0;
            if (!_hasEncrypted.load(std::memory_order_acquire)) return true;
            std::lock_guard guard(_lock);
            _sending.swap(_encrypted);
            _hasEncrypted.store(false, std::memory_order_relaxed);
            if (_sending.empty()) return true;
        }
        const iovec part{_sending.data() + _sent, _sending.size() - _sent};
        const auto sent = _below->send(&part, 1);
        if (sent < 0) return false;
        _sent += static_cast<std::size_t>(sent);
    }
}

std::int64_t TlsTransport::send(const iovec* parts, int count)
{
    if (!drain()) return -1;
    if (count == 0) return 0;
    const auto taken = encrypt(parts, count);
    // What is blocked now blocks the next call; the record is made, and its bytes are ours.
    if (taken > 0) drain();
    return taken;
}

std::int64_t TlsTransport::encrypt(const iovec* parts, int count)
{
    std::array<std::uint8_t, kRecord> gathered;
    const void* bytes = parts->iov_base;
    std::size_t size = std::min(parts->iov_len, kRecord);
    if (count > 1 && size < kRecord)
    {
        size = 0;
        for (int i = 0; i < count && size < kRecord; ++i)
        {
            const std::size_t here = std::min(parts[i].iov_len, kRecord - size);
            std::memcpy(gathered.data() + size, parts[i].iov_base, here);
            size += here;
        }
        bytes = gathered.data();
    }
    std::lock_guard guard(_lock);
    if (!SSL_is_init_finished(_ssl.get()))
    {
        errno = ENOTCONN;
        return -1;
    }
    ERR_clear_error();
    const int written = SSL_write(_ssl.get(), bytes, static_cast<int>(size));
    if (written > 0) return written;
    ERR_clear_error();
    errno = EPIPE;
    return -1;
}

void TlsTransport::finish()
{
    if (!std::exchange(_finished, true) && _established && _failure.empty())
    {
        std::lock_guard guard(_lock);
        ERR_clear_error();
        SSL_shutdown(_ssl.get()); // makes close_notify; the client's is not waited for
        ERR_clear_error();
    }
    _below->finish();
}

void TlsTransport::describe(PeerFacts& facts) const
{
    _below->describe(facts);
    if (!_context->verifiesPeer()) return;
    std::lock_guard guard(_lock);
    X509* const certificate = SSL_get0_peer_certificate(_ssl.get());
    if (!certificate || SSL_get_verify_result(_ssl.get()) != X509_V_OK) return;
    X509_NAME* const subject = X509_get_subject_name(certificate);
    facts.commonName = commonNameOf(subject);
    facts.subject = subjectText(subject);
    facts.alternativeName = alternativeNameOf(certificate);
}

} // namespace nanomq
