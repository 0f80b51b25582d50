#include "support/ScriptedClient.h"

#include <cppunit/Asserter.h>
#include <cppunit/SourceLine.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace nanomq::test
{

namespace
{

constexpr std::size_t kRememberedPackets = 40;
constexpr std::size_t kShownBytes = 40;

struct NameOfPacket
{
    std::string_view operator()(const Connect&) const { return "CONNECT"; }
    std::string_view operator()(const Connack&) const { return "CONNACK"; }
    std::string_view operator()(const Publish&) const { return "PUBLISH"; }
    std::string_view operator()(const Acknowledgement& packet) const
    {
        return packetTypeText(packet.type);
    }
    std::string_view operator()(const Subscribe&) const { return "SUBSCRIBE"; }
    std::string_view operator()(const Suback&) const { return "SUBACK"; }
    std::string_view operator()(const Unsubscribe&) const { return "UNSUBSCRIBE"; }
    std::string_view operator()(const Unsuback&) const { return "UNSUBACK"; }
    std::string_view operator()(const Pingreq&) const { return "PINGREQ"; }
    std::string_view operator()(const Pingresp&) const { return "PINGRESP"; }
    std::string_view operator()(const Disconnect&) const { return "DISCONNECT"; }
    std::string_view operator()(const Auth&) const { return "AUTH"; }
};

std::string text(ReasonCode reason)
{
    char digits[8];
    const auto end =
        std::to_chars(digits, digits + sizeof digits, static_cast<unsigned>(reason), 16);
    return "0x" + std::string(digits, end.ptr) + ' ' + std::string(reasonText(reason));
}

/// 3.x knows no Reason Codes in most packets: then there is nothing to compare.
bool sameReason(ReasonCode wanted, ReasonCode got, ProtocolVersion version)
{
    return version != ProtocolVersion::v5_0 || wanted == got;
}

} // namespace

std::string_view nameOf(const Packet& packet)
{
    return std::visit(NameOfPacket{}, packet);
}

std::vector<std::uint8_t> hex(std::string_view digits)
{
    std::vector<std::uint8_t> bytes;
    for (std::size_t at = 0; at < digits.size();)
    {
        if (digits[at] == ' ')
        {
            ++at;
            continue;
        }
        if (digits[at] == '\'')
        {
            for (++at; digits.at(at) != '\''; ++at)
                bytes.push_back(static_cast<std::uint8_t>(digits[at]));
            ++at;
            continue;
        }
        std::uint8_t byte = 0;
        const char* const begin = digits.data() + at;
        const auto [end, error] = std::from_chars(begin, begin + 2, byte, 16);
        if (at + 2 > digits.size() || error != std::errc() || end != begin + 2)
            throw std::invalid_argument("not hexadecimal: " + std::string(digits));
        bytes.push_back(byte);
        at += 2;
    }
    return bytes;
}

void ScriptedClient::Socket::close() noexcept
{
    if (_descriptor >= 0) ::close(_descriptor);
    _descriptor = -1;
}

ScriptedClient::ScriptedClient(std::uint16_t port, ProtocolVersion version)
    : _version(version),
      _socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(_socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(_socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::system_error(errno, std::generic_category(),
                                "connect to 127.0.0.1:" + std::to_string(port));
}

void ScriptedClient::drop()
{
    _socket.close();
    _ended = true;
}

ScriptedClient& ScriptedClient::send(const Packet& packet)
{
    std::vector<std::uint8_t> bytes;
    encode(packet, _version, bytes);
    return sendBytes(bytes);
}

ScriptedClient& ScriptedClient::sendBytes(const std::vector<std::uint8_t>& bytes)
{
    remember('>', bytes);
    const Deadline deadline(kPatience);
    for (std::size_t sent = 0; sent < bytes.size();)
    {
        const auto count =
            ::send(_socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0)
        {
            sent += static_cast<std::size_t>(count);
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET) break;
        if (errno != EAGAIN && errno != EINTR)
            fail("send: " + std::generic_category().message(errno));
        pollfd writable{_socket, POLLOUT, 0};
        if (::poll(&writable, 1, deadline.remainingMs()) == 0)
            fail("the broker takes no more bytes");
    }
    return *this;
}

ScriptedClient& ScriptedClient::sendConnect(const ConnectOptions& options)
{
    Connect packet;
    packet.version = _version;
    packet.clientId = options.clientId;
    packet.cleanStart = options.cleanStart;
    packet.keepAlive = options.keepAlive;
    packet.will = options.will;
    packet.userName = options.userName;
    if (options.password) packet.password = asBytes(*options.password);
    packet.properties = options.properties.view();
    return send(packet);
}

ScriptedClient& ScriptedClient::sendPublish(std::string_view topicName, std::string_view payload,
                                            const PublishOptions& options,
                                            PacketIdentifier identifier, bool dup)
{
    Publish packet;
    packet.dup = dup;
    packet.qos = options.qos;
    packet.retain = options.retain;
    packet.topicName = topicName;
    packet.packetIdentifier = identifier;
    packet.properties = options.properties.view();
    packet.payload = asBytes(payload);
    return send(packet);
}

ScriptedClient& ScriptedClient::sendPuback(PacketIdentifier identifier, ReasonCode reason)
{
    return send(Acknowledgement{PacketType::Puback, identifier, reason, {}});
}

ScriptedClient& ScriptedClient::sendPubrec(PacketIdentifier identifier, ReasonCode reason)
{
    return send(Acknowledgement{PacketType::Pubrec, identifier, reason, {}});
}

ScriptedClient& ScriptedClient::sendPubrel(PacketIdentifier identifier, ReasonCode reason)
{
    return send(Acknowledgement{PacketType::Pubrel, identifier, reason, {}});
}

ScriptedClient& ScriptedClient::sendPubcomp(PacketIdentifier identifier, ReasonCode reason)
{
    return send(Acknowledgement{PacketType::Pubcomp, identifier, reason, {}});
}

std::optional<FixedHeader> ScriptedClient::wholePacket() const
{
    const auto rest = ByteView(_input).subspan(_inputStart);
    const auto header = readFixedHeader(rest);
    if (!header) fail("the broker sent a malformed Fixed Header");
    if (!*header || rest.size() < (*header)->packetSize()) return std::nullopt;
    return *header;
}

ScriptedClient::Came ScriptedClient::await(std::chrono::milliseconds patience)
{
    const Deadline deadline(patience);
    std::array<std::uint8_t, 65536> bytes;
    while (!wholePacket())
    {
        if (_ended) return Came::End;
        pollfd readable{_socket, POLLIN, 0};
        const int ready = ::poll(&readable, 1, deadline.remainingMs());
        if (ready == 0) return Came::Nothing;
        const auto got = ::recv(_socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got <= 0)
        {
            _ended = true; // also ECONNRESET, when the broker closed with bytes of ours unread
            continue;
        }
        // At most a part of a packet is left in front.
        _input.erase(_input.begin(), _input.begin() + static_cast<std::ptrdiff_t>(_inputStart));
        _inputStart = 0;
        _input.insert(_input.end(), bytes.begin(), bytes.begin() + got);
    }
    return Came::Packet;
}

Received<Packet> ScriptedClient::receive(std::chrono::milliseconds patience)
{
    switch (await(patience))
    {
    case Came::Nothing: fail("no packet came in time");
    case Came::End: fail("the broker closed the Network Connection");
    case Came::Packet: break;
    }
    const FixedHeader header = *wholePacket();
    const auto begin = _input.begin() + static_cast<std::ptrdiff_t>(_inputStart);
    std::vector<std::uint8_t> bytes(begin, begin + header.packetSize());
    _inputStart += header.packetSize();
    remember('<', bytes);

    auto packet = decodePacket(header, ByteView(bytes).subspan(header.size), _version);
    if (!packet) fail("the broker sent a packet that is wrong: " + text(packet.error()));
    return {std::move(bytes), std::move(*packet)};
}

Received<Connack> ScriptedClient::expectConnack(ReasonCode reason, bool sessionPresent)
{
    auto connack = expect<Connack>();
    const bool same = _version == ProtocolVersion::v5_0
                          ? connack->reason == reason
                          : connectReturnCode(connack->reason) == connectReturnCode(reason);
    if (!same) fail("CONNACK says " + text(connack->reason) + " instead of " + text(reason));
    if (connack->sessionPresent != sessionPresent)
        fail(sessionPresent ? "CONNACK tells no session" : "CONNACK tells a session");
    return connack;
}

ScriptedClient& ScriptedClient::expectAcknowledgement(PacketType type, PacketIdentifier identifier,
                                                      ReasonCode reason)
{
    const auto packet = expect<Acknowledgement>();
    if (packet->type != type)
        fail("unexpected " + std::string(packetTypeText(packet->type)) + " instead of " +
             std::string(packetTypeText(type)));
    if (packet->packetIdentifier != identifier)
        fail("acknowledges packet " + std::to_string(packet->packetIdentifier) + " instead of " +
             std::to_string(identifier));
    if (!sameReason(reason, packet->reason, _version))
        fail("acknowledged with " + text(packet->reason) + " instead of " + text(reason));
    return *this;
}

ScriptedClient& ScriptedClient::expectPuback(PacketIdentifier identifier, ReasonCode reason)
{
    return expectAcknowledgement(PacketType::Puback, identifier, reason);
}

ScriptedClient& ScriptedClient::expectPubrec(PacketIdentifier identifier, ReasonCode reason)
{
    return expectAcknowledgement(PacketType::Pubrec, identifier, reason);
}

ScriptedClient& ScriptedClient::expectPubrel(PacketIdentifier identifier, ReasonCode reason)
{
    return expectAcknowledgement(PacketType::Pubrel, identifier, reason);
}

ScriptedClient& ScriptedClient::expectPubcomp(PacketIdentifier identifier, ReasonCode reason)
{
    return expectAcknowledgement(PacketType::Pubcomp, identifier, reason);
}

Received<Publish> ScriptedClient::expectPublish(std::string_view topicName,
                                                std::string_view payload, QoS qos)
{
    auto packet = expect<Publish>();
    if (packet->topicName != topicName)
        fail("a message on \"" + std::string(packet->topicName) + "\" instead of \"" +
             std::string(topicName) + '"');
    if (asText(packet->payload) != payload)
        fail("the payload is \"" + std::string(asText(packet->payload).substr(0, 200)) +
             "\" instead of \"" + std::string(payload.substr(0, 200)) + '"');
    if (packet->qos != qos)
        fail("the message came with QoS " + std::to_string(static_cast<int>(packet->qos)));
    return packet;
}

ScriptedClient& ScriptedClient::expectNothing(std::chrono::milliseconds patience)
{
    switch (await(patience))
    {
    case Came::Nothing: return *this;
    case Came::End: fail("the broker closed the Network Connection");
    case Came::Packet: break;
    }
    fail("unexpected " + std::string(nameOf(*receive())));
}

ScriptedClient& ScriptedClient::expectNothingBeforePingresp()
{
    send(Pingreq{});
    expect<Pingresp>();
    return *this;
}

void ScriptedClient::expectDisconnect(ReasonCode reason)
{
    const auto packet = expect<Disconnect>();
    if (packet->reason != reason)
        fail("DISCONNECT says " + text(packet->reason) + " instead of " + text(reason));
    expectClosed();
}

void ScriptedClient::expectClosed(std::chrono::milliseconds patience)
{
    switch (await(patience))
    {
    case Came::End: return;
    case Came::Nothing: fail("the broker did not close the Network Connection");
    case Came::Packet: break;
    }
    fail("unexpected " + std::string(nameOf(*receive())) + " instead of the end");
}

bool ScriptedClient::closedWithin(std::chrono::milliseconds patience)
{
    const auto came = await(patience);
    if (came != Came::Packet) return came == Came::End;
    expect<Disconnect>();
    expectClosed();
    return true;
}

std::vector<std::uint8_t> ScriptedClient::readToEnd()
{
    const Deadline deadline(kPatience);
    std::array<std::uint8_t, 65536> bytes;
    while (!_ended)
    {
        pollfd readable{_socket, POLLIN, 0};
        if (::poll(&readable, 1, deadline.remainingMs()) == 0)
            fail("the broker did not close the Network Connection");
        const auto got = ::recv(_socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got > 0) _input.insert(_input.end(), bytes.begin(), bytes.begin() + got);
        else _ended = true;
    }
    return {_input.begin() + static_cast<std::ptrdiff_t>(_inputStart), _input.end()};
}

void ScriptedClient::expectRefused(ReasonCode reason)
{
    if (_version != ProtocolVersion::v5_0 || await(kPatience) == Came::End) expectClosed();
    else expectDisconnect(reason);
}

Received<Connack> ScriptedClient::connect(const ConnectOptions& options, bool sessionPresent)
{
    sendConnect(options);
    return expectConnack(ReasonCode::Success, sessionPresent);
}

std::vector<ReasonCode> ScriptedClient::subscribe(std::vector<SubscriptionRequest> requests,
                                                  const PropertyList& properties)
{
    const auto identifier = nextIdentifier();
    const auto count = requests.size();
    send(Subscribe{identifier, std::move(requests), properties.view()});
    const auto suback = expect<Suback>();
    if (suback->packetIdentifier != identifier) fail("SUBACK for another SUBSCRIBE");
    if (suback->reasons.size() != count) fail("SUBACK with another number of Reason Codes");
    for (const auto reason : suback->reasons)
        if (isFailure(reason)) fail("SUBACK says " + text(reason));
    return suback->reasons;
}

ScriptedClient& ScriptedClient::subscribe(std::string_view topicFilter, QoS qos)
{
    const auto granted = subscribe({{.topicFilter = topicFilter, .qos = qos}}).front();
    if (static_cast<unsigned>(granted) != static_cast<unsigned>(qos))
        fail("another QoS was granted: " + text(granted));
    return *this;
}

std::vector<ReasonCode> ScriptedClient::unsubscribe(std::vector<std::string_view> topicFilters)
{
    const auto identifier = nextIdentifier();
    send(Unsubscribe{identifier, std::move(topicFilters), {}});
    const auto unsuback = expect<Unsuback>();
    if (unsuback->packetIdentifier != identifier) fail("UNSUBACK for another UNSUBSCRIBE");
    return unsuback->reasons;
}

ReasonCode ScriptedClient::publish(std::string_view topicName, std::string_view payload,
                                   const PublishOptions& options)
{
    if (options.qos == QoS::AtMostOnce)
    {
        sendPublish(topicName, payload, options).expectNothingBeforePingresp();
        return ReasonCode::Success;
    }
    const auto identifier = nextIdentifier();
    sendPublish(topicName, payload, options, identifier);
    const auto answer = expect<Acknowledgement>();
    const auto type = options.qos == QoS::AtLeastOnce ? PacketType::Puback : PacketType::Pubrec;
    if (answer->type != type || answer->packetIdentifier != identifier)
        fail("not the acknowledgement of packet " + std::to_string(identifier));
    if (type == PacketType::Pubrec && !isFailure(answer->reason))
        sendPubrel(identifier).expectPubcomp(identifier);
    return answer->reason;
}

Received<Publish> ScriptedClient::receiveMessage(std::chrono::milliseconds patience)
{
    auto message = expect<Publish>(patience);
    const auto identifier = message->packetIdentifier;
    if (message->qos == QoS::AtLeastOnce) sendPuback(identifier);
    if (message->qos == QoS::ExactlyOnce)
        sendPubrec(identifier).expectPubrel(identifier).sendPubcomp(identifier);
    return message;
}

std::vector<Received<Publish>> ScriptedClient::receiveMessagesBeforePingresp()
{
    std::vector<Received<Publish>> messages;
    send(Pingreq{});
    for (;;)
    {
        auto received = receive();
        if (std::holds_alternative<Pingresp>(*received)) return messages;
        const auto* const message = std::get_if<Publish>(&*received);
        if (!message) fail("unexpected " + std::string(nameOf(*received)));
        if (message->qos == QoS::AtLeastOnce) sendPuback(message->packetIdentifier);
        if (message->qos == QoS::ExactlyOnce) fail("a message with QoS 2");
        Publish copy = *message;
        messages.emplace_back(std::move(received).takeBytes(), copy);
    }
}

void ScriptedClient::disconnect(ReasonCode reason, const PropertyList& properties)
{
    send(Disconnect{reason, properties.view()}).expectClosed();
}

PacketIdentifier ScriptedClient::nextIdentifier() noexcept
{
    if (++_lastIdentifier == 0) ++_lastIdentifier;
    return _lastIdentifier;
}

void ScriptedClient::remember(char direction, ByteView bytes)
{
    std::string line{direction, ' '};
    if (!bytes.empty()) line += packetTypeText(static_cast<PacketType>(bytes[0] >> 4));
    line += ", " + std::to_string(bytes.size()) + " bytes: ";
    for (const auto byte : bytes.first(std::min(bytes.size(), kShownBytes)))
    {
        constexpr std::string_view kDigits = "0123456789abcdef";
        if (byte > ' ' && byte < 127) line += static_cast<char>(byte);
        else line += {'\\', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    if (bytes.size() > kShownBytes) line += " ...";
    _dialogue.push_back(std::move(line));
    if (_dialogue.size() > kRememberedPackets) _dialogue.pop_front();
}

void ScriptedClient::fail(const std::string& what) const
{
    std::string message = what + "\nThe dialogue so far ('>' from the client):";
    for (const auto& line : _dialogue) message += "\n  " + line;
    CppUnit::Asserter::fail(message, CPPUNIT_SOURCELINE());
    throw std::logic_error("unreachable: fail() throws");
}

} // namespace nanomq::test
