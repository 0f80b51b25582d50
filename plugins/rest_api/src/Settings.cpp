#include "Settings.h"

#include "credentials/PasswordFile.h"

#include <Poco/Exception.h>
#include <Poco/File.h>
#include <Poco/Net/IPAddress.h>
#include <Poco/NumberParser.h>
#include <Poco/Path.h>
#include <Poco/String.h>

#include <array>
#include <cctype>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::string_view kDefaultUser = "admin";
constexpr std::string_view kDefaultPassword = "public";

/// Values with their defaults; notes what is wrong instead of stopping at the first.
class Reader
{
public:
    explicit Reader(sdk::Config& config) : _config(config) {}

    std::string text(const char* key, const char* absent)
    {
        sdk::Str value;
        std::string found(_config.text(key, &value) ? value.view() : absent);
        shown.emplace_back(key, found);
        return found;
    }
    std::string secret(const char* key, std::string_view absent)
    {
        sdk::Str value;
        return std::string(_config.text(key, &value) ? value.view() : absent);
    }
    bool flag(const char* key, bool absent)
    {
        const auto given = Poco::toLower(text(key, absent ? "true" : "false"));
        for (const char* yes : {"true", "on", "yes", "1", "enable", "enabled"})
            if (given == yes) return true;
        return false; // the schema has looked at it
    }
    std::uint64_t number(const char* key, const char* absent, std::uint64_t maximum)
    {
        const auto given = text(key, absent);
        Poco::UInt64 value = 0;
        if (!Poco::NumberParser::tryParseUnsigned64(given, value) || value > maximum)
            wrong(key, "expected a number up to " + std::to_string(maximum));
        return value;
    }
    /// A number and one of these units.
    template <std::size_t N>
    std::uint64_t measure(const char* key, const char* absent,
                          const std::array<std::pair<const char*, std::uint64_t>, N>& units)
    {
        const auto given = text(key, absent);
        std::size_t digits = 0;
        while (digits < given.size() && std::isdigit(static_cast<unsigned char>(given[digits])))
            ++digits;
        Poco::UInt64 value = 0;
        const bool isNumber =
            Poco::NumberParser::tryParseUnsigned64(given.substr(0, digits), value) &&
            value < 1'000'000'000;
        const std::string unit = Poco::trim(given.substr(digits));
        for (const auto& [name, factor] : units)
            if (isNumber && unit == name) return value * factor;
        wrong(key, "expected a number and a unit, found '" + given + "'");
        return 0;
    }
    std::chrono::milliseconds duration(const char* key, const char* absent)
    {
        static constexpr std::array<std::pair<const char*, std::uint64_t>, 4> kUnits = {
            {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
        return std::chrono::milliseconds(measure(key, absent, kUnits));
    }
    std::uint64_t size(const char* key, const char* absent)
    {
        static constexpr std::array<std::pair<const char*, std::uint64_t>, 5> kUnits = {
            {{"B", 1}, {"KB", 1'024}, {"MB", 1'048'576}, {"GB", 1'073'741'824}, {"", 1}}};
        return measure(key, absent, kUnits);
    }
    void wrong(const char* key, const std::string& what)
    {
        _problems += (_problems.empty() ? "" : "; ") + std::string(_config.where(key).view()) +
                     ": " + key + ": " + what;
    }
    void finish() const
    {
        if (!_problems.empty()) throw Poco::DataFormatException(_problems);
    }

    std::vector<std::pair<std::string, std::string>> shown;

private:
    sdk::Config& _config;
    std::string _problems;
};

credentials::Record recordOf(const std::string& password)
{
    std::string why;
    if (auto record = credentials::Record::parse(password, why)) return *record;
    credentials::Record plain;
    plain.scheme = credentials::Scheme::Plain;
    plain.hash = password;
    return plain;
}

bool isLoopback(const std::string& address)
{
    Poco::Net::IPAddress parsed;
    return Poco::Net::IPAddress::tryParse(address, parsed) && parsed.isLoopback();
}

sdk::HttpRole roleOf(std::string_view word)
{
    if (word == "reader") return sdk::HttpRole::Reader;
    if (word == "operator") return sdk::HttpRole::Operator;
    return sdk::HttpRole::Admin;
}

/// The user of the file itself, and those of a password file.
void readUsers(Reader& reader, Settings& settings)
{
    const std::string name = reader.text("http_server.username", kDefaultUser.data());
    const std::string password = reader.secret("http_server.password", kDefaultPassword);
    const std::string file = reader.text("http_server.users_file", "");
    if (settings.login == Settings::Login::Jwt) return;
    const bool isDefault = name == kDefaultUser && password == kDefaultPassword;
    if (isDefault && !isLoopback(settings.address))
        reader.wrong("http_server.password",
                     "the well-known admin:public is allowed on a loopback address only; set a "
                     "password, or http_server.ip_addr = 127.0.0.1");
    if (isDefault)
        settings.warnings.emplace_back(
            "the password is the well-known admin:public; set http_server.password");
    else if (recordOf(password).scheme == credentials::Scheme::Plain)
        settings.warnings.emplace_back("http_server.password is in plain text; `nanomqctl passwd` "
                                       "makes a hash that can stand there");
    if (password.empty()) reader.wrong("http_server.password", "expected a password");
    else settings.users[name] = {recordOf(password), sdk::HttpRole::Admin};
    if (file.empty()) return;
    try
    {
        const auto users = credentials::PasswordFile::read(file);
        for (const auto& warning : users.warnings()) settings.warnings.push_back(warning);
        for (const auto& [user, record] : users.users())
        {
            const std::string key = "http_server.role." + user;
            settings.users[user] = {record, roleOf(reader.text(key.c_str(), "admin"))};
        }
    }
    catch (const Poco::Exception& error)
    {
        reader.wrong("http_server.users_file", error.displayText());
    }
}

void readFiles(Reader& reader, Settings& settings)
{
    const auto required = [&reader](const char* key, const std::string& path) {
        if (path.empty() || !Poco::File(path).exists())
            reader.wrong(key, "expected a file, found '" + path + "'");
    };
    settings.publicKeyFile = reader.text("http_server.jwt.public.keyfile", "");
    if (settings.login == Settings::Login::Jwt)
        required("http_server.jwt.public.keyfile", settings.publicKeyFile);
    // NanoMQ asks for the file's own name; people configure whole paths.
    settings.tokenIssuer = reader.text(
        "http_server.jwt.issuer", Poco::Path(settings.publicKeyFile).getFileName().c_str());
    settings.tls = reader.flag("http_server.tls.enable", false);
    settings.certificateFile = reader.text("http_server.tls.certfile", "");
    settings.keyFile = reader.text("http_server.tls.keyfile", "");
    settings.keyPassword = reader.secret("http_server.tls.key_password", "");
    settings.authorityFile = reader.text("http_server.tls.cacertfile", "");
    if (!settings.tls) return;
    required("http_server.tls.certfile", settings.certificateFile);
    required("http_server.tls.keyfile", settings.keyFile);
    if (!settings.authorityFile.empty())
        required("http_server.tls.cacertfile", settings.authorityFile);
}

} // namespace

Settings Settings::read(sdk::Config& config)
{
    Reader reader(config);
    Settings settings;
    reader.text("http_server.enable", "false");
    settings.address = reader.text("http_server.ip_addr", "127.0.0.1");
    Poco::Net::IPAddress parsed;
    if (!Poco::Net::IPAddress::tryParse(settings.address, parsed))
        reader.wrong("http_server.ip_addr", "expected an IP address");
    settings.port = static_cast<std::uint16_t>(reader.number("http_server.port", "8081", 65'535));
    settings.connections =
        static_cast<unsigned>(reader.number("http_server.limit_conn", "32", 1'024));
    if (settings.connections == 0) reader.wrong("http_server.limit_conn", "expected at least 1");
    settings.maximumBody = reader.size("http_server.max_body", "1MB");
    settings.requestDeadline = reader.duration("http_server.request_timeout", "10s");
    settings.answerDeadline = reader.duration("http_server.answer_timeout", "60s");
    settings.requestsPerSecond =
        static_cast<unsigned>(reader.number("http_server.rate_limit", "200", 1'000'000));
    settings.corsOrigin = reader.text("http_server.cors.origin", "");
    const auto login = Poco::toLower(reader.text("http_server.auth_type", "basic"));
    settings.login = login == "jwt" ? Login::Jwt : Login::Basic;
    settings.shortestDelay = reader.duration("http_server.delay.min", "1s");
    settings.longestDelay = reader.duration("http_server.delay.max", "30s");
    readUsers(reader, settings);
    readFiles(reader, settings);
    reader.finish();
    settings.shown = std::move(reader.shown);
    return settings;
}

} // namespace rest_api
