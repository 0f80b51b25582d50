#pragma once

#include "credentials/Record.h"

#include <optional>
#include <string>
#include <string_view>

namespace auth_scram
{

/// The server's half of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding: text in,
/// text out. Nothing here takes long: PBKDF2 is the client's work.

/// client-first-message: "n,,n=user,r=nonce".
struct ClientFirst
{
    std::string gs2Header; ///< "n,," or "y,,"
    std::string bare;      ///< what follows it
    std::string user;      ///< with =2C and =3D resolved
    std::string nonce;

    /// Nothing for what is malformed, wants channel binding, or acts for another user.
    static std::optional<ClientFirst> parse(std::string_view message);
};

/// What the server knows between its two messages. It travels as text, which only the broker sees.
struct Exchange
{
    ClientFirst first;
    std::string serverFirst;

    std::string text() const;
    static std::optional<Exchange> parse(std::string_view text);
};

/// Begins: the server-first-message stands in the exchange.
/// @param nonce  the server's part: printable, without ','.
Exchange begin(ClientFirst first, const credentials::Record& record, std::string_view nonce);

/// Takes the client-final-message: the server-final-message when the client has proved that it
/// knows the password; nothing when it has not, or the message is malformed.
std::optional<std::string> finish(const Exchange& exchange, const credentials::Record& record,
                                  std::string_view clientFinal);

} // namespace auth_scram
