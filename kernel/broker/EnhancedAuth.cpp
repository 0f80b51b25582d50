// Enhanced authentication (§4.12): CONNECT with an Authentication Method, AUTH before CONNACK, and
// re-authentication of a client that is connected.

#include "broker/Client.h"
#include "broker/Worker.h"
#include "wire/ListedReasons.h"

#include <utility>

namespace nanomq
{

const HookOutcome* Client::askMethod(std::string_view method, const Properties& properties,
                                     AuthenticationStage stage)
{
    static const HookOutcome kNobody;
    const HookTable& hooks = _worker->hooks();
    if (!asks(sdk::HookPoint::ClientEnhancedAuth)) return &kNobody;
    auto event = newEvent<sdk::ClientEnhancedAuth>();
    event.client = &_identity->info();
    event.method = method;
    if (properties.has(PropertyId::AuthenticationData))
        event.data = {properties.authenticationData.data(), properties.authenticationData.size()};
    event.stage = static_cast<std::uint8_t>(stage);
    if (stage == AuthenticationStage::Goes)
        event.state = {_authentication->state.data(), _authentication->state.size()};
    return questions().ask(hooks, event, owners());
}

std::optional<Client::Step> Client::authenticateByMethod(const Connect& connect)
{
    const auto method = connect.properties.authenticationMethod;
    const HookOutcome* const outcome =
        askMethod(method, connect.properties, AuthenticationStage::Connect);
    if (!outcome) return Step::Parked;
    if (!_authentication) _authentication = std::make_unique<Authentication>();
    _authentication->method = method;
    return settleBeforeConnack(connect, *outcome);
}

std::optional<Client::Step> Client::settleBeforeConnack(const Connect& connect,
                                                        const HookOutcome& outcome)
{
    switch (outcome.verdict)
    {
    case sdk::Verdict::Allow:
        if (outcome.userName) identify(connect, _identity->clientId(), *outcome.userName);
        _authentication->answer = outcome.authenticationData;
        return std::nullopt;
    case sdk::Verdict::Continue:
        _state = State::Authenticating;
        _authentication->state = outcome.authenticationState.value_or(std::string());
        sendAuth(ReasonCode::ContinueAuthentication, outcome.authenticationData); // [MQTT-4.12.0-2]
        return Step::Done;
    case sdk::Verdict::Deny: // [MQTT-4.12.0-4]
        return refuse(connect, outcome, ReasonCode::NotAuthorized);
    default: // [MQTT-4.12.0-1]
        return refuse(connect, ReasonCode::BadAuthenticationMethod,
                      "no such authentication method");
    }
}

void Client::keepConnect(const FixedHeader& header, ByteView body)
{
    _authentication->connectHeader = header;
    _authentication->connect.assign(body.begin(), body.end());
}

Client::Step Client::handleAuthenticating(const FixedHeader& header, ByteView body)
{
    if (header.type == PacketType::Disconnect)
    {
        if (!decodeDisconnect(header, body, _version)) return fail(ReasonCode::MalformedPacket);
        _connection.close("disconnected by client");
        return Step::Closed;
    }
    if (_questions) _questions->begin();
    const auto auth = decodeAuth(header, body, _version);
    if (!auth) return fail(auth.error());
    if (auth->reason != ReasonCode::ContinueAuthentication)
        return fail(ReasonCode::ProtocolError, "an AUTH that does not continue");
    if (auth->properties.authenticationMethod != _authentication->method) // [MQTT-4.12.0-5]
        return fail(ReasonCode::ProtocolError, "another authentication method");

    const HookOutcome* const outcome =
        askMethod(_authentication->method, auth->properties, AuthenticationStage::Goes);
    if (!outcome) return Step::Parked;
    // It was well formed when it came.
    auto connect = decodeConnect(_authentication->connectHeader, _authentication->connect);
    mountWill(*connect);
    if (const auto ended = settleBeforeConnack(*connect, *outcome)) return *ended;
    if (const auto ended = admitAuthenticated(*connect)) return *ended;
    return begin(*connect);
}

void Client::authenticationDone()
{
    _authentication->connect = {};
    _authentication->state = {};
    _authentication->answer.reset();
    _authentication->goes = false;
}

Client::Step Client::onAuth(const FixedHeader& header, ByteView body)
{
    if (_version != ProtocolVersion::v5_0) return fail(ReasonCode::MalformedPacket);
    if (!_authentication) // [MQTT-4.12.0-7]
        return fail(ReasonCode::ProtocolError, "AUTH without an authentication method");
    const auto auth = decodeAuth(header, body, _version);
    if (!auth) return fail(auth.error());
    if (auth->properties.authenticationMethod != _authentication->method) // [MQTT-4.12.1-1]
        return fail(ReasonCode::ProtocolError, "another authentication method");
    const bool begins = auth->reason == ReasonCode::Reauthenticate;
    const bool goesOn = auth->reason == ReasonCode::ContinueAuthentication;
    if (_authentication->goes ? !goesOn : !begins)
        return fail(ReasonCode::ProtocolError, "an AUTH out of turn");

    const HookOutcome* const outcome =
        askMethod(_authentication->method, auth->properties,
                  begins ? AuthenticationStage::Again : AuthenticationStage::Goes);
    if (!outcome) return Step::Parked;
    if (outcome->verdict == sdk::Verdict::Continue)
    {
        _authentication->goes = true;
        _authentication->state = outcome->authenticationState.value_or(std::string());
        sendAuth(ReasonCode::ContinueAuthentication, outcome->authenticationData);
        return Step::Done;
    }
    const auto& info = _identity->info();
    const bool sameUser = !outcome->userName ||
                          (info.hasUserName && info.userName.view() == *outcome->userName);
    if (outcome->verdict != sdk::Verdict::Allow || !sameUser)
    {
        const bool denied = outcome->verdict == sdk::Verdict::Deny;
        // The code of a hook may be one that is for CONNACK only.
        const auto reason = denied ? static_cast<ReasonCode>(outcome->reason)
                                   : ReasonCode::NotAuthorized;
        disconnect(refusalFor(PacketType::Disconnect, reason, ReasonCode::NotAuthorized),
                   "re-authentication failed"); // [MQTT-4.12.1-2]
        return Step::Closed;
    }
    sendAuth(ReasonCode::Success, outcome->authenticationData);
    authenticationDone();
    return Step::Done;
}

void Client::addAuthentication(PropertyWriter& properties,
                               const std::optional<std::string>& data) const
{
    properties.add(PropertyId::AuthenticationMethod, std::string_view(_authentication->method));
    if (data) properties.add(PropertyId::AuthenticationData, asBytes(*data));
}

void Client::sendAuth(ReasonCode reason, const std::optional<std::string>& data)
{
    PropertyWriter properties;
    addAuthentication(properties, data);
    Auth auth;
    auth.reason = reason;
    auth.properties.raw = properties.raw();
    send(auth);
}

} // namespace nanomq
