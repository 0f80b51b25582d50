#include "load/Stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <Poco/Exception.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/SocketAddress.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string_view>
#include <unistd.h>

namespace nanomq::load
{

namespace
{

std::string systemText(int error)
{
    return std::strerror(error);
}

std::string tlsText()
{
    const unsigned long error = ERR_get_error();
    ERR_clear_error();
    const char* const text = error ? ERR_reason_error_string(error) : nullptr;
    return text ? text : "the TLS connection broke";
}

/// An address of this machine, other than the one before.
void bindToSource(int descriptor, unsigned number)
{
    constexpr std::uint32_t kFirst = 0x7F000002; // 127.0.0.2
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(kFirst + number);
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0)
        throw StreamError("cannot use a source address of 127.0.0.0/8: " + systemText(errno));
}

} // namespace

Dialer::Dialer(Endpoint endpoint) : _endpoint(std::move(endpoint))
{
    try
    {
        const Poco::Net::SocketAddress address(Poco::Net::DNS::resolveOne(_endpoint.host),
                                               _endpoint.port);
        std::memcpy(&_address, address.addr(), address.length());
        _addressSize = address.length();
        if (_endpoint.sources > 1 && !address.host().isLoopback())
            throw StreamError("several source addresses are for a broker on loopback");
    }
    catch (const Poco::Exception& failed)
    {
        throw StreamError("cannot find " + _endpoint.host + ": " + failed.displayText());
    }
    if (!_endpoint.tls) return;
    _tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(_tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
    if (!_endpoint.caFile.empty())
    {
        if (SSL_CTX_load_verify_locations(_tls, _endpoint.caFile.c_str(), nullptr) != 1)
            throw StreamError("cannot read certificates from " + _endpoint.caFile);
        SSL_CTX_set_verify(_tls, SSL_VERIFY_PEER, nullptr);
    }
    if (_endpoint.certFile.empty()) return;
    if (SSL_CTX_use_certificate_chain_file(_tls, _endpoint.certFile.c_str()) != 1)
        throw StreamError("cannot read a certificate from " + _endpoint.certFile);
    if (SSL_CTX_use_PrivateKey_file(_tls, _endpoint.keyFile.c_str(), SSL_FILETYPE_PEM) != 1)
        throw StreamError("cannot read the certificate's key from '" + _endpoint.keyFile + "'");
}

Dialer::~Dialer()
{
    SSL_CTX_free(_tls);
}

Stream::Stream(Dialer& dialer)
    : _dialer(dialer),
      _descriptor(
          ::socket(dialer._address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))
{
    if (_descriptor < 0) throw StreamError("cannot make a socket: " + systemText(errno));
    try
    {
        const int on = 1;
        ::setsockopt(_descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const unsigned sources = dialer._endpoint.sources;
        if (sources > 1) bindToSource(_descriptor, dialer._made++ % sources);
        if (::connect(_descriptor, reinterpret_cast<const sockaddr*>(&dialer._address),
                      dialer._addressSize) != 0 &&
            errno != EINPROGRESS)
            throw StreamError("cannot connect: " + systemText(errno));
        if (!dialer._tls) return;
        _tls = SSL_new(dialer._tls);
        SSL_set_fd(_tls, _descriptor);
        SSL_set_tlsext_host_name(_tls, dialer._endpoint.host.c_str());
        SSL_set_connect_state(_tls);
    }
    catch (...)
    {
        ::close(_descriptor);
        throw;
    }
}

Stream::~Stream()
{
    SSL_free(_tls);
    ::close(_descriptor);
}

bool Stream::wantsToWrite() const noexcept
{
    return _wantsToWrite || !_frames.empty();
}

bool Stream::establish()
{
    if (_stage == Stage::Connecting)
    {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(_descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) throw StreamError("cannot connect: " + systemText(error));
        _wantsToWrite = false;
        _stage = Stage::Encrypting;
    }
    if (_stage == Stage::Encrypting)
    {
        if (_tls)
        {
            const int result = SSL_do_handshake(_tls);
            const int error = SSL_get_error(_tls, result);
            _wantsToWrite = error == SSL_ERROR_WANT_WRITE;
            if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
            if (result != 1) throw StreamError("no TLS connection: " + tlsText());
        }
        if (!_dialer._endpoint.webSocketPath) _stage = Stage::Open;
        else
        {
            // The key is a nonce that proves no secret (RFC 6455 §1.3); any will do here.
            const std::string request = "GET " + *_dialer._endpoint.webSocketPath +
                                        " HTTP/1.1\r\nHost: " + _dialer._endpoint.host +
                                        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                        "Sec-WebSocket-Key: bmFub21xY3RsIGJlbmNoIQ==\r\n"
                                        "Sec-WebSocket-Version: 13\r\n"
                                        "Sec-WebSocket-Protocol: mqtt\r\n\r\n";
            const ByteView bytes = asBytes(request);
            _frames.assign(bytes.begin(), bytes.end());
            _stage = Stage::Upgrading;
        }
    }
    if (_stage == Stage::Upgrading) return upgrade();
    return true;
}

bool Stream::upgrade()
{
    constexpr std::size_t kLongestAnswer = 8192;
    flushFrames();
    // One byte at a time, so that nothing behind the answer is taken with it.
    for (std::uint8_t byte = 0; readRaw(&byte, 1) == 1;)
    {
        _header.push_back(byte);
        if (_header.size() > kLongestAnswer) throw StreamError("no WebSocket: a long answer");
        const std::string_view answer = asText(_header);
        if (!answer.ends_with("\r\n\r\n")) continue;
        if (!answer.starts_with("HTTP/1.1 101"))
            throw StreamError("no WebSocket: " + std::string(answer.substr(0, answer.find('\r'))));
        _header.clear();
        _stage = Stage::Open;
        return true;
    }
    return false;
}

std::size_t Stream::readRaw(std::uint8_t* into, std::size_t room)
{
    if (_tls)
    {
        std::size_t got = 0;
        // A record holds 16 KiB at most; go on while there is more, since epoll cannot see it.
        while (got < room)
        {
            const int result = SSL_read(_tls, into + got, static_cast<int>(room - got));
            if (result > 0)
            {
                got += static_cast<std::size_t>(result);
                continue;
            }
            const int error = SSL_get_error(_tls, result);
            if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) break;
            if (got > 0) break; // told next time
            throw StreamError(error == SSL_ERROR_ZERO_RETURN ? "closed by the broker" : tlsText());
        }
        return got;
    }
    const ssize_t got = ::recv(_descriptor, into, room, 0);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) throw StreamError("closed by the broker");
    if (errno == EAGAIN || errno == EINTR) return 0;
    throw StreamError(systemText(errno));
}

std::size_t Stream::writeRaw(ByteView bytes)
{
    if (bytes.empty()) return 0;
    if (_tls)
    {
        std::size_t sent = 0;
        while (sent < bytes.size())
        {
            const int result =
                SSL_write(_tls, bytes.data() + sent, static_cast<int>(bytes.size() - sent));
            if (result > 0)
            {
                sent += static_cast<std::size_t>(result);
                continue;
            }
            const int error = SSL_get_error(_tls, result);
            if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) break;
            throw StreamError(tlsText());
        }
        return sent;
    }
    const ssize_t sent = ::send(_descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EINTR) return 0;
    throw StreamError(systemText(errno));
}

void Stream::flushFrames()
{
    const std::size_t sent = writeRaw(_frames);
    _frames.erase(_frames.begin(), _frames.begin() + static_cast<std::ptrdiff_t>(sent));
}

std::size_t Stream::write(ByteView bytes)
{
    if (!_dialer._endpoint.webSocketPath) return writeRaw(bytes);
    flushFrames();
    if (!_frames.empty() || bytes.empty()) return 0;
    // A client masks its frames; with a mask of zeroes the bytes stay as they are.
    constexpr std::uint8_t kBinary = 0x82;
    constexpr std::uint8_t kMasked = 0x80;
    _frames.push_back(kBinary);
    const std::uint64_t size = bytes.size();
    unsigned lengthBytes = 0;
    if (size < 126) _frames.push_back(kMasked | static_cast<std::uint8_t>(size));
    else
    {
        lengthBytes = size <= 0xFFFF ? 2 : 8;
        _frames.push_back(kMasked | (lengthBytes == 2 ? 126 : 127));
    }
    for (unsigned n = lengthBytes; n-- > 0;)
        _frames.push_back(static_cast<std::uint8_t>(size >> (8 * n)));
    _frames.insert(_frames.end(), 4, 0);
    _frames.insert(_frames.end(), bytes.begin(), bytes.end());
    flushFrames();
    return bytes.size();
}

std::size_t Stream::read(std::uint8_t* into, std::size_t room)
{
    if (!_dialer._endpoint.webSocketPath) return readRaw(into, room);
    // Frames are taken out in place; what is left is never more than what came.
    for (;;)
    {
        const std::size_t got = readRaw(into, room);
        if (got == 0) return 0;
        if (const std::size_t kept = takeFrames(into, got); kept > 0) return kept;
    }
}

std::size_t Stream::takeFrames(std::uint8_t* bytes, std::size_t size)
{
    constexpr std::uint8_t kOpcode = 0x0F;
    constexpr std::uint8_t kFirstControl = 0x8;
    std::size_t kept = 0;
    for (std::size_t at = 0; at < size;)
    {
        if (_payloadLeft > 0)
        {
            const std::size_t piece = std::min<std::uint64_t>(_payloadLeft, size - at);
            if (!_skipping) std::memmove(bytes + kept, bytes + at, piece);
            if (!_skipping) kept += piece;
            at += piece;
            _payloadLeft -= piece;
            continue;
        }
        _header.push_back(bytes[at++]);
        if (_header.size() < 2) continue;
        const std::uint8_t length = _header[1] & 0x7F;
        const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (_header.size() < 2 + extra) continue;
        _payloadLeft = extra == 0 ? length : 0;
        for (std::size_t n = 0; n < extra; ++n) _payloadLeft = _payloadLeft << 8 | _header[2 + n];
        _skipping = (_header[0] & kOpcode) >= kFirstControl;
        _header.clear();
    }
    return kept;
}

void Stream::abort() noexcept
{
    const linger now{1, 0};
    ::setsockopt(_descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

} // namespace nanomq::load
