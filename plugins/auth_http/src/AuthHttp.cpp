#include "AuthHttp.h"

#include "TryOut.h"
#include "credentials/Record.h"
#include "nanomq/reason_codes.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/Timestamp.h>

#include <cerrno>
#include <sstream>
#include <utility>

namespace auth_http
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::uint32_t kTickMs = 100;
// The desk answers at the deadline; should that be late, the broker does soon after.
constexpr std::chrono::milliseconds kGrace{2'000};
constexpr std::size_t kSecretBytes = 32;

} // namespace

Outcome outcomeOf(const Settings& settings, Kind kind, const Decision& decision) noexcept
{
    using sdk::Verdict;
    if (decision.kind == Decision::Kind::Allow) return {Verdict::Allow, 0};
    // Who is no superuser may still do what others let it do.
    if (decision.kind == Decision::Kind::Ignore || kind == Kind::Super) return {Verdict::Next, 0};
    if (decision.kind == Decision::Kind::Deny) return {Verdict::Deny, decision.reason};
    switch (settings.onError)
    {
    case Settings::OnError::Allow: return {Verdict::Allow, 0};
    case Settings::OnError::Ignore: return {Verdict::Next, 0};
    case Settings::OnError::Deny: break;
    }
    return {Verdict::Deny, kind == Kind::Login ? decision.reason : sdk::reason::kNotAuthorized};
}

// --- life ------------------------------------------------------------------------------------

void AuthHttp::onInit()
{
    _settings = Settings::read(get<sdk::Config>());
    for (const auto& warning : _settings.warnings) host().log(sdk::LogLevel::Warning, warning);
    _secret = credentials::randomBytes(kSecretBytes);
    _broker = &get<sdk::Broker>();
    _figures.emplace(get<sdk::Metrics>());
    _desk.emplace(_settings, static_cast<Desk::Listener&>(*this), host(), get<sdk::Tasks>(),
                  *_figures);

    const bool grants = _settings.dialect == Dialect::Emqx5 && _settings.form(Kind::Login);
    if (_settings.form(Kind::Login))
        hook<&AuthHttp::onAuthenticate>(_settings.priority, {}, sdk::kFailClosed);
    if (grants || _settings.form(Kind::Super) || _settings.form(Kind::Rights))
        hook<&AuthHttp::onAuthorize>(_settings.priority, {}, sdk::kFailClosed);
    if (grants)
    {
        hook<&AuthHttp::onConnected>(0, {}, sdk::kInline);
        hook<&AuthHttp::onDisconnected>(0, {}, sdk::kInline);
    }
    registerCommands();
}

void AuthHttp::onStart()
{
    const auto run = [](void* self) { static_cast<AuthHttp*>(self)->tick(); };
    if (const sdk::Status status = get<sdk::Tasks>().timer(kTickMs, kTickMs, run, this, nullptr);
        status != 0)
        throw Poco::SystemException("no timer", -status);
    if (_settings.form(Kind::Super) || _settings.form(Kind::Rights)) _broker->reauthorize({});
}

void AuthHttp::onQuiesce(std::uint32_t)
{
    _desk->stop();
}

void* AuthHttp::query(const char* interfaceId)
{
    if (std::string_view(interfaceId) == Handover::kInterface) return static_cast<Handover*>(this);
    return nullptr;
}

sdk::Status AuthHttp::save(Sink* sink)
{
    const std::string state = _grants.save();
    sink->write({state.data(), state.size()});
    return 0;
}

sdk::Status AuthHttp::adopt(sdk::Bytes state)
{
    return _grants.adopt(state.view()) ? 0 : -EINVAL;
}

void AuthHttp::tick()
{
    _desk->sweep();
    const auto now = Poco::Timestamp().epochTime();
    for (const std::string& client : _grants.expired(now, std::chrono::steady_clock::now()))
    {
        _figures->kicked.add(1);
        _broker->kick(client, sdk::reason::kNotAuthorized);
    }
}

// --- hooks -----------------------------------------------------------------------------------

Question AuthHttp::questionOf(Kind kind, const Facts& facts) const
{
    const RequestForm& form = *_settings.form(kind);
    return {kind, form.identify(kind, facts, _secret), {}};
}

sdk::Verdict AuthHttp::onAuthenticate(const sdk::ClientAuthenticate& event, Context& context)
{
    const Facts facts(event);
    Errand errand;
    errand.question = questionOf(Kind::Login, facts);
    if (const auto decision = _desk->known(Kind::Login, errand.question.key))
        return answer(Kind::Login, *decision, *event.client, context);
    errand.question.filled = _settings.form(Kind::Login)->fill(facts);
    return hand(std::move(errand), *event.client, context);
}

sdk::Verdict AuthHttp::onAuthorize(const sdk::ClientAuthorize& event, Context& context)
{
    if (const auto grant = _grants.of(*event.client))
    {
        if (grant->superuser) return Verdict::Allow;
        if (const auto may = grant->rights ? grant->rights->decide(event) : std::nullopt)
        {
            if (*may) return Verdict::Allow;
            context.setReason(sdk::reason::kNotAuthorized, "a rule of the login's acl");
            return Verdict::Deny;
        }
    }
    const Facts facts(event);
    const bool asksRights = _settings.form(Kind::Rights).has_value();
    std::optional<Decision> decision;
    Errand errand;
    if (_settings.form(Kind::Super))
    {
        errand.question = questionOf(Kind::Super, facts);
        decision = _desk->known(Kind::Super, errand.question.key);
        if (decision && (decision->kind == Decision::Kind::Allow || !asksRights))
            return answer(Kind::Super, *decision, *event.client, context);
    }
    if (asksRights)
    {
        Question rights = questionOf(Kind::Rights, facts);
        const bool superIsOpen = _settings.form(Kind::Super) && !decision;
        if (!superIsOpen)
            if (const auto known = _desk->known(Kind::Rights, rights.key))
                return answer(Kind::Rights, *known, *event.client, context);
        rights.filled = _settings.form(Kind::Rights)->fill(facts);
        if (superIsOpen) errand.otherwise = std::move(rights);
        else errand.question = std::move(rights);
    }
    if (errand.question.key.empty()) return Verdict::Next; // nothing is asked about rights
    if (errand.question.kind == Kind::Super)
        errand.question.filled = _settings.form(Kind::Super)->fill(facts);
    return hand(std::move(errand), *event.client, context);
}

sdk::Verdict AuthHttp::answer(Kind kind, const Decision& decision, const sdk::ClientInfo& client,
                              Context& context)
{
    const Outcome outcome = outcomeOf(_settings, kind, decision);
    if (kind == Kind::Login && outcome.verdict == Verdict::Allow)
        _grants.enter(client.clientId.view(), client.connectedAtMs, decision.grant,
                      std::chrono::steady_clock::now());
    if (outcome.verdict == Verdict::Deny)
        context.setReason(outcome.reason, "HTTP: " + decision.text);
    return outcome.verdict;
}

/// Gives the errand to the desk; the answer comes later.
sdk::Verdict AuthHttp::hand(Errand&& errand, const sdk::ClientInfo& client, Context& context)
{
    errand.clientId = client.clientId.view();
    errand.connectedAtMs = client.connectedAtMs;
    const auto patience = _settings.deadline + kGrace;
    errand.deferral = context.defer(static_cast<std::uint32_t>(patience.count()), Verdict::Deny);
    if (errand.deferral.token != 0 && _desk->submit(std::move(errand))) return Verdict::Pending;
    context.setReason(sdk::reason::kServerBusy, "too many clients wait for the HTTP server");
    return Verdict::Deny;
}

void AuthHttp::settled(const Errand& errand, Kind kind, const Decision& decision)
{
    const Outcome outcome = outcomeOf(_settings, kind, decision);
    if (kind == Kind::Login && outcome.verdict == Verdict::Allow)
        _grants.enter(errand.clientId, errand.connectedAtMs, decision.grant,
                      std::chrono::steady_clock::now());
    const bool denied = outcome.verdict == Verdict::Deny;
    host().complete(errand.deferral, outcome.verdict, denied ? outcome.reason : 0,
                    denied ? "HTTP: " + decision.text : std::string());
}

void AuthHttp::onConnected(const sdk::ClientConnected& event)
{
    _grants.connected(*event.client);
}

void AuthHttp::onDisconnected(const sdk::ClientDisconnected& event)
{
    _grants.disconnected(*event.client);
}

// --- nanomqctl -------------------------------------------------------------------------------

void AuthHttp::registerCommands()
{
    auto* control = static_cast<sdk::Control*>(host().query(sdk::Control::kInterface));
    if (!control) return; // a broker without verbs
    const auto status = [](void* self, sdk::Str, sdk::Control::Reply* reply) {
        reply->json(static_cast<AuthHttp*>(self)->statusJson());
    };
    control->command("status", "how the HTTP server is doing, and what waits for it", status, this);
    const auto test = [](void* self, sdk::Str arguments, sdk::Control::Reply* reply) {
        const AuthHttp& plugin = *static_cast<AuthHttp*>(self);
        TryOut(plugin._settings, *plugin._desk).run(arguments.view(), *reply);
    };
    control->command("test",
                     "asks as for a client: --client=ID [--username=U] [--password=P] [--ip=A] "
                     "[--topic=T [--access=publish|subscribe] [--qos=N] [--retain]]",
                     test, this);
}

std::string AuthHttp::statusJson()
{
    using Poco::JSON::Object;
    const Desk::Status now = _desk->status();
    Poco::JSON::Array servers;
    for (std::size_t k = 0; k < kKinds; ++k)
        if (const auto& form = _settings.forms[k])
        {
            Object::Ptr object = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
            object->set("request", kindName(static_cast<Kind>(k)));
            object->set("url", form->address.shown);
            for (std::size_t d = 0; d < kDecisionKinds; ++d)
                object->set(decisionName(static_cast<Decision::Kind>(d)),
                            _figures->answers[k][d]->value());
            servers.add(object);
        }
    constexpr const char* states[] = {"up", "left alone", "trying"};
    Object status(Poco::JSON_PRESERVE_KEY_ORDER);
    status.set("state", states[static_cast<std::size_t>(now.breaker)]);
    status.set("last_error",
               now.lastErrorMs ? Poco::Dynamic::Var(now.lastError) : Poco::Dynamic::Var());
    status.set("last_error_ms", now.lastErrorMs);
    status.set("requests", servers);
    Object settled(Poco::JSON_PRESERVE_KEY_ORDER);
    for (std::size_t s = 0; s < Figures::kSettled; ++s)
        settled.set(Figures::kSettledNames[s], _figures->settled[s]->value());
    status.set("settled_without_a_request", settled);
    status.set("in_flight", now.inFlight);
    status.set("most_in_flight", now.mostInFlight);
    status.set("pool_size", _settings.poolSize);
    status.set("connections", now.threads);
    status.set("queued", now.queued);
    status.set("clients_waiting", now.waiting);
    status.set("remembered", now.remembered);
    status.set("grants", _grants.size());
    status.set("expired", _figures->kicked.value());
    std::ostringstream text;
    status.stringify(text);
    return text.str();
}

} // namespace auth_http
