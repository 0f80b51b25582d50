#include "load/Client.h"

#include "load/Meter.h"

#include <algorithm>
#include <cstring>
#include <sys/epoll.h>

namespace nanomq::load
{

namespace
{

constexpr std::size_t kAnswerSize = 4;

PacketIdentifier identifierOf(ByteView body)
{
    if (body.size() < 2) throw StreamError("the broker sent an answer without Packet Identifier");
    return static_cast<PacketIdentifier>(body[0] << 8 | body[1]);
}

} // namespace

Client::Client(Loop& loop, std::string clientId, const ClientTerms& terms, ClientOwner& owner)
    : _loop(loop),
      _clientId(std::move(clientId)),
      _terms(terms),
      _owner(owner)
{
    _loop.enter(*this);
}

Client::~Client()
{
    close();
    _loop.leave(*this);
}

void Client::connect(Dialer& dialer)
{
    _beganNs = nowNs();
    _established = _connected = false;
    _reads = true;
    try
    {
        _stream = std::make_unique<Stream>(dialer);
        _watched = EPOLLOUT;
        epoll_event event{};
        event.events = _watched;
        event.data.ptr = this;
        if (::epoll_ctl(_loop._epoll, EPOLL_CTL_ADD, _stream->descriptor(), &event) != 0)
            throw StreamError("cannot watch a socket");
    }
    catch (const StreamError& error)
    {
        close();
        _owner.failed(*this, error.what());
    }
}

void Client::close(bool reset)
{
    if (_stream && reset) _stream->abort();
    _stream.reset(); // its descriptor leaves epoll by itself
    _established = _connected = false;
    _out.clear();
    _outBegin = 0;
    _rest.clear();
}

void Client::disconnect()
{
    if (!_stream) return;
    if (_connected)
    {
        std::vector<std::uint8_t> bytes;
        encode(Disconnect{}, _terms.version, bytes);
        std::copy(bytes.begin(), bytes.end(), append(bytes.size()));
        try
        {
            _stream->write(ByteView(_out).subspan(_outBegin));
        }
        catch (const StreamError&)
        {
            // The broker was faster.
        }
    }
    close();
}

void Client::attempt(void (Client::*step)())
{
    try
    {
        (this->*step)();
    }
    catch (const StreamError& error)
    {
        close();
        _owner.failed(*this, error.what());
    }
}

void Client::ready(std::uint32_t events)
{
    if (!_stream) return; // closed by what another client of this turn brought about
    if (!_established)
    {
        attempt(&Client::begin);
        if (!_established) return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) attempt(&Client::readAll);
    if (_stream && events & EPOLLOUT) flush();
}

void Client::begin()
{
    _established = _stream->establish();
    if (!_established) return watch();
    Connect packet;
    packet.version = _terms.version;
    packet.clientId = _clientId;
    packet.cleanStart = _terms.cleanStart;
    packet.keepAlive = _terms.keepAliveSeconds;
    if (_terms.userName) packet.userName = *_terms.userName;
    if (_terms.password) packet.password = asBytes(*_terms.password);
    PropertyWriter properties;
    if (_terms.version == ProtocolVersion::v5_0 && _terms.sessionExpirySeconds > 0)
    {
        properties.add(PropertyId::SessionExpiryInterval, _terms.sessionExpirySeconds);
        packet.properties.raw = properties.raw();
    }
    encode(packet, _out);
    flush();
}

void Client::readAll()
{
    constexpr std::size_t kRoom = std::size_t{256} << 10;
    // Again while the buffer was filled: what TLS has decrypted is nothing that epoll sees.
    for (bool more = true; more && _stream && _reads;)
    {
        const std::size_t kept = _rest.size();
        auto& buffer = _loop.readBuffer(std::max(_wanted, kept) + kRoom);
        if (kept > 0) std::memcpy(buffer.data(), _rest.data(), kept);
        const std::size_t room = buffer.size() - kept;
        const std::size_t got = _stream->read(buffer.data() + kept, room);
        if (got == 0) return;
        more = got == room;
        const ByteView bytes(buffer.data(), kept + got);
        const std::size_t used = handlePackets(bytes);
        if (_stream) _rest.assign(bytes.begin() + static_cast<std::ptrdiff_t>(used), bytes.end());
    }
}

std::size_t Client::handlePackets(ByteView bytes)
{
    std::size_t at = 0;
    _wanted = 0;
    while (_stream)
    {
        const ByteView rest = bytes.subspan(at);
        const auto header = readFixedHeader(rest);
        if (!header) throw StreamError("the broker sent something that is not MQTT");
        if (!*header) break;
        const std::size_t size = (*header)->packetSize();
        if (rest.size() < size)
        {
            _wanted = size;
            break;
        }
        handle(**header, rest.subspan((*header)->size, (*header)->remainingLength));
        at += size;
    }
    return at;
}

void Client::handle(const FixedHeader& header, ByteView body)
{
    switch (header.type)
    {
    case PacketType::Publish: return handlePublish(header, body);
    case PacketType::Puback:
    case PacketType::Pubrec:
    case PacketType::Pubrel:
    case PacketType::Pubcomp: return handleAnswer(header, body);
    case PacketType::Connack: return handleConnack(header, body);
    case PacketType::Pingresp: return;
    case PacketType::Suback:
        if (const auto suback = decodeSuback(header, body, _terms.version))
            return _owner.subscribed(*this, suback->reasons);
        break;
    case PacketType::Unsuback: return _owner.subscribed(*this, {});
    case PacketType::Disconnect:
        if (const auto packet = decodeDisconnect(header, body, _terms.version))
            throw StreamError("disconnected by the broker: " +
                              std::string(reasonText(packet->reason)));
        break;
    default: break;
    }
    throw StreamError("the broker sent a " + std::string(packetTypeText(header.type)) +
                      " that makes no sense");
}

void Client::handlePublish(const FixedHeader& header, ByteView body)
{
    const ReasonCode result = decodePublish(header, body, _terms.version, _publish);
    if (result != ReasonCode::Success)
        throw StreamError("the broker sent a bad PUBLISH: " + std::string(reasonText(result)));
    const PacketIdentifier identifier = _publish.packetIdentifier;
    const QoS qos = _publish.qos;
    _owner.received(*this, _publish);
    if (qos == QoS::AtMostOnce || !_stream) return;
    answer(qos == QoS::AtLeastOnce ? 0x40 : 0x50, identifier);
}

void Client::handleAnswer(const FixedHeader& header, ByteView body)
{
    constexpr std::uint8_t kFirstFailure = 0x80;
    const PacketIdentifier identifier = identifierOf(body);
    const std::uint8_t reason = body.size() > 2 ? body[2] : 0;
    switch (header.type)
    {
    case PacketType::Pubrel: return answer(0x70, identifier);
    case PacketType::Pubrec:
        if (reason < kFirstFailure) return answer(0x62, identifier);
        break;
    default: break;
    }
    _owner.acknowledged(*this, static_cast<ReasonCode>(reason));
}

void Client::handleConnack(const FixedHeader& header, ByteView body)
{
    const auto connack = decodeConnack(header, body, _terms.version);
    if (!connack) throw StreamError("the broker sent a bad CONNACK");
    if (connack->reason != ReasonCode::Success)
        throw StreamError("refused: " + std::string(reasonText(connack->reason)));
    if (connack->properties.has(PropertyId::ReceiveMaximum))
        _sendQuota = connack->properties.receiveMaximum;
    _connected = true;
    _owner.connected(*this);
}

void Client::answer(std::uint8_t firstByte, PacketIdentifier identifier)
{
    std::uint8_t* const packet = append(kAnswerSize);
    packet[0] = firstByte;
    packet[1] = 2;
    packet[2] = static_cast<std::uint8_t>(identifier >> 8);
    packet[3] = static_cast<std::uint8_t>(identifier);
}

std::uint8_t* Client::append(std::size_t size)
{
    if (!_dirty)
    {
        _dirty = true;
        _loop._dirty.push_back(this);
    }
    const std::size_t before = _out.size();
    _out.resize(before + size);
    return _out.data() + before;
}

PacketIdentifier Client::nextIdentifier() noexcept
{
    if (++_lastIdentifier == 0) ++_lastIdentifier;
    return _lastIdentifier;
}

void Client::subscribe(std::span<const std::string> filters, QoS qos)
{
    Subscribe packet;
    packet.packetIdentifier = nextIdentifier();
    for (const std::string& filter : filters)
        packet.requests.push_back({filter, qos, false, false, 0});
    std::vector<std::uint8_t> bytes;
    encode(packet, _terms.version, bytes);
    std::copy(bytes.begin(), bytes.end(), append(bytes.size()));
}

void Client::unsubscribe(std::span<const std::string> filters)
{
    Unsubscribe packet;
    packet.packetIdentifier = nextIdentifier();
    packet.topicFilters.assign(filters.begin(), filters.end());
    std::vector<std::uint8_t> bytes;
    encode(packet, _terms.version, bytes);
    std::copy(bytes.begin(), bytes.end(), append(bytes.size()));
}

void Client::ping(std::uint64_t nowNs)
{
    constexpr std::uint64_t kHalfSecond = 500'000'000;
    if (!_connected || _terms.keepAliveSeconds == 0) return;
    if (nowNs < _lastSentNs + _terms.keepAliveSeconds * kHalfSecond) return;
    std::uint8_t* const packet = append(2);
    packet[0] = 0xC0;
    packet[1] = 0;
}

void Client::flush()
{
    _dirty = false;
    if (!_stream) return;
    try
    {
        const std::size_t sent = _stream->write(ByteView(_out).subspan(_outBegin));
        _outBegin += sent;
        if (sent > 0) _lastSentNs = _loop.nowNs();
        if (_outBegin * 2 >= _out.size())
        {
            _out.erase(_out.begin(), _out.begin() + static_cast<std::ptrdiff_t>(_outBegin));
            _outBegin = 0;
        }
        watch();
    }
    catch (const StreamError& error)
    {
        close();
        _owner.failed(*this, error.what());
    }
}

void Client::setReading(bool reads)
{
    _reads = reads;
    if (_stream) watch();
}

void Client::watch()
{
    const bool writes = _stream->wantsToWrite() || (_established && unsent() > 0);
    const std::uint32_t wanted = (_reads ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U);
    if (wanted == _watched) return;
    epoll_event event{};
    event.events = wanted;
    event.data.ptr = this;
    ::epoll_ctl(_loop._epoll, EPOLL_CTL_MOD, _stream->descriptor(), &event);
    _watched = wanted;
}

} // namespace nanomq::load
