#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace credentials
{

/// How a password is kept. Text and binary fields are raw bytes.
enum class Scheme : std::uint8_t
{
    Pbkdf2Sha256, ///< $pbkdf2-sha256$i=ITERATIONS$SALT$HASH
    Scrypt,       ///< $scrypt$ln=LOG2N,r=R,p=P$SALT$HASH
    ScramSha256,  ///< $scram-sha-256$i=ITERATIONS$SALT$STOREDKEY$SERVERKEY; checks passwords, too
    Plain,        ///< NanoMQ's; never written by us
};

inline constexpr std::size_t kHashBytes = 32;
inline constexpr std::size_t kSaltBytes = 16;
inline constexpr std::uint32_t kPbkdf2Iterations = 210'000;
inline constexpr std::uint32_t kScramIterations = 100'000;
inline constexpr std::uint32_t kMinimumIterations = 4'096; ///< RFC 7677 §4
inline constexpr std::uint32_t kMaximumIterations = 10'000'000;

/// What is known of one user's password. Salt and hashes are base64 in the file.
struct Record
{
    Scheme scheme = Scheme::Pbkdf2Sha256;
    std::uint32_t iterations = kPbkdf2Iterations; ///< not for Scrypt
    std::uint32_t logN = 15, r = 8, p = 1;        ///< Scrypt: RFC 7914; 32 MiB and about 0.1 s
    std::string salt;
    std::string hash;      ///< ScramSha256: StoredKey; Plain: the password
    std::string serverKey; ///< ScramSha256

    /// The form of the file.
    std::string text() const;
    /// Nothing when `text` is none of the forms, or costs more than a broker may be asked to
    /// spend: 10,000,000 iterations, 256 MiB. Never Plain. `why` is then what is wrong.
    static std::optional<Record> parse(std::string_view text, std::string& why);
};

/// A record with a fresh salt. Takes as long as verify(). Throws Poco::RuntimeException when OpenSSL
/// fails, as all of these do.
/// @param form  scheme and cost; never Plain.
Record makeRecord(std::string_view password, const Record& form);

/// Whether the password is the record's. Takes as long whatever the answer; the comparison is in
/// constant time. For PBKDF2 and scrypt that is some 0.1 s: never on a worker.
bool verify(const Record& record, std::string_view password);

// SCRAM-SHA-256 (RFC 5802, RFC 7677), the parts that both ends share.

std::string hmacSha256(std::string_view key, std::string_view text);
std::string sha256(std::string_view text);
/// Hi() of RFC 5802 §2.2.
std::string pbkdf2Sha256(std::string_view password, std::string_view salt,
                         std::uint32_t iterations);

std::string randomBytes(std::size_t count);
std::string toBase64(std::string_view bytes);
/// Standard alphabet with padding; nothing for anything else.
std::optional<std::string> fromBase64(std::string_view text);
/// In time that depends on the lengths only.
bool sameBytes(std::string_view a, std::string_view b) noexcept;

} // namespace credentials
