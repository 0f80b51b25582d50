#include "AuthFile.h"

#include "nanomq/reason_codes.h"

#include <chrono>

namespace auth_file
{

namespace sdk = nanomq::sdk;
namespace reason = sdk::reason;

namespace
{

/// A Topic Name or Topic Filter below $SYS/, that of a Shared Subscription included.
bool isBelowSystem(std::string_view topic)
{
    if (topic.starts_with("$share/"))
    {
        const auto end = topic.find('/', std::string_view("$share/").size());
        if (end != std::string_view::npos) topic.remove_prefix(end + 1);
    }
    return topic.starts_with("$SYS/");
}

/// A record nobody has the password of, as costly as one of the file's.
credentials::Record standInFor(const credentials::PasswordFile::Users& users)
{
    credentials::Record record = users.begin()->second;
    for (const auto& [name, other] : users)
        if (other.scheme != credentials::Scheme::Plain) record = other;
    record.salt = credentials::randomBytes(credentials::kSaltBytes);
    record.hash = credentials::randomBytes(credentials::kHashBytes);
    return record;
}

} // namespace

void AuthFile::onInit()
{
    _settings = Settings::read(get<sdk::Config>());
    for (const auto& warning : _settings.warnings) host().log(sdk::LogLevel::Warning, warning);
    auto& metrics = get<sdk::Metrics>();
    if (!_settings.users.empty())
    {
        _standIn = standInFor(_settings.users);
        _verifier.emplace(_settings, host(), get<sdk::Tasks>(), metrics);
        hook<&AuthFile::onAuthenticate>(0, {}, sdk::kFailClosed);
    }
    if (_settings.aclEnabled)
    {
        _broker = &get<sdk::Broker>();
        _denied = metrics.counter("auth_file_denials_total", "", "What ACL rules have denied");
        hook<&AuthFile::onAuthorize>(0, {}, sdk::kFailClosed | sdk::kDryRunAware);
    }
}

void AuthFile::onStart()
{
    if (_verifier) _verifier->start();
    // After a reload the rules may be others.
    if (_broker) _broker->reauthorize({});
    host().log(sdk::LogLevel::Information, std::to_string(_settings.users.size()) + " users, " +
                                               std::to_string(_settings.acl.size()) + " ACL rules");
}

sdk::Verdict AuthFile::onAuthenticate(const sdk::ClientAuthenticate& event, Context& context)
{
    const sdk::ClientInfo& client = *event.client;
    if (!client.hasUserName) return Verdict::Next; // gave no name: `allow_anonymous` decides
    const auto found = _settings.users.find(client.userName.view());
    const bool known = found != _settings.users.end();
    if (!known && _settings.unknownUser == Settings::UnknownUser::Next) return Verdict::Next;
    if (!event.hasPassword)
    {
        // A certificate stands for the name, if the listener takes it for that: the broker knows.
        if (client.certificateSubject.size > 0) return Verdict::Next;
        context.setReason(reason::kBadUserNameOrPassword, "no password");
        return Verdict::Deny;
    }

    const auto now = std::chrono::steady_clock::now();
    Login login;
    login.cacheName = _verifier->cache().nameOf(client.userName.view(), event.password.view());
    if (known && _verifier->cache().contains(login.cacheName, now))
    {
        _verifier->countCached();
        return Verdict::Allow;
    }
    // The check has its own deadline, and a wrong password waits for its penalty behind that.
    const auto patience =
        2 * _settings.deadline + _settings.longestDelay + std::chrono::seconds(1);
    login.deferral = context.defer(static_cast<std::uint32_t>(patience.count()), Verdict::Deny);
    login.user = client.userName.view();
    login.password = event.password.view();
    login.address = client.peerAddress.view();
    login.record = known ? &found->second : &_standIn;
    login.known = known;
    login.deadline = now + _settings.deadline;
    if (login.deferral.token != 0 && _verifier->submit(std::move(login))) return Verdict::Pending;
    _verifier->countBusy();
    context.setReason(reason::kServerBusy, "too many logins at once");
    return Verdict::Deny;
}

sdk::Verdict AuthFile::onAuthorize(const sdk::ClientAuthorize& event, Context& context)
{
    const auto decision = _settings.acl.decide(*event.client, event.access, event.topic.view());
    const bool dry = (event.header.flags & sdk::kDryRun) != 0;
    // The client is told the rule's name; an operator who asks, where it stands as well.
    const auto allow = [&](std::string_view rule) {
        if (dry) context.setReason(0, rule);
        return Verdict::Allow;
    };
    switch (decision.permit)
    {
    case Permit::Allow: return allow(decision.rule->where);
    case Permit::Deny:
        return deny(event, context, dry ? decision.rule->where : decision.rule->name);
    case Permit::NoRule: break;
    }
    switch (_settings.noMatch)
    {
    case Settings::NoMatch::Allow:
        // What the broker says of itself is not meant by it: sys.readable_by decides.
        if (isBelowSystem(event.topic.view())) break;
        return allow("no ACL rule is about it (acl_nomatch = allow)");
    case Settings::NoMatch::Deny: return deny(event, context, "no ACL rule (acl_nomatch)");
    case Settings::NoMatch::Next: break;
    }
    if (dry) context.setReason(0, "no ACL rule is about it");
    return Verdict::Next;
}

sdk::Verdict AuthFile::deny(const sdk::ClientAuthorize& event, Context& context,
                            std::string_view reason)
{
    context.setReason(reason::kNotAuthorized, reason);
    if (event.header.flags & sdk::kDryRun) return Verdict::Deny;
    _denied->add(1);
    // A Will is refused with its CONNECT, and nobody is there to be disconnected; a subscription
    // that ends with a change of rules is no attempt at anything.
    const bool attempt =
        event.access == sdk::Access::Publish || event.access == sdk::Access::Subscribe;
    if (attempt && _settings.disconnectWhenDenied)
        _broker->kick(event.client->clientId, reason::kNotAuthorized);
    return Verdict::Deny;
}

} // namespace auth_file
