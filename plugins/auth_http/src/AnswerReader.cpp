#include "AnswerReader.h"

#include "nanomq/reason_codes.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/NumberParser.h>
#include <Poco/String.h>
#include <Poco/StringTokenizer.h>

namespace auth_http
{

namespace sdk = nanomq::sdk;

namespace
{

using std::chrono::milliseconds;
using std::chrono::seconds;
using Is = Decision::Kind;

constexpr std::uint64_t kLongestSeconds = 30 * 24 * 3'600;

/// `Cache-Control: max-age=60, stale-if-error=600`, or `no-store`.
void readLifetime(const http::Answer& answer, Decision& decision)
{
    using Poco::StringTokenizer;
    const StringTokenizer directives(std::string(http::find(answer.headers, "Cache-Control")), ",",
                                     StringTokenizer::TOK_TRIM | StringTokenizer::TOK_IGNORE_EMPTY);
    for (const std::string& directive : directives)
    {
        const auto equals = directive.find('=');
        const std::string name = Poco::toLower(directive.substr(0, equals));
        Poco::UInt64 number = 0;
        const bool timed = equals != std::string::npos && Poco::NumberParser::tryParseUnsigned64(
                                                              directive.substr(equals + 1), number);
        const auto time = seconds(std::min<std::uint64_t>(number, kLongestSeconds));
        if (name == "no-store" || name == "no-cache") decision.lifetime = milliseconds(0);
        else if (name == "max-age" && timed && !decision.lifetime) decision.lifetime = time;
        else if (name == "stale-if-error" && timed) decision.staleFor = time;
    }
}

sdk::ReasonCode emqx4Reason(int status) noexcept
{
    switch (status)
    {
    case 400:
    case 401: return sdk::reason::kBadUserNameOrPassword;
    case 403: return sdk::reason::kNotAuthorized;
    case 429: return sdk::reason::kBanned;
    case 504: return sdk::reason::kServerBusy;
    default: return sdk::reason::kServerUnavailable;
    }
}

void readEmqx5Login(const Poco::JSON::Object& object, Decision& decision)
{
    Grant& grant = decision.grant;
    if (object.has("is_superuser")) grant.superuser = object.get("is_superuser").convert<bool>();
    if (object.has("expire_at")) grant.expiresAt = object.getValue<std::int64_t>("expire_at");
    if (const auto rules = object.getArray("acl")) grant.rights = std::make_shared<Rights>(*rules);
    else if (object.has("acl") && !object.isNull("acl"))
        throw Poco::DataFormatException("\"acl\" is no array");
}

void readEmqx5(Kind kind, const http::Answer& answer, Decision& decision)
{
    if (answer.status == 204)
    {
        decision.kind = Is::Allow;
        return;
    }
    decision.kind = Is::Ignore;
    if (answer.status != 200) return;
    try
    {
        if (answer.bodyCut) throw Poco::DataFormatException("the body is too long or not whole");
        Poco::JSON::Parser parser;
        parser.setDepth(16);
        const auto object = parser.parse(answer.body).extract<Poco::JSON::Object::Ptr>();
        const auto result = object->optValue<std::string>("result", "ignore");
        if (result == "allow")
        {
            decision.kind = Is::Allow;
            if (kind == Kind::Login) readEmqx5Login(*object, decision);
        }
        else if (result == "deny") decision.kind = Is::Deny;
        else if (result != "ignore") throw Poco::DataFormatException("\"result\" is " + result);
    }
    catch (const Poco::Exception& wrong)
    {
        // Rights that cannot be read must not be taken for none.
        decision.kind = Is::Error;
        decision.grant = {};
        decision.text = "answered 200 with what is no answer: " + wrong.displayText();
    }
}

} // namespace

bool isFailure(const http::Answer& answer) noexcept
{
    return answer.outcome != http::Answer::Outcome::Answered ||
           (answer.status >= 502 && answer.status <= 504);
}

Decision decisionOf(Dialect dialect, Kind kind, const http::Answer& answer)
{
    Decision decision;
    decision.text = answer.text;
    decision.reason = sdk::reason::kServerUnavailable;
    if (answer.outcome != http::Answer::Outcome::Answered) return decision;
    decision.reason = sdk::reason::kNotAuthorized;
    readLifetime(answer, decision);
    if (isFailure(answer))
    {
        if (dialect == Dialect::Emqx4) decision.reason = emqx4Reason(answer.status);
        return decision;
    }
    switch (dialect)
    {
    case Dialect::NanoMQ: decision.kind = answer.status == 200 ? Is::Allow : Is::Deny; break;
    case Dialect::Emqx4:
        decision.kind = answer.status == 200 ? Is::Allow : Is::Deny;
        if (answer.status == 200 && Poco::trim(answer.body) == "ignore") decision.kind = Is::Ignore;
        if (kind == Kind::Login) decision.reason = emqx4Reason(answer.status);
        break;
    case Dialect::Emqx5: readEmqx5(kind, answer, decision); break;
    }
    if (decision.kind == Is::Allow && decision.grant.expiresAt != 0)
    {
        const auto left =
            seconds(decision.grant.expiresAt) - std::chrono::system_clock::now().time_since_epoch();
        if (left <= seconds(0))
        {
            decision.kind = Is::Deny;
            decision.text = "answered with an authorisation that has expired";
            decision.grant = {};
        }
    }
    if (decision.kind == Is::Allow) decision.reason = 0;
    return decision;
}

} // namespace auth_http
