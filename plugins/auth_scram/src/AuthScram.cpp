#include "AuthScram.h"

#include "ScramServer.h"
#include "nanomq/reason_codes.h"

#include <Poco/Exception.h>

#include <chrono>

namespace auth_scram
{

namespace sdk = nanomq::sdk;
namespace reason = sdk::reason;

namespace
{

constexpr std::size_t kMaximumMessage = 1'024; // both messages fit into the broker's state
constexpr std::size_t kNonceBytes = 24;
constexpr std::chrono::milliseconds kShortestDelay{1'000};

} // namespace

void AuthScram::onInit()
{
    auto& config = get<sdk::Config>();
    sdk::Str path;
    if (!config.text("auth_scram.password_file", &path) || path.size == 0)
        throw Poco::DataFormatException(
            std::string(config.where("auth_scram.password_file").view()) +
            ": auth_scram.password_file is missing, expected the file that nanomqctl passwd writes");
    const auto file = credentials::PasswordFile::read(std::string(path.view()));
    for (const auto& warning : file.warnings()) host().log(sdk::LogLevel::Warning, warning);
    for (const auto& [name, record] : file.users())
        if (record.scheme == credentials::Scheme::ScramSha256) _users.emplace(name, record);
    if (_users.empty())
        throw Poco::DataFormatException(std::string(path.view()) +
                                        ": has no user with a SCRAM record; make one with "
                                        "nanomqctl passwd --scram");
    _iterations = _users.begin()->second.iterations;
    std::string keys;
    for (const auto& [name, record] : _users) keys += record.serverKey;
    _secret = credentials::hmacSha256(keys, "users that there are not");
    auto& metrics = get<sdk::Metrics>();
    constexpr const char* kHelp = "Exchanges by what became of them";
    _right = metrics.counter("auth_scram_logins_total", "result=\"right\"", kHelp);
    _wrong = metrics.counter("auth_scram_logins_total", "result=\"wrong\"", kHelp);
    _penalties.emplace(kShortestDelay, _longestDelay);
    _late.emplace(host(), get<sdk::Tasks>());
    hook<&AuthScram::onEnhancedAuth>(0, {}, sdk::kFailClosed);
}

sdk::Verdict AuthScram::onEnhancedAuth(const Event& event, Context& context)
{
    if (event.method.view() != kMethod) return Verdict::Next;
    if (event.data.size > kMaximumMessage)
        return deny(context, reason::kProtocolError, "a SCRAM message of more than 1,024 bytes");
    return event.stage == 1 ? finish(event, context) : begin(event, context);
}

credentials::Record AuthScram::recordOf(const std::string& user, bool& known) const
{
    const auto found = _users.find(user);
    known = found != _users.end();
    if (known) return found->second;
    credentials::Record record;
    record.scheme = credentials::Scheme::ScramSha256;
    record.iterations = _iterations;
    record.salt = credentials::hmacSha256(_secret, user).substr(0, credentials::kSaltBytes);
    record.hash = record.serverKey = _secret;
    return record;
}

sdk::Verdict AuthScram::begin(const Event& event, Context& context)
{
    auto first = ClientFirst::parse(event.data.view());
    if (!first)
        return deny(context, reason::kBadUserNameOrPassword, "not a SCRAM client-first-message");
    const auto& client = *event.client;
    if (client.hasUserName && client.userName.view() != first->user)
        return deny(context, event.stage == 0 ? reason::kBadUserNameOrPassword
                                              : reason::kNotAuthorized,
                    "another user name than that of CONNECT");
    bool known = false;
    const auto record = recordOf(first->user, known);
    const auto nonce = credentials::toBase64(credentials::randomBytes(kNonceBytes));
    const auto exchange = auth_scram::begin(std::move(*first), record, nonce);
    const std::string state = exchange.text();
    context.setAuthenticationData({exchange.serverFirst.data(), exchange.serverFirst.size()});
    context.setAuthenticationState({state.data(), state.size()});
    return Verdict::Continue;
}

sdk::Verdict AuthScram::finish(const Event& event, Context& context)
{
    const auto exchange = Exchange::parse(event.state.view());
    // Nothing of ours: an exchange that another plugin, or another version, began.
    if (!exchange) return deny(context, reason::kNotAuthorized, "no SCRAM exchange is under way");
    const std::string& user = exchange->first.user;
    bool known = false;
    const auto record = recordOf(user, known);
    const auto answer = auth_scram::finish(*exchange, record, event.data.view());
    const auto address = event.client->peerAddress.view();
    if (answer && known)
    {
        _right->add(1);
        _penalties->right(address, user);
        context.setUserName(user);
        context.setAuthenticationData({answer->data(), answer->size()});
        return Verdict::Allow;
    }
    _wrong->add(1);
    const auto delay = _penalties->wrong(address, user, std::chrono::steady_clock::now());
    const auto patience = static_cast<std::uint32_t>((_longestDelay + kShortestDelay).count());
    const auto deferral = context.defer(patience, Verdict::Deny);
    if (deferral.token == 0)
        return deny(context, reason::kBadUserNameOrPassword, "wrong user name or password");
    _late->deny(deferral, reason::kBadUserNameOrPassword, delay);
    return Verdict::Pending;
}

sdk::Verdict AuthScram::deny(Context& context, sdk::ReasonCode reason, std::string_view text)
{
    context.setReason(reason, text);
    return Verdict::Deny;
}

} // namespace auth_scram
