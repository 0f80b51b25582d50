#include "broker/Client.h"

#include "broker/Worker.h"
#include "wire/ListedReasons.h"
#include "wire/Reader.h"

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

Client::Client(Connection& connection, Worker& worker, const Listener& listener, PeerAddress peer,
               std::unique_ptr<ConnectionPlace> place)
    : _connection(connection),
      _worker(&worker),
      _listener(listener),
      _place(std::move(place)),
      _origin(std::make_unique<Origin>(Origin{std::move(peer), {}, {}}))
{
}

void Client::accepted()
{
    _worker->enter(*this);
    _worker->loop().timers().schedule(
        *this, _worker->loop().now() + _worker->broker().settings.connectTimeout.count());
}

void Client::moved(EventLoop& loop)
{
    _worker = _worker->broker().workers[loop.number()].get();
    _worker->enter(*this);
    if (_worker->stopping()) return disconnect(ReasonCode::ServerShuttingDown, kBrokerStops);
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
    if (_state != State::Connected)
    {
        if (_connection.readingPaused()) // for a hook, which has a deadline of its own
            return _worker->loop().timers().schedule(
                *this, now + _worker->broker().settings.connectTimeout.count());
        _worker->limitReached(Limit::ConnectTimeout, description(), "no CONNECT in time");
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
    const std::size_t used = handlePackets(bytes);
    _worker->counters().bytesReceived.add(used);
    if (_origin && _state != State::Closed && !keepStranger(bytes.size() - used))
        return bytes.size();
    if (_state == State::Connected &&
        _worker->broker().outbound.takesNotes.load(std::memory_order_relaxed))
        _worker->tellNotes(*_session);
    return used;
}

std::size_t Client::handlePackets(ByteView bytes)
{
    std::size_t used = 0;
    while (used < bytes.size())
    {
        const ByteView rest = bytes.subspan(used);
        const auto header = readFixedHeader(rest);
        if (!header) return fail(header.error()), bytes.size();
        if (!*header) break;
        const std::uint32_t size = (*header)->packetSize();
        if (_state != State::Connected &&
            (!isExpectedFirst((*header)->type) || size > kMaximumConnectBytes))
            return fail(ReasonCode::ProtocolError, "not the packet that comes first"), bytes.size();
        if (size > _worker->broker().settings.maximumPacketSize)
            return overLimit(Limit::PacketSize, ReasonCode::PacketTooLarge,
                             reasonText(ReasonCode::PacketTooLarge)),
                   bytes.size();
        if (rest.size() < size)
        {
            _expectedBytes = size;
            break;
        }

        if (_gate && gateIsClosed()) return used;
        const ByteView body = rest.subspan((*header)->size, (*header)->remainingLength);
        switch (handle(**header, body))
        {
        case Step::Done: break;
        case Step::Parked: hold(kForHook); return used;
        case Step::Waits: hold(kForMemory); return used;
        case Step::Moved: return used;
        case Step::Closed: return bytes.size();
        }
        used += size;
        if (_gate) _gate->passed(size, _worker->loop().now());
        _worker->counters().packetsReceived.add();
        if (_questions) _questions->end();
        if (_answerTooLarge)
            return disconnect(ReasonCode::PacketTooLarge, "its answer is too large"), bytes.size();
        _worker->loop().flushIfMuch();
    }
    return used;
}

bool Client::isExpectedFirst(PacketType type) const noexcept
{
    if (_state == State::AwaitsConnect) return type == PacketType::Connect; // [MQTT-3.1.0-1]
    return type == PacketType::Auth || type == PacketType::Disconnect;      // [MQTT-3.1.2-30]
}

Client::Step Client::handle(const FixedHeader& header, ByteView body)
{
    switch (_state)
    {
    case State::AwaitsConnect: return handleFirst(header, body);
    case State::Authenticating: return handleAuthenticating(header, body);
    case State::Connected: return handleConnected(header, body);
    case State::Closed: break;
    }
    return Step::Closed;
}

Client::Step Client::handleFirst(const FixedHeader& header, ByteView body)
{
    auto connect = decodeConnect(header, body);
    if (connect)
    {
        mountWill(*connect);
        const Step step = onConnect(*connect);
        if (_state == State::Authenticating) keepConnect(header, body);
        return step;
    }
    answerBadConnect(body, connect.error());
    return fail(connect.error());
}

void Client::answerBadConnect(ByteView body, ReasonCode reason)
{
    // These two fields stand in every version.
    Reader in(body);
    const auto name = in.text();
    const auto level = in.byte();
    // Another name is another protocol: it would not understand [MQTT-3.1.2-1].
    if (!name || !level || (*name != "MQTT" && *name != "MQIsdp")) return;
    if (*name == "MQTT" && (*level & 0x7F) >= 5)
    {
        _version = ProtocolVersion::v5_0;
        send(Connack{false, refusalFor(PacketType::Connack, reason, ReasonCode::MalformedPacket), {}});
    }
    // v3.1.1: an unknown version is told [MQTT-3.1.2-2], a malformed CONNECT not [MQTT-3.1.4-1].
    else if (reason == ReasonCode::UnsupportedProtocolVersion) send(Connack{false, reason, {}});
}

Client::Step Client::handleConnected(const FixedHeader& header, ByteView body)
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
    case PacketType::Auth: return onAuth(header, body);
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
    if (isServersOnly(packet->reason) || packet->properties.has(PropertyId::ServerReference))
        return fail(ReasonCode::ProtocolError, "a DISCONNECT that only servers send");
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
    if (_state == State::Authenticating)
        return refuse(Connect{}, reason, what.empty() ? reasonText(reason) : what);
    disconnect(reason, what.empty() ? reasonText(reason) : what);
    return Step::Closed;
}

Client::Step Client::overLimit(Limit limit, ReasonCode reason, std::string_view what)
{
    _worker->limitReached(limit, description(), what);
    return fail(reason, what);
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
    _replay.reset();
    _review.reset();
    if (_questions) _questions->forget();
    _gate.reset();
    _worker->leave(*this);
    _place->giveBack();
    if (before != State::Connected) return;

    _worker->counters().connections.subtract();
    _worker->counters().disconnects.add();
    _session->client = nullptr;
    const auto dropped = _session->outbound().detach();
    constexpr auto kNotConnected = static_cast<std::size_t>(DeliveryResult::NotConnected);
    _worker->counters().dropped[kNotConnected].add(dropped);
    _worker->tellNotes(*_session);

    sdk::ClientDisconnected event{};
    event.client = &_identity->info();
    event.reason = static_cast<std::uint8_t>(_endReason);
    event.reasonText = why;
    event.byServer = _byServer;
    _worker->tell(event, owners());

    if (!_displaced) _worker->disconnected(*_session);
}

void Client::sendBytes(ByteView packet)
{
    if (packet.size() > _maximumPacketSize) // [MQTT-3.1.2-24]
    {
        _answerTooLarge = true;
        return;
    }
    _worker->counters().answersSent.add();
    std::lock_guard guard(_connection.lock());
    _connection.append(packet, _worker->turn());
    _connection.countAnswer(packet.size());
}

void Client::hold(Hold why)
{
    if (why == kForMemory) _waitsSince = _worker->loop().now();
    _held |= why;
    _connection.pauseReading();
}

void Client::letGo(Hold why)
{
    _held &= static_cast<std::uint8_t>(~why);
    if (_held != 0) return;
    // Time spent waiting is the server's, not the client's.
    _lastReceived = _worker->loop().now();
    _connection.resumeReading();
}

void Client::answered()
{
    letGo(kForHook);
}

void Client::reviewed()
{
    if (_state != State::Connected) letGo(kForHook);
}

void Client::gateOpens()
{
    letGo(kForRate);
}

bool Client::gateIsClosed()
{
    const auto reached = _gate->closed(_worker->loop().timers(), _worker->loop().now());
    if (!reached) return false;
    _worker->limitReached(*reached, description(), "it is read from more slowly");
    hold(kForRate);
    return true;
}

bool Client::keepStranger(std::size_t bytes)
{
    // Beyond this a connection has a buffer of its own that grows up to the whole packet.
    if (bytes > EventLoop::kReadHeadroom) bytes = std::max<std::size_t>(bytes, _expectedBytes);
    if (_place->keep(bytes)) return true;
    _worker->limitReached(Limit::ConnectMemory, description(), "the connection is closed");
    _connection.close("too many clients are connecting");
    return false;
}

std::string Client::description() const
{
    if (!_identity) return _origin ? _origin->peer.address : std::string();
    const auto& info = _identity->info();
    return "client '" + std::string(info.clientId.view()) + "' at " +
           std::string(info.peerAddress.view());
}

std::optional<Limit> Client::topicLimit(std::string_view topic) const noexcept
{
    if (topic.size() > limits().topicLength) return Limit::TopicLength;
    if (_worker->broker().tooDeep(topic)) return Limit::TopicLevels;
    return std::nullopt;
}

bool Client::lookAfter(MemoryLevel level, bool checkBans)
{
    constexpr MonotonicMs kShortTimeout = 1'000; // while memory is short
    constexpr MonotonicMs kLongestWait = 1'000;
    if (_state != State::Connected) return false;
    const BrokerState& broker = _worker->broker();
    const MonotonicMs now = _worker->loop().now();
    if (checkBans && broker.bans.bansClient(_identity->info(), unixNow()))
    {
        _worker->limitReached(Limit::Banned, description(), "it is disconnected");
        disconnect(ReasonCode::AdministrativeAction, "banned");
        return false;
    }
    MonotonicMs timeout = limits().slowTimeout.count();
    if (level == MemoryLevel::Refuse) timeout = std::min(timeout, kShortTimeout);
    const MonotonicMs since = timeout > 0 ? _connection.blockedSince() : kNever;
    if (since != kNever && now - since >= timeout)
    {
        _worker->limitReached(Limit::SlowReader, description(),
                              "it takes no data, and is disconnected");
        disconnect(ReasonCode::QuotaExceeded, "it takes no data");
        return false;
    }
    if ((_held & kForMemory) == 0) return false;
    // Nobody waits for ever: behind its message may stand what frees memory, such as PUBACK.
    const bool goesOn = level < MemoryLevel::Wait || level == MemoryLevel::Refuse ||
                        now - _waitsSince >= kLongestWait;
    if (!goesOn) return true;
    _mayPass = true;
    letGo(kForMemory);
    return false;
}

void Client::reviewRights()
{
    beginReview();
}

bool Client::beginReview()
{
    RightsReview::Done& done = *this;
    _review = std::make_unique<RightsReview>(*_worker, _identity, done);
    return _review->start();
}

void Client::subscriptionEnded(FilterId filter)
{
    if (_replay) _replay->remove(filter);
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
