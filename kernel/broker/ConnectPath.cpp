// From CONNECT to CONNACK: who is it, may it come in, and which session does it get.

#include "broker/Client.h"
#include "broker/MountPoint.h"
#include "broker/Worker.h"
#include "topic/SystemTopic.h"
#include "topic/TopicName.h"
#include "wire/ForwardedProperties.h"
#include "wire/ListedReasons.h"
#include "wire/Utf8.h"

#include <Poco/UUIDGenerator.h>

#include <algorithm>
#include <utility>

namespace nanomq
{

namespace
{

/// The Session Expiry Interval a CONNECT asks for; 3.x says it with Clean Session.
std::uint32_t expiryOf(const Connect& connect) noexcept
{
    if (connect.version != ProtocolVersion::v5_0)
        return connect.cleanStart ? 0 : kSessionNeverExpires;
    return connect.properties.has(PropertyId::SessionExpiryInterval)
               ? connect.properties.sessionExpiryInterval
               : 0;
}

} // namespace

std::string Client::assignClientId() const
{
    // One that falls to this worker, so that the connection need not move.
    while (true)
    {
        const std::string id = "nanomq-" + Poco::UUIDGenerator::defaultGenerator().createRandom().toString();
        if (&_worker->broker().workerOf(id) == _worker) return id;
    }
}

void Client::identify(const Connect& connect, std::string_view clientId,
                      std::optional<std::string_view> userName)
{
    _identity = ClientIdentity::make({connect.version, connect.cleanStart, connect.keepAlive,
                                      clientId, userName, _origin->peer.address,
                                      _origin->peer.port, _listener.url(),
                                      _origin->facts.commonName, _origin->facts.subject});
}

bool Client::learnOrigin()
{
    _origin->facts = _connection.peerFacts();
    if (_origin->facts.source) _origin->peer = *_origin->facts.source;
    const UserNameSource source = _listener.settings().userNameFrom;
    if (source == UserNameSource::Connect) return true;
    const std::string& name = source == UserNameSource::CommonName
                                  ? _origin->facts.commonName
                                  : _origin->facts.alternativeName;
    if (name.empty() || !isUtf8(name)) return false;
    _origin->userName = name;
    return true;
}

std::optional<std::string_view> Client::userNameOf(const Connect& connect) const
{
    if (_origin->userName) return *_origin->userName;
    return connect.userName;
}

void Client::moveTo(Worker& target)
{
    cancel();
    _worker->leave(*this);
    _questions.reset();
    _connection.moveTo(target.loop());
}

void Client::mountWill(Connect& connect)
{
    if (connect.will && !mountPoint().empty())
        connect.will->topicName = _mounted = mounted(mountPoint(), connect.will->topicName);
}

Client::Step Client::onConnect(const Connect& connect)
{
    _version = connect.version;
    if (_connectAtNs == 0) _connectAtNs = Latency::nowNs(); // asked about again after an answer
    if (connect.properties.has(PropertyId::MaximumPacketSize))
        _maximumPacketSize = connect.properties.maximumPacketSize;
    if (connect.properties.has(PropertyId::RequestProblemInformation))
        _wantsProblemInformation = connect.properties.requestProblemInformation != 0;
    if (_questions) _questions->begin();
    if (!_identity)
    {
        const bool named = learnOrigin();
        if (!connect.clientId.empty()) identify(connect, connect.clientId, userNameOf(connect));
        else
        {
            // 3.1 has no empty identifier; 3.1.1 only with Clean Session [v3.1.1 MQTT-3.1.3-8].
            _assignedId = true;
            identify(connect, assignClientId(), userNameOf(connect));
            const bool mayBeEmpty =
                connect.version == ProtocolVersion::v5_0 ||
                (connect.version == ProtocolVersion::v3_1_1 && connect.cleanStart);
            if (!mayBeEmpty)
                return refuse(connect, ReasonCode::ClientIdentifierNotValid,
                              "an empty Client Identifier");
        }
        if (!named)
            return refuse(connect, ReasonCode::NotAuthorized, "no user name in the certificate");
        if (_listener.settings().proxyProtocol)
            if (const auto reached = _place->takeAddress(_origin->peer.address))
            {
                _worker->limitReached(*reached, description(), "it is refused");
                return refuse(connect, ReasonCode::QuotaExceeded, "too many connections");
            }
    }
    Worker& owner = _worker->broker().workerOf(_identity->clientId());
    if (&owner != _worker) return moveTo(owner), Step::Moved;

    if (!_connectAsked)
    {
        const HookOutcome* const outcome = askConnect(connect);
        if (!outcome) return Step::Parked;
        if (outcome->verdict == sdk::Verdict::Deny)
            return refuse(connect, *outcome, ReasonCode::NotAuthorized);
        if (outcome->clientId || outcome->userName)
        {
            const auto now = _identity;
            const auto userName = outcome->userName ? std::optional<std::string_view>(*outcome->userName)
                                                    : userNameOf(connect);
            identify(connect, outcome->clientId ? *outcome->clientId : now->clientId(), userName);
            _assignedId = _assignedId || outcome->clientId;
        }
        if (_questions) _questions->end();
        _connectAsked = true;
        Worker& newOwner = _worker->broker().workerOf(_identity->clientId());
        if (&newOwner != _worker) return moveTo(newOwner), Step::Moved;
    }

    if (const auto ended = admit(connect)) return *ended;
    return begin(connect);
}

const HookOutcome* Client::askConnect(const Connect& connect)
{
    static const HookOutcome kNothing;
    const HookTable& hooks = _worker->hooks();
    if (!asks(sdk::HookPoint::ClientConnect)) return &kNothing;
    auto event = newEvent<sdk::ClientConnect>();
    event.client = &_identity->info();
    if (connect.will)
    {
        event.willTopic = connect.will->topicName;
        event.willQoS = static_cast<std::uint8_t>(connect.will->qos);
        event.willRetain = connect.will->retain;
    }
    return questions().ask(hooks, event, owners());
}

std::optional<Client::Step> Client::admit(const Connect& connect)
{
    if (const auto ended = checkBans(connect)) return ended;
    if (const auto ended = checkTerms(connect)) return ended;
    const bool byMethod = connect.properties.has(PropertyId::AuthenticationMethod);
    if (const auto ended = byMethod ? authenticateByMethod(connect) : authenticate(connect))
        return ended;
    return admitAuthenticated(connect);
}

std::optional<Client::Step> Client::admitAuthenticated(const Connect& connect)
{
    if (const auto ended = authorizeWill(connect)) return ended;
    if (belongsToAnother(connect))
        return refuse(connect, ReasonCode::NotAuthorized,
                      "the session of this Client Identifier is another user's");
    return reviewSession(connect);
}

/// A session is its user name's. Another user does not get what is in it, and throws nobody out;
/// but one that nobody uses any more may make room for a new one.
bool Client::belongsToAnother(const Connect& connect)
{
    Session* const session = _worker->find(_identity->clientId());
    if (!session || (connect.cleanStart && !session->client)) return false;
    const auto owner = session->outbound().identity();
    if (!owner) return false;
    const auto& theirs = *ClientIdentity::infoOf(owner.get());
    const auto& ours = _identity->info();
    return theirs.hasUserName != ours.hasUserName || theirs.userName.view() != ours.userName.view();
}

/// Rights may have changed while the client was away: nothing is delivered before they are known.
std::optional<Client::Step> Client::reviewSession(const Connect& connect)
{
    if (_review) return _review->finished() ? std::nullopt : std::optional(Step::Parked);
    Session* const session = _worker->find(_identity->clientId());
    const bool goesOn = session && !connect.cleanStart && !session->subscriptions().empty();
    if (!goesOn) return std::nullopt;
    const bool mayHaveChanged =
        _worker->hooks().any(sdk::HookPoint::ClientAuthorize) ||
        (session->readsSystem && !_worker->broker().mayReceive(*_identity, "$SYS/"));
    if (!mayHaveChanged) return std::nullopt;
    return beginReview() ? std::nullopt : std::optional(Step::Parked);
}

std::optional<Client::Step> Client::checkBans(const Connect& connect)
{
    if (!_worker->broker().bans.bansClient(_identity->info(), unixNow())) return std::nullopt;
    _worker->limitReached(Limit::Banned, description(), "it is refused");
    return refuse(connect, ReasonCode::Banned, "banned");
}

/// Who guesses passwords does so from somewhere.
void Client::countFailedLogin(ReasonCode reason)
{
    auto& counts = _worker->broker().failedLogins;
    const bool isFailure = reason == ReasonCode::BadUserNameOrPassword ||
                           reason == ReasonCode::NotAuthorized ||
                           reason == ReasonCode::BadAuthenticationMethod;
    if (!counts.counts() || !isFailure || !_identity) return;
    const std::string address(_identity->info().peerAddress.view());
    if (!counts.add(address, _worker->loop().now())) return;
    _worker->ban({BanKind::Address, address,
                  std::to_string(counts.rule().count) + " failed logins", "failed logins"},
                 counts.rule().duration);
}

/// Who comes and goes all the time costs as much as many clients.
void Client::countConnect()
{
    auto& counts = _worker->broker().flapping;
    if (!counts.counts() || !counts.add(_identity->clientId(), _worker->loop().now())) return;
    _worker->ban({BanKind::ClientId, std::string(_identity->clientId()),
                  std::to_string(counts.rule().count) + " connects", "flapping"},
                 counts.rule().duration);
}

std::optional<Client::Step> Client::checkTerms(const Connect& connect)
{
    const auto& settings = _worker->broker().settings;
    const auto tooMany = [&](const Properties& properties) {
        if (!tooManyUserProperties(properties)) return false;
        _worker->limitReached(Limit::UserProperties, description(), "it is refused");
        return true;
    };
    if (tooMany(connect.properties) || (connect.will && tooMany(connect.will->properties)))
        return refuse(connect, ReasonCode::QuotaExceeded, "too many User Properties");
    if (!connect.will) return std::nullopt;
    if (!isValidTopicName(connect.will->topicName))
        return refuse(connect, ReasonCode::TopicNameInvalid, "the Will Topic is not a Topic Name");
    if (const auto reached = topicLimit(connect.will->topicName))
    {
        _worker->limitReached(*reached, description(), "it is refused");
        return refuse(connect, ReasonCode::TopicNameInvalid, "the Will Topic is too long");
    }
    if (isSystemTopic(connect.will->topicName)) // clients cannot speak for the broker
        return refuse(connect, ReasonCode::NotAuthorized, "a Will below $SYS/");
    if (connect.will->qos > settings.maximumQoS) // [MQTT-3.2.2-12]
        return refuse(connect, ReasonCode::QoSNotSupported, "the QoS of the Will");
    if (connect.will->retain && !settings.retainAvailable) // [MQTT-3.2.2-13]
        return refuse(connect, ReasonCode::RetainNotSupported, "a retained Will");
    return std::nullopt;
}

std::optional<Client::Step> Client::authenticate(const Connect& connect)
{
    const HookTable& hooks = _worker->hooks();
    const bool credentials = connect.userName || connect.password;
    const bool asked = asks(sdk::HookPoint::ClientAuthenticate);
    if (asked)
    {
        auto event = newEvent<sdk::ClientAuthenticate>();
        event.client = &_identity->info();
        event.hasPassword = connect.password.has_value();
        if (connect.password) event.password = {connect.password->data(), connect.password->size()};
        const HookOutcome* const outcome = questions().ask(hooks, event, owners());
        if (!outcome) return Step::Parked;
        if (outcome->verdict == sdk::Verdict::Allow) return std::nullopt;
        if (outcome->verdict == sdk::Verdict::Deny)
            return refuse(connect, *outcome,
                          credentials ? ReasonCode::BadUserNameOrPassword
                                      : ReasonCode::NotAuthorized);
    }
    // Nobody has decided. A certificate that names the user is proof; wrong credentials are never
    // as good as none.
    if (_origin->userName) return std::nullopt;
    const BrokerState& broker = _worker->broker();
    const auto written = _listener.settings().allowAnonymous ? _listener.settings().allowAnonymous
                                                             : broker.settings.allowAnonymous;
    // A broker that somebody guarded does not stand open when the guard has gone, unless that was
    // written out.
    const bool deserted = !asked && !written && broker.deserted();
    const bool allowAnonymous = written.value_or(!deserted);
    if (allowAnonymous && (!asked || !credentials)) return std::nullopt;
    if (deserted)
        return refuse(connect, ReasonCode::NotAuthorized, "the plugin that checked clients has gone");
    return refuse(connect,
                  credentials ? ReasonCode::BadUserNameOrPassword : ReasonCode::NotAuthorized,
                  credentials ? "nobody knows these credentials" : "anonymous access is not allowed");
}

std::optional<Client::Step> Client::authorizeWill(const Connect& connect)
{
    const HookTable& hooks = _worker->hooks();
    if (!connect.will || !asks(sdk::HookPoint::ClientAuthorize))
        return std::nullopt;
    auto event = newEvent<sdk::ClientAuthorize>();
    event.client = &_identity->info();
    event.topic = connect.will->topicName;
    event.access = sdk::Access::Will;
    event.qos = static_cast<std::uint8_t>(connect.will->qos);
    event.retain = connect.will->retain;
    const HookOutcome* const outcome = questions().ask(hooks, event, owners());
    if (!outcome) return Step::Parked;
    if (outcome->verdict != sdk::Verdict::Deny) return std::nullopt;
    return refuse(connect, *outcome, ReasonCode::NotAuthorized);
}

Client::Step Client::refuse(const Connect& connect, const HookOutcome& outcome,
                            ReasonCode otherwise)
{
    const auto reason = refusalFor(PacketType::Connack, static_cast<ReasonCode>(outcome.reason),
                                   otherwise); // [MQTT-3.2.2-8]
    return refuse(connect, reason, outcome.reasonText,
                  outcome.serverReference.value_or(std::string()));
}

Client::Step Client::refuse(const Connect&, ReasonCode reason, std::string_view text,
                            std::string_view serverReference)
{
    constexpr std::size_t kConnackBytes = 5 + 1; // without properties; one more for their length
    _worker->counters().connectsRefused.add();
    countFailedLogin(reason);
    PropertyWriter properties;
    const bool redirected =
        reason == ReasonCode::UseAnotherServer || reason == ReasonCode::ServerMoved;
    if (redirected && !serverReference.empty())
        properties.add(PropertyId::ServerReference, serverReference);
    const std::size_t reasonString = 3 + text.size(); // [MQTT-3.2.2-19]
    if (!text.empty() &&
        kConnackBytes + properties.raw().size() + reasonString <= _maximumPacketSize)
        properties.add(PropertyId::ReasonString, text);
    Connack connack;
    connack.reason = reason;
    connack.properties.raw = properties.raw();
    send(connack);
    tellConnack(reason, false);
    _connection.close(text.empty() ? reasonText(reason) : text);
    return Step::Closed;
}

Client::Step Client::begin(const Connect& connect)
{
    if (_maximumPacketSize < UINT32_MAX && connackFor(connect, false).size() > _maximumPacketSize)
        return refuse(connect, ReasonCode::PacketTooLarge, "no room for CONNACK");
    bool present = false;
    Session* const session = takeSession(connect, present);
    if (!session) return refuse(connect, ReasonCode::QuotaExceeded, "too many sessions");
    _session = session;
    session->client = this;
    _state = State::Connected;
    _worker->counters().connections.add();
    session->disconnectedAt = kNever;
    session->deadline.reset();
    session->expiryInterval =
        std::min(expiryOf(connect), _worker->broker().settings.maximumSessionExpiry);
    prepareWill(connect);
    _origin.reset();
    _place->letIn();
    if (TrafficGate::isNeeded(limits()))
    {
        TrafficGate::Waiting& waiting = *this;
        _gate = std::make_unique<TrafficGate>(limits(), waiting);
    }
    _review.reset();

    _keepAliveSeconds = serverKeepAlive(connect);
    cancel();
    if (_keepAliveSeconds > 0)
        _worker->loop().timers().schedule(*this, _worker->loop().now() + keepAliveMs());

    // From here on other workers may write to this connection, under the session's lock. CONNACK
    // stands in front of whatever they write [MQTT-3.2.0-1].
    _connection.shareLock(session->outbound().lock());
    sendBytes(connackFor(connect, present));
    if (_authentication) authenticationDone();
    session->outbound().attach(_connection, termsOf(connect), _worker->turn());

    _worker->counters().connectsAccepted.add();
    _worker->latency().connected(_connectAtNs);
    countConnect();
    tellConnack(ReasonCode::Success, present);
    sdk::ClientConnected connected{};
    connected.client = &_identity->info();
    _worker->tell(connected, owners());
    if (present)
    {
        sdk::SessionResumed resumed{};
        resumed.client = &_identity->info();
        _worker->tell(resumed, owners());
        _worker->tellNotes(*session);
    }
    else
    {
        sdk::SessionCreated created{};
        created.client = &_identity->info();
        _worker->tell(created, owners());
    }
    return Step::Done;
}

Session* Client::takeSession(const Connect& connect, bool& present)
{
    Session* session = _worker->find(_identity->clientId());
    if (!session) return _worker->create(_identity->clientId());

    const bool displaced = session->client != nullptr;
    if (displaced) takeOver(*session->client);
    // A session without expiry ends with its connection, also with one that was displaced.
    if (connect.cleanStart || (displaced && session->expiryInterval == 0))
    {
        _worker->end(*session, ReasonCode::Success,
                     connect.cleanStart ? "clean start" : "connection closed");
        return _worker->create(_identity->clientId());
    }
    present = true;
    // The displaced connection has ended, and its Will goes out, unless it may wait for a delay;
    // then the client is back before that is over [MQTT-3.1.3-9], [MQTT-3.1.4-3].
    if (displaced && session->will && session->will->delaySeconds == 0) _worker->sendWill(*session);
    session->will.reset();
    return session;
}

void Client::takeOver(Client& other)
{
    sdk::SessionTakenOver event{};
    event.client = &other._identity->info();
    _worker->tell(event, other.owners());
    other._displaced = true;
    other.disconnect(ReasonCode::SessionTakenOver, "taken over by a new connection");
}

ConnectionTerms Client::termsOf(const Connect& connect) const
{
    ConnectionTerms terms;
    terms.version = connect.version;
    terms.identity = _identity;
    terms.receiveMaximum = _worker->broker().settings.inflightWindow;
    if (connect.properties.has(PropertyId::ReceiveMaximum))
        terms.receiveMaximum = std::min(terms.receiveMaximum, connect.properties.receiveMaximum);
    if (connect.properties.has(PropertyId::TopicAliasMaximum))
        terms.topicAliasMaximum = connect.properties.topicAliasMaximum;
    terms.maximumPacketSize = _maximumPacketSize;
    terms.mountPoint = mountPoint();
    return terms;
}

void Client::prepareWill(const Connect& connect)
{
    _session->will.reset();
    if (!connect.will) return;
    const auto& will = *connect.will;
    MessageView view;
    view.topicName = will.topicName;
    view.payload = will.payload;
    view.qos = will.qos;
    view.retain = will.retain;
    std::vector<std::uint8_t> forwarded;
    view.properties = forwardedProperties(will.properties, forwarded);
    auto pending = std::make_unique<WillMessage>();
    if (will.properties.has(PropertyId::WillDelayInterval))
        pending->delaySeconds = will.properties.willDelayInterval;
    if (will.properties.has(PropertyId::MessageExpiryInterval))
        pending->expirySeconds = will.properties.messageExpiryInterval;
    pending->message = Message::make(view, _identity);
    _session->will = std::move(pending);
}

std::uint16_t Client::serverKeepAlive(const Connect& connect) const noexcept
{
    const auto maximum = _worker->broker().settings.keepAliveMaximum;
    // 3.x has no way to tell the client another one.
    if (maximum == 0 || connect.version != ProtocolVersion::v5_0) return connect.keepAlive;
    return connect.keepAlive == 0 ? maximum : std::min(connect.keepAlive, maximum);
}

std::string Client::responseInformation() const
{
    const auto topic = _worker->broker().settings.responseInformation +
                       std::string(_identity->clientId());
    return isValidTopicName(topic) ? topic : std::string();
}

std::vector<std::uint8_t> Client::connackFor(const Connect& connect, bool present) const
{
    const auto& settings = _worker->broker().settings;
    PropertyWriter properties;
    if (connect.version == ProtocolVersion::v5_0)
    {
        if (expiryOf(connect) > settings.maximumSessionExpiry)
            properties.add(PropertyId::SessionExpiryInterval, settings.maximumSessionExpiry);
        if (settings.receiveMaximum < 65'535)
            properties.add(PropertyId::ReceiveMaximum, settings.receiveMaximum);
        properties.add(PropertyId::MaximumPacketSize, settings.maximumPacketSize);
        if (_assignedId) properties.add(PropertyId::AssignedClientIdentifier, _identity->clientId());
        if (settings.topicAliasMaximum > 0)
            properties.add(PropertyId::TopicAliasMaximum, settings.topicAliasMaximum);
        if (settings.maximumQoS != QoS::ExactlyOnce) // [MQTT-3.2.2-9]
            properties.add(PropertyId::MaximumQoS, static_cast<std::uint32_t>(settings.maximumQoS));
        if (!settings.retainAvailable) properties.add(PropertyId::RetainAvailable, 0);
        if (const auto keepAlive = serverKeepAlive(connect); keepAlive != connect.keepAlive)
            properties.add(PropertyId::ServerKeepAlive, keepAlive);
        const bool wantsResponse =
            connect.properties.has(PropertyId::RequestResponseInformation) &&
            connect.properties.requestResponseInformation != 0; // [MQTT-3.1.2-28]
        if (wantsResponse && !settings.responseInformation.empty())
            if (const auto topic = responseInformation(); !topic.empty())
                properties.add(PropertyId::ResponseInformation, std::string_view(topic));
        if (_authentication) // [MQTT-4.12.0-5], [MQTT-4.12.0-6]
            addAuthentication(properties, _authentication->answer);
    }
    Connack connack;
    connack.sessionPresent = present;
    connack.properties.raw = properties.raw();
    std::vector<std::uint8_t> bytes;
    encode(connack, connect.version, bytes);
    return bytes;
}

void Client::tellConnack(ReasonCode reason, bool present)
{
    sdk::ClientConnack event{};
    event.client = &_identity->info();
    event.reason = static_cast<std::uint8_t>(reason);
    event.sessionPresent = present;
    _worker->tell(event, owners());
}

} // namespace nanomq
