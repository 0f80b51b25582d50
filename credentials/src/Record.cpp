#include "credentials/Record.h"

#include <Poco/Exception.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <charconv>
#include <vector>

namespace credentials
{

namespace
{

constexpr std::uint64_t kMaximumScryptBytes = std::uint64_t{256} << 20;

const unsigned char* bytes(std::string_view text) noexcept
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

void require(bool done, const char* what)
{
    if (!done) throw Poco::RuntimeException(std::string("OpenSSL refuses ") + what);
}

std::string scrypt(std::string_view password, const Record& record)
{
    std::string out(kHashBytes, '\0');
    require(EVP_PBE_scrypt(password.data(), password.size(), bytes(record.salt),
                           record.salt.size(), std::uint64_t{1} << record.logN, record.r, record.p,
                           2 * kMaximumScryptBytes, reinterpret_cast<unsigned char*>(out.data()),
                           out.size()) == 1,
            "scrypt");
    return out;
}

std::string hashOf(std::string_view password, const Record& record)
{
    switch (record.scheme)
    {
    case Scheme::Pbkdf2Sha256: return pbkdf2Sha256(password, record.salt, record.iterations);
    case Scheme::Scrypt: return scrypt(password, record);
    case Scheme::ScramSha256:
        return sha256(
            hmacSha256(pbkdf2Sha256(password, record.salt, record.iterations), "Client Key"));
    case Scheme::Plain: return sha256(password);
    }
    return {};
}

std::vector<std::string_view> split(std::string_view text, char at)
{
    std::vector<std::string_view> parts;
    while (true)
    {
        const auto end = text.find(at);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

/// "i=4096": the number behind "i=", if it is in the range.
std::optional<std::uint32_t> parameter(std::string_view text, std::string_view name,
                                       std::uint32_t low, std::uint32_t high)
{
    if (!text.starts_with(name) || !text.substr(name.size()).starts_with('=')) return std::nullopt;
    text.remove_prefix(name.size() + 1);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < low || number > high)
        return std::nullopt;
    return number;
}

bool parseCost(std::string_view text, Record& record)
{
    if (record.scheme != Scheme::Scrypt)
    {
        const auto iterations = parameter(text, "i", kMinimumIterations, kMaximumIterations);
        record.iterations = iterations.value_or(0);
        return iterations.has_value();
    }
    const auto parts = split(text, ',');
    if (parts.size() != 3) return false;
    const auto logN = parameter(parts[0], "ln", 10, 24);
    const auto r = parameter(parts[1], "r", 1, 32);
    const auto p = parameter(parts[2], "p", 1, 16);
    if (!logN || !r || !p) return false;
    record.logN = *logN;
    record.r = *r;
    record.p = *p;
    return (std::uint64_t{128} << *logN) * *r <= kMaximumScryptBytes;
}

} // namespace

std::string hmacSha256(std::string_view key, std::string_view text)
{
    std::string out(kHashBytes, '\0');
    unsigned size = 0;
    require(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes(text), text.size(),
                 reinterpret_cast<unsigned char*>(out.data()), &size) != nullptr,
            "HMAC-SHA-256");
    return out;
}

std::string sha256(std::string_view text)
{
    std::string out(kHashBytes, '\0');
    unsigned size = 0;
    require(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), &size,
                       EVP_sha256(), nullptr) == 1,
            "SHA-256");
    return out;
}

std::string pbkdf2Sha256(std::string_view password, std::string_view salt, std::uint32_t iterations)
{
    std::string out(kHashBytes, '\0');
    require(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes(salt),
                              static_cast<int>(salt.size()), static_cast<int>(iterations),
                              EVP_sha256(), static_cast<int>(out.size()),
                              reinterpret_cast<unsigned char*>(out.data())) == 1,
            "PBKDF2");
    return out;
}

std::string randomBytes(std::size_t count)
{
    std::string out(count, '\0');
    require(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) == 1,
            "random bytes");
    return out;
}

std::string toBase64(std::string_view text)
{
    std::string out((text.size() + 2) / 3 * 4 + 1, '\0'); // with the NUL that OpenSSL puts behind it
    out.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                                        bytes(text), static_cast<int>(text.size()))));
    return out;
}

std::optional<std::string> fromBase64(std::string_view text)
{
    const auto pad = text.find('=');
    const std::size_t padding = pad == std::string_view::npos ? 0 : text.size() - pad;
    if (text.empty() || text.size() % 4 != 0 || padding > 2) return std::nullopt;
    std::string out(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes(text),
                                     static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    out.resize(static_cast<std::size_t>(size) - padding);
    // OpenSSL skips blanks, and takes what is not the shortest form.
    if (toBase64(out) != text) return std::nullopt;
    return out;
}

bool sameBytes(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string Record::text() const
{
    const std::string cost = scheme == Scheme::Scrypt
                                 ? "ln=" + std::to_string(logN) + ",r=" + std::to_string(r) +
                                       ",p=" + std::to_string(p)
                                 : "i=" + std::to_string(iterations);
    const char* const name = scheme == Scheme::Scrypt         ? "$scrypt$"
                             : scheme == Scheme::ScramSha256 ? "$scram-sha-256$"
                                                             : "$pbkdf2-sha256$";
    std::string out = name + cost + "$" + toBase64(salt) + "$" + toBase64(hash);
    if (scheme == Scheme::ScramSha256) out += "$" + toBase64(serverKey);
    return out;
}

std::optional<Record> Record::parse(std::string_view text, std::string& why)
{
    const auto parts = split(text, '$');
    Record record;
    std::size_t wanted = 5; // the part before the first '$' is empty
    if (parts.size() > 1 && parts[1] == "pbkdf2-sha256") record.scheme = Scheme::Pbkdf2Sha256;
    else if (parts.size() > 1 && parts[1] == "scrypt") record.scheme = Scheme::Scrypt;
    else if (parts.size() > 1 && parts[1] == "scram-sha-256")
    {
        record.scheme = Scheme::ScramSha256;
        wanted = 6;
    }
    else return why = "expected $pbkdf2-sha256$, $scrypt$ or $scram-sha-256$", std::nullopt;
    if (parts.size() != wanted || !parts[0].empty())
        return why = "a part of the hash is missing, or there is one too many", std::nullopt;
    if (!parseCost(parts[2], record))
        return why = record.scheme == Scheme::Scrypt
                         ? "expected ln=10 to 24, r=1 to 32, p=1 to 16, and 256 MiB at most"
                         : "expected i=4096 to 10000000",
               std::nullopt;
    const auto salt = fromBase64(parts[3]);
    const auto hash = fromBase64(parts[4]);
    const auto serverKey = wanted == 6 ? fromBase64(parts[5]) : std::string();
    if (!salt || salt->size() < 8 || salt->size() > 64)
        return why = "the salt is not 8 to 64 bytes of base64", std::nullopt;
    if (!hash || hash->size() != kHashBytes || !serverKey ||
        (wanted == 6 && serverKey->size() != kHashBytes))
        return why = "the hash is not 32 bytes of base64", std::nullopt;
    record.salt = *salt;
    record.hash = *hash;
    record.serverKey = *serverKey;
    return record;
}

Record makeRecord(std::string_view password, const Record& form)
{
    Record record = form;
    record.salt = randomBytes(kSaltBytes);
    if (record.scheme == Scheme::ScramSha256)
    {
        const auto salted = pbkdf2Sha256(password, record.salt, record.iterations);
        record.hash = sha256(hmacSha256(salted, "Client Key"));
        record.serverKey = hmacSha256(salted, "Server Key");
    }
    else record.hash = hashOf(password, record);
    return record;
}

bool verify(const Record& record, std::string_view password)
{
    const auto kept = record.scheme == Scheme::Plain ? sha256(record.hash) : record.hash;
    return sameBytes(hashOf(password, record), kept);
}

} // namespace credentials
