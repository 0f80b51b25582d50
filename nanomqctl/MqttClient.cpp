#include "MqttClient.h"

#include <Poco/Exception.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/UUIDGenerator.h>

#include <algorithm>
#include <poll.h>
#include <utility>

namespace nanomq::ctl
{

namespace
{

/// "Not authorized", "Not authorized (no rule for this topic)", "Malformed Packet (0x81)".
std::string describe(ReasonCode reason, const std::string& reasonString)
{
    std::string text(reasonText(reason));
    if (!reasonString.empty()) text += " (" + harmless(reasonString) + ')';
    return text;
}

std::string clientIdFor(const MqttOptions& options)
{
    if (!options.clientId.empty() || options.version == ProtocolVersion::v5_0)
        return options.clientId;
    // Short enough for every 3.1 broker (23 characters), and nobody else's.
    const std::string random = Poco::UUIDGenerator::defaultGenerator().createRandom().toString();
    return "nanomqctl-" + random.substr(0, 8);
}

bool isPublishAnswer(PacketType type) noexcept
{
    return type == PacketType::Puback || type == PacketType::Pubrec || type == PacketType::Pubcomp;
}

} // namespace

MqttClient::MqttClient(const MqttOptions& options)
    : _options(options),
      _clientId(clientIdFor(options))
{
    const std::string peer = options.host + ':' + std::to_string(options.port);
    try
    {
        const Poco::Net::IPAddress address = Poco::Net::DNS::resolveOne(options.host);
        _socket.connect({address, options.port}, Poco::Timespan(options.patience.count() * 1'000));
        _socket.setNoDelay(true);
    }
    catch (const Poco::TimeoutException&)
    {
        throw Failure("cannot connect to " + peer + ": nobody answers");
    }
    catch (const Poco::Exception& failed)
    {
        throw Failure("cannot connect to " + peer + ": " + failed.displayText());
    }
    _socket.setSendTimeout(Poco::Timespan(options.patience.count() * 1'000));
    connect();
}

void MqttClient::connect()
{
    Connect packet;
    packet.version = _options.version;
    packet.cleanStart = _options.cleanStart;
    packet.keepAlive = static_cast<std::uint16_t>(_options.keepAlive.count());
    packet.clientId = _clientId;
    if (_options.userName) packet.userName = *_options.userName;
    if (_options.password) packet.password = asBytes(*_options.password);
    if (const auto& will = _options.will)
        packet.will = Will{will->topic, asBytes(will->payload), will->qos, will->retain, {}};
    PropertyWriter properties;
    if (_options.version == ProtocolVersion::v5_0 && !_options.cleanStart)
    {
        properties.add(PropertyId::SessionExpiryInterval, std::uint32_t{0xFFFFFFFF});
        packet.properties.raw = properties.raw();
    }
    std::vector<std::uint8_t> bytes;
    encode(packet, bytes);
    send(bytes);
    const Answer answer = await(PacketType::Connack, 0);
    if (answer.reason != ReasonCode::Success)
        throw Failure("the broker refused the connection: " +
                      describe(answer.reason, answer.reasonString));
}

void MqttClient::publish(std::string_view topic, std::string_view payload, QoS qos, bool retain)
{
    Publish packet;
    packet.qos = qos;
    packet.retain = retain;
    packet.topicName = topic;
    packet.payload = asBytes(payload);
    if (qos != QoS::AtMostOnce) packet.packetIdentifier = newIdentifier();
    std::vector<std::uint8_t> bytes;
    encode(packet, _options.version, bytes);
    send(bytes);
    if (qos == QoS::AtMostOnce) return;

    const auto check = [&](const Answer& answer) {
        if (isFailure(answer.reason))
            throw Failure("the broker did not take the message: " +
                          describe(answer.reason, answer.reasonString));
    };
    if (qos == QoS::AtLeastOnce) return check(await(PacketType::Puback, packet.packetIdentifier));
    check(await(PacketType::Pubrec, packet.packetIdentifier));
    acknowledge(PacketType::Pubrel, packet.packetIdentifier);
    check(await(PacketType::Pubcomp, packet.packetIdentifier));
}

std::vector<ReasonCode> MqttClient::subscribe(const std::vector<std::string>& filters, QoS qos)
{
    Subscribe packet;
    packet.packetIdentifier = newIdentifier();
    for (const std::string& filter : filters)
        packet.requests.push_back({filter, qos, false, false, 0});
    std::vector<std::uint8_t> bytes;
    encode(packet, _options.version, bytes);
    send(bytes);
    Answer answer = await(PacketType::Suback, packet.packetIdentifier);
    if (answer.reasons.size() != filters.size())
        throw Failure("the broker answered " + std::to_string(answer.reasons.size()) + " of " +
                      std::to_string(filters.size()) + " subscriptions");
    return std::move(answer.reasons);
}

MqttClient::Event MqttClient::wait(int input, int interrupt)
{
    for (;;)
    {
        // One by one: what is not asked for any more is not acknowledged either.
        while (_messages.empty() && handleOne())
        {
        }
        if (!_messages.empty()) return Event::Message;

        pollfd ready[] = {
            {_socket.impl()->sockfd(), POLLIN, 0}, {input, POLLIN, 0}, {interrupt, POLLIN, 0}};
        const MonotonicMs left =
            nextPing() == kNever ? -1 : std::max<MonotonicMs>(nextPing() - monotonicNow(), 0);
        if (::poll(ready, std::size(ready), static_cast<int>(left)) < 0 && errno != EINTR)
            throw Failure("cannot wait for the broker");
        if (ready[2].revents != 0) return Event::Interrupted;
        if (ready[0].revents != 0) receive(monotonicNow());
        else if (ready[1].revents != 0) return Event::Input;
        keepAlive();
    }
}

ReceivedMessage MqttClient::take()
{
    ReceivedMessage message = std::move(_messages.front());
    _messages.pop_front();
    return message;
}

void MqttClient::disconnect()
{
    constexpr MonotonicMs kGoodbye = 2'000;
    std::vector<std::uint8_t> bytes;
    encode(Disconnect{}, _options.version, bytes);
    send(bytes);
    _socket.shutdownSend();
    _isClosing = true;
    const MonotonicMs until = monotonicNow() + kGoodbye;
    while (_isClosing && monotonicNow() < until)
    {
        while (handleOne())
        {
        }
        receive(until);
    }
}

void MqttClient::send(const std::vector<std::uint8_t>& packet)
{
    try
    {
        for (std::size_t sent = 0; sent < packet.size();)
            sent += static_cast<std::size_t>(
                _socket.sendBytes(packet.data() + sent, static_cast<int>(packet.size() - sent)));
    }
    catch (const Poco::TimeoutException&)
    {
        throw Failure("the broker does not read what it is sent");
    }
    catch (const Poco::Exception& broken)
    {
        // What the broker said before it closed is the better reason.
        while (handleOne())
        {
        }
        receive(monotonicNow());
        while (handleOne())
        {
        }
        throw Failure("the connection to the broker broke: " + broken.displayText());
    }
    _lastSent = monotonicNow();
}

MqttClient::Answer MqttClient::await(PacketType type, PacketIdentifier identifier)
{
    _awaitedType = type;
    _awaitedIdentifier = identifier;
    _answer.reset();
    const MonotonicMs until = monotonicNow() + _options.patience.count();
    for (;;)
    {
        while (!_answer && handleOne())
        {
        }
        if (_answer) return std::move(*_answer);
        if (monotonicNow() >= until)
            throw Failure("the broker did not answer with " + std::string(packetTypeText(type)) +
                          " within " + std::to_string(_options.patience.count() / 1'000) + " s");
        receive(std::min(until, nextPing()));
        keepAlive();
    }
}

bool MqttClient::handleOne()
{
    const ByteView rest = ByteView(_buffer).subspan(_begin);
    const auto header = readFixedHeader(rest);
    if (!header) throw Failure("the broker sent something that is not MQTT");
    if (!*header || rest.size() < (*header)->packetSize()) return false;
    _begin += (*header)->packetSize();
    handle(**header, rest.subspan((*header)->size, (*header)->remainingLength));
    return true;
}

void MqttClient::receive(MonotonicMs until)
{
    constexpr std::size_t kPiece = std::size_t{64} << 10;
    _buffer.erase(_buffer.begin(), _buffer.begin() + static_cast<std::ptrdiff_t>(_begin));
    _begin = 0;

    const MonotonicMs left = std::max<MonotonicMs>(until - monotonicNow(), 0);
    const std::size_t filled = _buffer.size();
    int count = 0;
    try
    {
        if (!_socket.poll(Poco::Timespan(left * 1'000), Poco::Net::Socket::SELECT_READ)) return;
        _buffer.resize(filled + kPiece);
        count = _socket.receiveBytes(_buffer.data() + filled, kPiece);
    }
    catch (const Poco::Exception&)
    {
        count = 0; // a reset connection has ended as well
    }
    _buffer.resize(filled + static_cast<std::size_t>(std::max(count, 0)));
    if (count > 0) return;
    if (!std::exchange(_isClosing, false)) throw Failure("the broker closed the connection");
}

void MqttClient::handle(const FixedHeader& header, ByteView body)
{
    const auto packet = decodePacket(header, body, _options.version);
    if (!packet)
        throw Failure("the broker sent a " + std::string(packetTypeText(header.type)) +
                      " that makes no sense: " + std::string(reasonText(packet.error())));
    std::visit(
        [this](const auto& decoded) {
            using Decoded = std::decay_t<decltype(decoded)>;
            if constexpr (std::is_same_v<Decoded, Pingresp>) _pingedAt = 0;
            else if constexpr (requires { this->handle(decoded); }) this->handle(decoded);
            else throw Failure("the broker sent a packet that only clients send");
        },
        *packet);
}

void MqttClient::handle(const Connack& connack)
{
    if (_awaitedType != PacketType::Connack) throw Failure("the broker sent a second CONNACK");
    _awaitedType = {};
    _answer = Answer{connack.reason,
                     std::string(connack.properties.has(PropertyId::ReasonString)
                                     ? connack.properties.reasonString
                                     : std::string_view()),
                     {}};
}

void MqttClient::handle(const Publish& publish)
{
    const bool isAgain =
        publish.qos == QoS::ExactlyOnce && !_unreleased.insert(publish.packetIdentifier).second;
    if (!isAgain && !_isClosing)
        _messages.push_back({std::string(publish.topicName), std::string(asText(publish.payload)),
                             publish.qos, publish.retain, publish.dup});
    if (_isClosing) return;
    if (publish.qos == QoS::AtLeastOnce) acknowledge(PacketType::Puback, publish.packetIdentifier);
    if (publish.qos == QoS::ExactlyOnce) acknowledge(PacketType::Pubrec, publish.packetIdentifier);
}

void MqttClient::handle(const Acknowledgement& acknowledgement)
{
    if (acknowledgement.type == PacketType::Pubrel)
    {
        _unreleased.erase(acknowledgement.packetIdentifier);
        if (!_isClosing) acknowledge(PacketType::Pubcomp, acknowledgement.packetIdentifier);
        return;
    }
    // A PUBREC that refuses ends the exchange, and so does any answer that nobody waits for.
    if (!isPublishAnswer(acknowledgement.type) || acknowledgement.type != _awaitedType ||
        acknowledgement.packetIdentifier != _awaitedIdentifier)
        return;
    _answer = Answer{acknowledgement.reason,
                     std::string(acknowledgement.properties.has(PropertyId::ReasonString)
                                     ? acknowledgement.properties.reasonString
                                     : std::string_view()),
                     {}};
}

void MqttClient::handle(const Suback& suback)
{
    if (_awaitedType != PacketType::Suback || suback.packetIdentifier != _awaitedIdentifier) return;
    _answer = Answer{ReasonCode::Success, {}, suback.reasons};
}

void MqttClient::handle(const Disconnect& disconnect)
{
    const std::string text = disconnect.properties.has(PropertyId::ReasonString)
                                 ? std::string(disconnect.properties.reasonString)
                                 : std::string();
    throw Failure("the broker closed the connection: " + describe(disconnect.reason, text));
}

void MqttClient::acknowledge(PacketType type, PacketIdentifier identifier)
{
    std::vector<std::uint8_t> bytes;
    encode(Acknowledgement{type, identifier, ReasonCode::Success, {}}, _options.version, bytes);
    send(bytes);
}

void MqttClient::keepAlive()
{
    if (monotonicNow() < nextPing()) return;
    if (_pingedAt != 0) throw Failure("the broker does not answer any more");
    std::vector<std::uint8_t> bytes;
    encode(Pingreq{}, bytes);
    send(bytes);
    _pingedAt = _lastSent;
}

MonotonicMs MqttClient::nextPing() const noexcept
{
    if (_options.keepAlive.count() == 0) return kNever;
    const MonotonicMs interval = _options.keepAlive.count() * 1'000;
    return std::max(_lastSent, _pingedAt) + (_pingedAt != 0 ? _options.patience.count() : interval);
}

PacketIdentifier MqttClient::newIdentifier() noexcept
{
    if (++_lastIdentifier == 0) ++_lastIdentifier;
    return _lastIdentifier;
}

} // namespace nanomq::ctl
