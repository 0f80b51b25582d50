#include "broker/Client.h"

#include "broker/Worker.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace nanomq
{

namespace
{

/// A CONNECT larger than this is refused: until then nobody knows who is asking for memory.
constexpr std::uint32_t kMaximumConnectBytes = 64 * 1024;

} // namespace

Client::Client(Connection& connection, Worker& worker, const Listener& listener, PeerAddress peer)
    : _connection(connection),
      _worker(&worker),
      _origin(std::make_unique<Origin>(Origin{listener, std::move(peer)}))
{
}

void Client::accepted()
{
    _worker->enter(*this);
    const auto& settings = _worker->broker().settings;
    auto& connections = _worker->broker().connections;
    if (connections.fetch_add(1, std::memory_order_relaxed) >= settings.maximumConnections &&
        settings.maximumConnections > 0)
        return _connection.close("too many connections");
    _worker->loop().timers().schedule(*this, _worker->loop().now() +
                                                 settings.connectTimeout.count());
}

void Client::moved(EventLoop& loop)
{
    _worker = _worker->broker().workers[loop.number()].get();
    _worker->enter(*this);
    _worker->loop().timers().schedule(
        *this, loop.now() + _worker->broker().settings.connectTimeout.count());
}

MonotonicMs Client::keepAliveMs() const noexcept
{
    // A client is silent for too long after one and a half times its Keep Alive [MQTT-3.1.2-22].
    return MonotonicMs{_keepAliveSeconds} * _worker->broker().settings.keepAliveFactorPermille;
}

void Client::expired(MonotonicMs now)
{
    if (_state == State::AwaitsConnect)
    {
        if (_connection.readingPaused()) // for a hook, which has a deadline of its own
            return _worker->loop().timers().schedule(
                *this, now + _worker->broker().settings.connectTimeout.count());
        return _connection.close("no CONNECT in time");
    }
    // Time spent waiting for a hook is the server's, not the client's.
    if (_connection.readingPaused()) _lastReceived = now;
    const MonotonicMs due = _lastReceived + keepAliveMs();
    if (now >= due) disconnect(ReasonCode::KeepAliveTimeout, "keep alive timeout");
    else _worker->loop().timers().schedule(*this, due);
}

std::size_t Client::received(ByteView bytes)
{
    _lastReceived = _worker->loop().now();
    _worker->counters().bytesReceived.add(bytes.size());
    std::size_t used = 0;
    while (used < bytes.size())
    {
        const ByteView rest = bytes.subspan(used);
        const auto header = readFixedHeader(rest);
        if (!header) return fail(header.error()), bytes.size();
        if (!*header) break;
        const std::uint32_t size = (*header)->packetSize();
        const bool first = _state == State::AwaitsConnect;
        if (first && ((*header)->type != PacketType::Connect || size > kMaximumConnectBytes))
            return fail(ReasonCode::ProtocolError, "the first packet is not a CONNECT"), bytes.size();
        if (size > _worker->broker().settings.maximumPacketSize)
            return fail(ReasonCode::PacketTooLarge), bytes.size();
        if (rest.size() < size)
        {
            _expectedBytes = size;
            break;
        }

        const ByteView body = rest.subspan((*header)->size, (*header)->remainingLength);
        switch (first ? handleFirst(**header, body) : handle(**header, body))
        {
        case Step::Done: break;
        case Step::Parked: _connection.pauseReading(); return used;
        case Step::Moved: return used;
        case Step::Closed: return bytes.size();
        }
        used += size;
        _worker->counters().packetsReceived.add();
        if (_questions) _questions->end();
        _worker->loop().flushIfMuch();
    }
    return used;
}

Client::Step Client::handleFirst(const FixedHeader& header, ByteView body)
{
    const auto connect = decodeConnect(header, body);
    if (connect) return onConnect(*connect);
    if (connect.error() == ReasonCode::UnsupportedProtocolVersion)
    {
        // The form of the answer is the same in 3.x; its code is 1 there, 0x84 in 5.0, and an
        // unknown version is told in the form it may understand [MQTT-3.1.2-2].
        const std::uint8_t connack[] = {0x20, 2, 0, 1};
        sendBytes(connack);
    }
    return fail(connect.error());
}

Client::Step Client::handle(const FixedHeader& header, ByteView body)
{
    if (_questions) _questions->begin();
    switch (header.type)
    {
    case PacketType::Publish: return onPublish(header, body);
    case PacketType::Puback:
    case PacketType::Pubrec:
    case PacketType::Pubrel:
    case PacketType::Pubcomp: return onAcknowledgement(header, body);
    case PacketType::Subscribe: return onSubscribe(header, body);
    case PacketType::Unsubscribe: return onUnsubscribe(header, body);
    case PacketType::Pingreq:
        if (!decodePingreq(header, body)) return fail(ReasonCode::MalformedPacket);
        send(Pingresp{});
        return Step::Done;
    case PacketType::Disconnect: return onDisconnect(header, body);
    case PacketType::Auth:
        // No method was agreed upon at CONNECT [MQTT-4.12.0-7].
        if (_version != ProtocolVersion::v5_0) return fail(ReasonCode::MalformedPacket);
        return fail(ReasonCode::ProtocolError, "AUTH without an authentication method");
    case PacketType::Connect: return fail(ReasonCode::ProtocolError, "a second CONNECT");
    case PacketType::Connack:
    case PacketType::Suback:
    case PacketType::Unsuback:
    case PacketType::Pingresp:
        return fail(ReasonCode::ProtocolError, "a packet that only servers send");
    }
    return fail(ReasonCode::MalformedPacket);
}

Client::Step Client::onDisconnect(const FixedHeader& header, ByteView body)
{
    const auto packet = decodeDisconnect(header, body, _version);
    if (!packet) return fail(packet.error());
    if (packet->properties.has(PropertyId::SessionExpiryInterval))
    {
        // From 0 it cannot be raised (§3.14.2.2.2).
        const auto interval = packet->properties.sessionExpiryInterval;
        if (_session->expiryInterval == 0 && interval != 0)
            return fail(ReasonCode::ProtocolError, "Session Expiry Interval raised from 0");
        _session->expiryInterval =
            std::min(interval, _worker->broker().settings.maximumSessionExpiry);
    }
    _endReason = packet->reason;
    if (packet->reason == ReasonCode::Success) _session->will.reset(); // [MQTT-3.14.4-3]
    _connection.close("disconnected by client");
    return Step::Closed;
}

Client::Step Client::fail(ReasonCode reason, std::string_view what)
{
    _worker->counters().malformedPackets.add();
    disconnect(reason, what.empty() ? reasonText(reason) : what);
    return Step::Closed;
}

void Client::disconnect(ReasonCode reason, std::string_view why)
{
    if (_state == State::Closed) return;
    _endReason = reason;
    _byServer = true;
    if (_state == State::Connected && _version == ProtocolVersion::v5_0)
    {
        Disconnect packet;
        packet.reason = reason;
        send(packet);
    }
    _connection.close(why);
}

void Client::closed(std::string_view why)
{
    const State before = std::exchange(_state, State::Closed);
    cancel();
    _replays.clear();
    if (_questions) _questions->forget();
    _worker->leave(*this);
    _worker->broker().connections.fetch_sub(1, std::memory_order_relaxed);
    if (before != State::Connected) return;

    _worker->counters().connections.subtract();
    _worker->counters().disconnects.add();
    _session->client = nullptr;
    _session->outbound().detach();
    _worker->tellNotes(*_session);

    sdk::ClientDisconnected event{};
    event.client = &_identity->info();
    event.reason = static_cast<std::uint8_t>(_endReason);
    event.reasonText = why;
    event.byServer = _byServer;
    _worker->tell(event, owners());

    // A connection that displaced this one goes on with the session.
    if (_endReason != ReasonCode::SessionTakenOver) _worker->disconnected(*_session);
}

void Client::sendBytes(ByteView packet)
{
    std::lock_guard guard(_connection.lock());
    _connection.append(packet, _worker->turn());
}

void Client::answered()
{
    _connection.resumeReading();
}

bool Client::asks(sdk::HookPoint point) const noexcept
{
    const HookTable& hooks = _worker->hooks();
    return _questions ? _questions->wants(hooks, point) : hooks.any(point);
}

HookQuestions& Client::questions()
{
    if (!_questions)
    {
        HookQuestions::Waiting& waiting = *this;
        _questions = std::make_unique<HookQuestions>(_worker->broker().hooks, _worker->number(),
                                                     waiting);
    }
    return *_questions;
}

} // namespace nanomq
