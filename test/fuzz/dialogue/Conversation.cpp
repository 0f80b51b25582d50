#include "Conversation.h"

#include "wire/Decoder.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace nanomq::test
{

namespace
{

constexpr std::string_view kUpgrade = "GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                                      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                      "Sec-WebSocket-Protocol: mqtt\r\n\r\n";

constexpr ProtocolVersion kAll[] = {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1,
                                    ProtocolVersion::v5_0, ProtocolVersion::v5_0};

int openSocket(std::uint16_t port)
{
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS)
    {
        const int error = errno;
        ::close(socket);
        throw std::system_error(error, std::generic_category(), "connect");
    }
    return socket;
}

/// A masked frame (RFC 6455 §5.2); sometimes one that breaks the rules.
Octets frame(PacketSource& source, const Octets& payload, bool first, bool last)
{
    Octets bytes;
    std::uint8_t head = static_cast<std::uint8_t>((last ? 0x80 : 0) | (first ? 2 : 0));
    if (source.below(60) == 0) head = static_cast<std::uint8_t>(source.below(256));
    bytes.push_back(head);
    const std::uint8_t mask = source.below(60) == 0 ? 0 : 0x80;
    if (payload.size() < 126) bytes.push_back(static_cast<std::uint8_t>(mask | payload.size()));
    else
    {
        bytes.push_back(mask | 126);
        bytes.push_back(static_cast<std::uint8_t>(payload.size() >> 8));
        bytes.push_back(static_cast<std::uint8_t>(payload.size()));
    }
    bytes.insert(bytes.end(), 4, 0); // a mask that changes nothing
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

bool isFromServer(const Packet& packet, ProtocolVersion version)
{
    if (std::holds_alternative<Connect>(packet) || std::holds_alternative<Subscribe>(packet) ||
        std::holds_alternative<Unsubscribe>(packet) || std::holds_alternative<Pingreq>(packet))
        return false;
    const bool onlyNew =
        std::holds_alternative<Disconnect>(packet) || std::holds_alternative<Auth>(packet);
    return !onlyNew || version == ProtocolVersion::v5_0;
}

std::string hexOf(const Octets& bytes)
{
    std::string text;
    for (std::size_t i = 0; i < bytes.size() && i < 200; ++i)
    {
        char digits[4];
        std::snprintf(digits, sizeof digits, "%02X ", bytes[i]);
        text += digits;
    }
    return text;
}

} // namespace

Conversation::Conversation(std::uint64_t seed, std::uint64_t number, std::uint16_t tcpPort,
                           std::uint16_t webSocketPort)
    : _version(kAll[number % std::size(kAll)])
{
    PacketSource source(seed * 1'000'003 + number, _version);
    _webSocket = source.below(3) == 0;
    script(source);
    _socket = openSocket(_webSocket ? webSocketPort : tcpPort);
}

Conversation::~Conversation()
{
    ::close(_socket);
}

void Conversation::script(PacketSource& source)
{
    if (_webSocket && source.below(20) != 0) _unsent.emplace_back(kUpgrade.begin(), kUpgrade.end());
    const bool begins = source.below(10) != 0;
    if (begins) say(source, source.connect());
    _checks = begins && !_webSocket;
    for (std::size_t count = source.below(24); count > 0; --count) say(source, source.any());
    _patience = 1 + source.below(4);
}

void Conversation::say(PacketSource& source, const Octets& bytes)
{
    const std::size_t cut = source.below(3) == 0 && bytes.size() > 1 ? source.below(bytes.size()) : 0;
    const Octets front(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut));
    const Octets back(bytes.begin() + static_cast<std::ptrdiff_t>(cut), bytes.end());
    if (!front.empty()) _unsent.push_back(_webSocket ? frame(source, front, true, false) : front);
    _unsent.push_back(_webSocket ? frame(source, back, front.empty(), true) : back);
}

short Conversation::events() const noexcept
{
    return static_cast<short>(POLLIN | (_unsent.empty() ? 0 : POLLOUT));
}

bool Conversation::proceed(short events)
{
    if (events == 0) return ++_idleRounds < _patience || !_unsent.empty();
    if ((events & (POLLIN | POLLHUP | POLLERR)) && !receiveSome()) return false;
    return !(events & POLLOUT) || sendSome();
}

bool Conversation::sendSome()
{
    if (_unsent.empty()) return true;
    Octets& next = _unsent.front();
    const auto sent = ::send(_socket, next.data(), next.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    if (static_cast<std::size_t>(sent) == next.size()) _unsent.pop_front();
    else next.erase(next.begin(), next.begin() + sent);
    return true;
}

bool Conversation::receiveSome()
{
    std::uint8_t buffer[16'384];
    const auto got = ::recv(_socket, buffer, sizeof buffer, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    if (!_checks) return true;
    _answers.insert(_answers.end(), buffer, buffer + got);
    checkAnswers();
    return _complaint.empty();
}

void Conversation::checkAnswers()
{
    for (;;)
    {
        const auto header = readFixedHeader(_answers);
        if (header && !*header) return; // more is to come
        if (!header)
        {
            _complaint = "no Fixed Header: " + hexOf(_answers);
            return;
        }
        if ((*header)->packetSize() > _answers.size()) return;
        const ByteView body = ByteView(_answers).subspan((*header)->size, (*header)->remainingLength);
        const auto packet = decodePacket(**header, body, _version);
        if (!packet || !isFromServer(*packet, _version))
        {
            _complaint = "not a server's packet: " + hexOf(_answers);
            return;
        }
        _answers.erase(_answers.begin(),
                       _answers.begin() + static_cast<std::ptrdiff_t>((*header)->packetSize()));
    }
}

} // namespace nanomq::test
