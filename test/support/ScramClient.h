#pragma once

#include "credentials/Record.h"

#include <string>
#include <string_view>

namespace nanomq::test
{

/// The client's half of SCRAM-SHA-256 (RFC 5802), as a script has it: it checks nothing but what
/// serverIsGenuine() says. Needs nanomq_credentials.
class ScramClient
{
public:
    ScramClient(std::string user, std::string password, std::string nonce = "fyko+d2lbbFgONRv9qkxdawL")
        : _password(std::move(password)), _bare("n=" + std::move(user) + ",r=" + std::move(nonce))
    {
    }

    std::string first() const { return gs2Header + _bare; }
    /// The client-final-message that answers a server-first-message.
    std::string final(std::string_view serverFirst)
    {
        const auto field = [&](std::string_view name) {
            const auto at = serverFirst.find(name) + name.size();
            return std::string(serverFirst.substr(at, serverFirst.find(',', at) - at));
        };
        const std::string salted = credentials::pbkdf2Sha256(
            _password, credentials::fromBase64(field(",s=")).value_or(""),
            static_cast<std::uint32_t>(std::stoul(field(",i="))));
        const std::string withoutProof =
            "c=" + credentials::toBase64(gs2Header) + ",r=" + field("r=");
        const std::string message = _bare + ',' + std::string(serverFirst) + ',' + withoutProof;
        std::string proof = credentials::hmacSha256(salted, "Client Key");
        const std::string signature =
            credentials::hmacSha256(credentials::sha256(proof), message);
        for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature[i]);
        _serverFinal =
            "v=" + credentials::toBase64(credentials::hmacSha256(
                       credentials::hmacSha256(salted, "Server Key"), message));
        return withoutProof + ",p=" + credentials::toBase64(proof);
    }
    /// Whether the server-final-message shows that the server knows the password, too.
    bool serverIsGenuine(std::string_view serverFinal) const { return serverFinal == _serverFinal; }

    std::string gs2Header = "n,,";

private:
    const std::string _password;
    const std::string _bare;
    std::string _serverFinal;
};

} // namespace nanomq::test
