#include "Access.h"

#include "ApiError.h"

#include <Poco/Crypto/RSAKey.h>
#include <Poco/Exception.h>
#include <Poco/JWT/JWTException.h>
#include <Poco/JWT/Token.h>
#include <Poco/String.h>
#include <Poco/Timestamp.h>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::int64_t kClockToleranceSeconds = 200; // NanoMQ's
constexpr std::size_t kMaximumToken = 8'192;

ApiError refuse(Code code, const std::string& message)
{
    return {401, code, message};
}

/// What follows "Basic " or "Bearer "; nothing for another scheme.
bool afterScheme(const std::string& header, const char* scheme, std::string& rest)
{
    const auto blank = header.find(' ');
    if (blank == std::string::npos || Poco::icompare(header.substr(0, blank), scheme) != 0)
        return false;
    rest = Poco::trim(header.substr(blank + 1));
    return true;
}

sdk::HttpRole roleOf(const Poco::JSON::Object& claims)
{
    const auto role = claims.optValue<std::string>("role", "admin");
    if (role == "admin") return sdk::HttpRole::Admin;
    if (role == "operator") return sdk::HttpRole::Operator;
    if (role == "reader") return sdk::HttpRole::Reader;
    throw refuse(Code::WrongCredentials, "the token has an unknown role");
}

/// A record nobody has the password of.
credentials::Record standIn()
{
    credentials::Record record;
    record.salt = credentials::randomBytes(credentials::kSaltBytes);
    record.hash = credentials::randomBytes(credentials::kHashBytes);
    return record;
}

} // namespace

Access::Access(const Settings& settings)
    : _kind(settings.login),
      _users(settings.users),
      _issuer(settings.tokenIssuer),
      _key(credentials::randomBytes(credentials::kHashBytes)),
      _penalties(settings.shortestDelay, settings.longestDelay)
{
    if (_kind != Settings::Login::Jwt) return;
    _signer = std::make_unique<Poco::JWT::Signer>(
        Poco::SharedPtr<Poco::Crypto::RSAKey>(new Poco::Crypto::RSAKey(settings.publicKeyFile)));
    _signer->setAlgorithms({Poco::JWT::Signer::ALGO_RS256});
}

void Access::login(Request& request)
{
    const std::string* const header = request.headerText("Authorization");
    if (!header || header->empty())
        throw refuse(Code::NoCredentials, "credentials are required");
    std::string given;
    if (_kind == Settings::Login::Basic)
    {
        if (!afterScheme(*header, "Basic", given))
            throw refuse(Code::WrongCredentials, "expected Basic authentication");
        loginWithPassword(request, given);
    }
    else
    {
        if (!afterScheme(*header, "Bearer", given))
            throw refuse(Code::WrongCredentials, "expected a Bearer token");
        loginWithToken(request, given);
    }
}

void Access::loginWithPassword(Request& request, const std::string& given)
{
    const auto decoded = credentials::fromBase64(given);
    const auto colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos) throw refuse(Code::WrongCredentials, "not Basic credentials");
    const std::string user = decoded->substr(0, colon);
    const std::string password = decoded->substr(colon + 1);
    if (user.empty() || password.empty())
        throw refuse(Code::NoCredentials, "user name or password is empty");

    const auto found = _users.find(user);
    const bool known = found != _users.end();
    const auto caller = nameOf(request.address(), user);
    const auto question = nameOf(user, password);
    const auto now = Clock::now();
    if (known && isIn(_verified, question, now))
        return request.setCaller(user, found->second.role);
    if (isIn(_refused, caller, now))
        throw ApiError(429, Code::WrongCredentials, "too many wrong passwords; try again later");
    bool right = false;
    {
        const std::lock_guard lock(_checking);
        // Asked for nobody as well: how long it takes tells no names.
        right = credentials::verify(known ? found->second.password : standIn(), password) && known;
    }
    const auto delay =
        right ? std::chrono::milliseconds(0) : _penalties.wrong(request.address(), user, now);
    const auto done = Clock::now();
    {
        const std::lock_guard lock(_mutex);
        if (right) put(_verified, question, done + kRemembered, done);
        else put(_refused, caller, done + delay, done);
    }
    if (!right) throw refuse(Code::WrongCredentials, "wrong user name or password");
    _penalties.right(request.address(), user);
    request.setCaller(user, found->second.role);
}

void Access::loginWithToken(Request& request, const std::string& token) const
{
    if (token.size() > kMaximumToken) throw refuse(Code::WrongCredentials, "the token is too long");
    try
    {
        const Poco::JWT::Token verified = _signer->verify(token);
        const Poco::JSON::Object& claims = verified.payload();
        const std::int64_t now = Poco::Timestamp().epochTime();
        if (verified.getIssuer() != _issuer)
            throw refuse(Code::WrongCredentials, "the token is of another issuer");
        if (!claims.has("exp") ||
            claims.getValue<Poco::Int64>("exp") + kClockToleranceSeconds < now)
            throw refuse(Code::TokenExpired, "the token has expired");
        if (claims.has("nbf") && claims.getValue<Poco::Int64>("nbf") > now + kClockToleranceSeconds)
            throw refuse(Code::WrongCredentials, "the token is not valid yet");
        if (claims.has("bodyEncode") && claims.getValue<int>("bodyEncode") != 0)
            throw ApiError::badParameter("bodyEncode: encoded bodies are not supported");
        request.setCaller(claims.optValue<std::string>("sub", _issuer), roleOf(claims));
    }
    catch (const Poco::Exception&)
    {
        throw refuse(Code::WrongCredentials, "the token is not valid");
    }
}

bool Access::isIn(const Times& times, const std::string& name, Clock::time_point now) const
{
    const std::lock_guard lock(_mutex);
    const auto found = times.find(name);
    return found != times.end() && now < found->second;
}

void Access::put(Times& times, const std::string& name, Clock::time_point until,
                 Clock::time_point now)
{
    if (times.size() >= kEntries) std::erase_if(times, [now](const auto& e) { return e.second <= now; });
    if (times.size() >= kEntries) times.erase(times.begin());
    times[name] = until;
}

std::string Access::nameOf(std::string_view a, std::string_view b) const
{
    // The length in front keeps "ab" + "c" and "a" + "bc" apart.
    std::string text = std::to_string(a.size()) + ':';
    text.append(a).append(b);
    return credentials::hmacSha256(_key, text);
}

bool RateLimit::take(const std::string& address, Access::Clock::time_point now)
{
    if (_perSecond == 0) return true;
    const std::lock_guard lock(_mutex);
    if (now - _since >= std::chrono::seconds(1))
    {
        _since = now;
        _taken.clear();
    }
    const bool hasRoom = _taken.size() < kAddresses || _taken.count(address) > 0;
    return ++_taken[hasRoom ? address : std::string()] <= _perSecond;
}

} // namespace rest_api
