#include "EndpointSettings.h"

#include "Values.h"

#include <Poco/String.h>

#include <algorithm>

namespace webhook
{

namespace
{

constexpr std::string_view kHeaders = "headers.";
constexpr std::chrono::hours kYear{365 * 24};

/// A header replaces one of the same name: an endpoint's that of all.
void setHeader(EndpointSettings& settings, std::string_view key, std::string_view value)
{
    auto header = http::configuredHeader(key, value);
    const auto isSame = [&](const std::string& name) {
        return Poco::icompare(name, header.first) == 0;
    };
    std::erase_if(settings.headers, [&](const auto& other) { return isSame(other.first); });
    std::erase_if(settings.templates, [&](const auto& other) { return isSame(other.name()); });
    if (HeaderTemplate::hasPlaceholders(value))
        settings.templates.emplace_back(std::move(header.first), value);
    else settings.headers.push_back(std::move(header));
}

bool verification(std::string_view value)
{
    if (Poco::icompare(std::string(value), "verify_peer") == 0) return true;
    if (Poco::icompare(std::string(value), "verify_none") == 0) return false;
    return boolean(value);
}

bool compression(std::string_view value)
{
    if (Poco::icompare(std::string(value), "gzip") == 0) return true;
    if (Poco::icompare(std::string(value), "none") == 0) return false;
    bad(value, "none or gzip");
}

struct Key
{
    std::string_view name;
    void (*apply)(EndpointSettings& settings, std::string_view value);
};

using S = EndpointSettings;
using V = std::string_view;

constexpr Key kKeys[] = {
    {"url", [](S& s, V v) { s.address = http::Address::parse(v); }},
    {"pool_size", [](S& s, V v) { s.poolSize = count(v, 1, 256); }},
    {"queue.max_events", [](S& s, V v) { s.maxEvents = count(v, 1, 10'000'000); }},
    {"queue.max_bytes", [](S& s, V v) { s.maxBytes = bytes(v); }},
    {"timeout", [](S& s, V v) { s.timeout = duration(v); }},
    {"connect_timeout", [](S& s, V v) { s.connectTimeout = duration(v); }},
    {"retry.max_attempts",
     [](S& s, V v) { s.retry.maxAttempts = static_cast<std::uint32_t>(count(v, 1, 1'000)); }},
    {"retry.min_delay", [](S& s, V v) { s.retry.minDelay = duration(v); }},
    {"retry.max_delay", [](S& s, V v) { s.retry.maxDelay = duration(v); }},
    {"retry.max_age", [](S& s, V v) { s.retry.maxAge = duration(v); }},
    {"batch.max_events", [](S& s, V v) { s.batch.maxEvents = count(v, 1, 10'000); }},
    {"batch.max_bytes", [](S& s, V v) { s.batch.maxBytes = bytes(v); }},
    {"batch.max_delay", [](S& s, V v) { s.batch.maxDelay = duration(v); }},
    {"compression", [](S& s, V v) { s.gzip = compression(v); }},
    {"signature.secret", [](S& s, V v) { s.signatureSecret = v; }},
    {"spool.enable", [](S& s, V v) { s.spool.enable = boolean(v); }},
    {"spool.max_bytes", [](S& s, V v) { s.spool.maxBytes = bytes(v); }},
    {"spool.max_age", [](S& s, V v) { s.spool.maxAge = duration(v, kYear); }},
    {"dead.max_bytes", [](S& s, V v) { s.dead.maxBytes = bytes(v); }},
    {"dead.max_age", [](S& s, V v) { s.dead.maxAge = duration(v, kYear); }},
    {"ssl.cacertfile", [](S& s, V v) { s.tls.authorityFile = v; }},
    {"ssl.certfile", [](S& s, V v) { s.tls.certificateFile = v; }},
    {"ssl.keyfile", [](S& s, V v) { s.tls.keyFile = v; }},
    {"ssl.keypassword", [](S& s, V v) { s.tls.keyPassword = v; }},
    {"ssl.verify", [](S& s, V v) { s.tls.verify = verification(v); }},
    {"ssl.server_name_indication", [](S& s, V v) { s.tls.serverName = v; }},
};

} // namespace

bool applyEndpointKey(EndpointSettings& settings, std::string_view key, std::string_view value)
{
    if (key.starts_with(kHeaders))
    {
        setHeader(settings, key.substr(kHeaders.size()), value);
        return true;
    }
    const auto* known = std::find_if(std::begin(kKeys), std::end(kKeys),
                                     [key](const Key& k) { return k.name == key; });
    if (known == std::end(kKeys)) return false;
    known->apply(settings, value);
    return true;
}

std::vector<std::string_view> endpointKeys()
{
    std::vector<std::string_view> names{kHeaders};
    for (const Key& key : kKeys) names.push_back(key.name);
    return names;
}

} // namespace webhook
