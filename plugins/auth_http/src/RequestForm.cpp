#include "RequestForm.h"

#include "credentials/Record.h"

#include <Poco/Exception.h>
#include <Poco/JSONString.h>
#include <Poco/String.h>
#include <Poco/UTF8Encoding.h>

#include <algorithm>
#include <charconv>

namespace auth_http
{

namespace sdk = nanomq::sdk;

namespace
{

struct Name
{
    std::string_view text;
    Fact fact;
};
constexpr Name kNames[] = {
    {"%u", Fact::UserName},
    {"%c", Fact::ClientId},
    {"%P", Fact::Password},
    {"%a", Fact::PeerAddress},
    {"%r", Fact::Protocol},
    {"%p", Fact::Port},
    {"%C", Fact::CertificateName},
    {"%d", Fact::CertificateOwner},
    {"%A", Fact::Access},
    {"%t", Fact::Topic},
    {"%m", Fact::MountPoint},
    {"${username}", Fact::UserName},
    {"${clientid}", Fact::ClientId},
    {"${password}", Fact::Password},
    {"${peerhost}", Fact::PeerAddress},
    {"${proto_name}", Fact::Protocol},
    {"${port}", Fact::Port},
    {"${cert_common_name}", Fact::CertificateName},
    {"${cert_subject}", Fact::CertificateOwner},
    {"${topic}", Fact::Topic},
    {"${action}", Fact::Action},
    {"${qos}", Fact::QoS},
    {"${retain}", Fact::Retain},
};

/// The port in "nmq-tcp://127.0.0.1:1883" or "nmq-ws://[::]:8083/mqtt"; empty for a Unix socket.
std::string_view portOf(std::string_view url) noexcept
{
    const auto authority = url.find("//");
    if (authority == std::string_view::npos || url.starts_with("unix:")) return {};
    url.remove_prefix(authority + 2);
    url = url.substr(0, url.find('/'));
    const auto colon = url.rfind(':');
    if (colon == std::string_view::npos || url.find(']', colon) != std::string_view::npos)
        return {};
    return url.substr(colon + 1);
}

std::string trimmed(std::string_view text)
{
    return Poco::trim(std::string(text));
}

/// JSON has no other strings than Unicode: bytes that are none become U+FFFD.
std::string validUtf8(std::string_view text)
{
    std::string result;
    while (!text.empty())
    {
        const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
        std::size_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
        const bool legal =
            length <= text.size() && Poco::UTF8Encoding::isLegal(bytes, static_cast<int>(length));
        if (!legal) length = 1;
        result += legal ? text.substr(0, length) : std::string_view("\xEF\xBF\xBD");
        text.remove_prefix(length);
    }
    return result;
}

} // namespace

Facts::Facts(const sdk::ClientInfo& client)
{
    const auto present = [this](Fact fact, std::string_view value) {
        if (!value.empty()) set(fact, value);
    };
    if (client.hasUserName) set(Fact::UserName, client.userName.view());
    set(Fact::ClientId, client.clientId.view());
    present(Fact::PeerAddress, client.peerAddress.view());
    set(Fact::Protocol, client.protocolVersion == 3 ? "MQIsdp" : "MQTT");
    present(Fact::Port, portOf(client.listener.view()));
    present(Fact::CertificateName, client.certificateCommonName.view());
    present(Fact::CertificateOwner, client.certificateSubject.view());
}

Facts::Facts(const sdk::ClientAuthenticate& event) : Facts(*event.client)
{
    if (event.hasPassword) set(Fact::Password, event.password.view());
}

Facts::Facts(const sdk::ClientAuthorize& event) : Facts(*event.client)
{
    const bool publishes =
        event.access == sdk::Access::Publish || event.access == sdk::Access::Will;
    set(Fact::Access, publishes ? "2" : "1");
    set(Fact::Action, publishes ? "publish" : "subscribe");
    set(Fact::Topic, event.topic.view());
    constexpr std::string_view digits = "012";
    set(Fact::QoS, digits.substr(std::min<std::size_t>(event.qos, 2), 1));
    set(Fact::Retain, event.retain ? "true" : "false");
}

std::vector<RequestForm::Parameter> RequestForm::parameters(std::string_view text)
{
    std::vector<Parameter> result;
    while (!text.empty())
    {
        const auto comma = std::min(text.find(','), text.size());
        const std::string_view entry = text.substr(0, comma);
        text.remove_prefix(std::min(comma + 1, text.size()));
        if (trimmed(entry).empty()) continue;
        const auto equals = entry.find('=');
        Parameter parameter;
        parameter.name = trimmed(entry.substr(0, equals));
        if (equals == std::string_view::npos || parameter.name.empty())
            throw Poco::InvalidArgumentException("found \"" + std::string(entry) +
                                                 "\", expected parameters such as "
                                                 "clientid=%c,username=%u,password=%P");
        const std::string value = trimmed(entry.substr(equals + 1));
        for (std::string_view rest = value; !rest.empty();)
        {
            const auto known =
                std::find_if(std::begin(kNames), std::end(kNames),
                             [&](const Name& n) { return rest.starts_with(n.text); });
            if (known != std::end(kNames))
            {
                parameter.pieces.push_back({known->fact, {}});
                rest.remove_prefix(known->text.size());
                continue;
            }
            if (parameter.pieces.empty() || parameter.pieces.back().fact)
                parameter.pieces.push_back({{}, {}});
            parameter.pieces.back().text += rest.front();
            rest.remove_prefix(1);
        }
        result.push_back(std::move(parameter));
    }
    return result;
}

bool RequestForm::isJson() const noexcept
{
    const auto type = http::find(headers, "Content-Type");
    constexpr std::string_view json = "application/json";
    return !get && type.size() >= json.size() &&
           Poco::icompare(std::string(type.substr(0, json.size())), std::string(json)) == 0;
}

std::optional<std::string> RequestForm::valueOf(const Parameter& parameter, const Facts& facts,
                                                bool hidePassword) const
{
    std::string value;
    for (const auto& piece : parameter.pieces)
    {
        if (!piece.fact)
        {
            value += piece.text;
            continue;
        }
        const auto fact = facts[*piece.fact];
        if (!fact) return {};
        value += hidePassword && *piece.fact == Fact::Password ? std::string_view("***") : *fact;
    }
    return value;
}

RequestForm::Filled RequestForm::fill(const Facts& facts, bool hidePassword) const
{
    const bool json = isJson();
    std::string text;
    for (const Parameter& parameter : params)
    {
        const auto value = valueOf(parameter, facts, hidePassword);
        if (!value) continue;
        if (json)
            text += (text.empty() ? "{" : ",") + Poco::toJSON(parameter.name) + ":" +
                    Poco::toJSON(validUtf8(*value));
        else
            text += (text.empty() ? "" : "&") + percentEncoded(parameter.name) + "=" +
                    percentEncoded(*value);
    }
    if (json) return {address.target, text.empty() ? "{}" : text + "}"};
    if (!get) return {address.target, std::move(text)};
    const char* const joint = address.target.find('?') == std::string::npos ? "?" : "&";
    return {text.empty() ? address.target : address.target + joint + text, {}};
}

std::string RequestForm::identify(Kind kind, const Facts& facts, std::string_view secret) const
{
    std::string key(1, static_cast<char>('0' + static_cast<int>(kind)));
    const auto add = [&key](std::string_view value) {
        // The length in front keeps "ab" and "c" apart from "a" and "bc".
        char length[24];
        const auto end = std::to_chars(length, length + sizeof length, value.size()).ptr;
        key.append(length, end).append(1, ':').append(value);
    };
    for (const Parameter& parameter : params)
        for (const auto& piece : parameter.pieces)
        {
            if (!piece.fact) continue;
            const auto fact = facts[*piece.fact];
            if (!fact) key += '-';
            else if (*piece.fact == Fact::Password)
                add(credentials::hmacSha256(std::string(secret), std::string(*fact)));
            else add(*fact);
        }
    return key;
}

std::string percentEncoded(std::string_view text)
{
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::string result;
    for (const unsigned char c : text)
    {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) result += static_cast<char>(c);
        else
        {
            result += '%';
            result += kDigits[c >> 4];
            result += kDigits[c & 15];
        }
    }
    return result;
}

} // namespace auth_http
