#include "ScramServer.h"

#include <algorithm>
#include <cstdint>

namespace auth_scram
{

namespace
{

/// "n=user": what stands behind "n=".
std::optional<std::string_view> attribute(std::string_view text, char name)
{
    if (text.size() < 2 || text[0] != name || text[1] != '=') return std::nullopt;
    return text.substr(2);
}

/// Takes the text up to the next ',' off the front.
std::string_view takeField(std::string_view& rest)
{
    const auto comma = rest.find(',');
    const auto field = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    return field;
}

bool isPrintable(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c >= 0x21 && c <= 0x7E && c != ',';
    });
}

/// saslname: =2C stands for ',' and =3D for '='.
std::optional<std::string> userName(std::string_view text)
{
    std::string name;
    for (; !text.empty(); text.remove_prefix(1))
    {
        if (text.front() == '\0') return std::nullopt;
        if (text.front() != '=')
        {
            name += text.front();
            continue;
        }
        const auto code = text.substr(0, 3);
        if (code != "=2C" && code != "=3D") return std::nullopt;
        name += code == "=2C" ? ',' : '=';
        text.remove_prefix(2);
    }
    if (name.empty()) return std::nullopt;
    return name;
}

} // namespace

std::optional<ClientFirst> ClientFirst::parse(std::string_view message)
{
    std::string_view rest = message;
    const auto binding = takeField(rest);
    const auto authorization = takeField(rest);
    // "p=…" wants channel binding; "a=…" would act for somebody else; "m=" is for later versions.
    if ((binding != "n" && binding != "y") || !authorization.empty()) return std::nullopt;
    ClientFirst first;
    first.gs2Header = message.substr(0, message.size() - rest.size());
    first.bare = rest;
    if (first.gs2Header.size() != 3) return std::nullopt;
    const auto name = attribute(takeField(rest), 'n');
    const auto nonce = attribute(takeField(rest), 'r');
    if (!name || !nonce || !isPrintable(*nonce) || !rest.empty()) return std::nullopt;
    const auto user = userName(*name);
    if (!user) return std::nullopt;
    first.user = *user;
    first.nonce = *nonce;
    return first;
}

std::string Exchange::text() const
{
    return first.gs2Header + first.bare + '\n' + serverFirst;
}

std::optional<Exchange> Exchange::parse(std::string_view text)
{
    const auto end = text.rfind('\n'); // none in serverFirst
    if (end == std::string_view::npos) return std::nullopt;
    auto first = ClientFirst::parse(text.substr(0, end));
    if (!first) return std::nullopt;
    return Exchange{std::move(*first), std::string(text.substr(end + 1))};
}

Exchange begin(ClientFirst first, const credentials::Record& record, std::string_view nonce)
{
    std::string serverFirst = "r=" + first.nonce;
    serverFirst.append(nonce);
    serverFirst += ",s=" + credentials::toBase64(record.salt) +
                   ",i=" + std::to_string(record.iterations);
    return {std::move(first), std::move(serverFirst)};
}

std::optional<std::string> finish(const Exchange& exchange, const credentials::Record& record,
                                  std::string_view clientFinal)
{
    using namespace credentials;
    const auto behind = clientFinal.rfind(",p=");
    if (behind == std::string_view::npos) return std::nullopt;
    const auto withoutProof = clientFinal.substr(0, behind);
    const auto proof = fromBase64(clientFinal.substr(behind + 3));

    std::string_view rest = withoutProof;
    const auto binding = attribute(takeField(rest), 'c');
    const auto nonce = takeField(rest); // "r=…", as the server-first-message begins
    std::string_view serverFirst = exchange.serverFirst;
    if (!binding || *binding != toBase64(exchange.first.gs2Header) || !rest.empty() ||
        nonce != takeField(serverFirst) || !proof || proof->size() != kHashBytes)
        return std::nullopt;

    const std::string message =
        exchange.first.bare + ',' + exchange.serverFirst + ',' + std::string(withoutProof);
    std::string clientKey = hmacSha256(record.hash, message); // the signature; record.hash: StoredKey
    for (std::size_t i = 0; i < kHashBytes; ++i)
        clientKey[i] = static_cast<char>(static_cast<std::uint8_t>(clientKey[i]) ^
                                         static_cast<std::uint8_t>((*proof)[i]));
    if (!sameBytes(sha256(clientKey), record.hash)) return std::nullopt;
    return "v=" + toBase64(hmacSha256(record.serverKey, message));
}

} // namespace auth_scram
