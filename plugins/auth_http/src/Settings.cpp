#include "Settings.h"

#include <Poco/Exception.h>
#include <Poco/String.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <utility>

namespace auth_http
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::string_view kPrefix = "auth.http.";

[[noreturn]] void bad(std::string_view value, std::string_view expected)
{
    throw Poco::InvalidArgumentException("found \"" + std::string(value) + "\", expected " +
                                         std::string(expected));
}

std::int64_t count(std::string_view value, std::int64_t low, std::int64_t high)
{
    std::int64_t result = 0;
    const char* const end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, result);
    if (read.ec != std::errc() || read.ptr != end || result < low || result > high)
        bad(value, "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return result;
}

std::chrono::milliseconds duration(std::string_view value, std::uint64_t lowMs)
{
    static constexpr std::pair<std::string_view, std::uint64_t> units[] = {
        {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
    constexpr std::uint64_t kLongest = 30ull * 86'400'000;
    std::uint64_t amount = 0;
    const char* const end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, amount);
    std::string_view unit(read.ptr, static_cast<std::size_t>(end - read.ptr));
    while (unit.starts_with(' ')) unit.remove_prefix(1);
    for (const auto& [name, factor] : units)
        if (read.ec == std::errc() && unit == name && amount <= kLongest / factor &&
            amount * factor >= lowMs)
            return std::chrono::milliseconds(amount * factor);
    bad(value, "a time such as 500ms or 5s, up to 30d");
}

template <class Choice>
Choice oneOf(std::string_view value,
             std::initializer_list<std::pair<std::string_view, Choice>> words)
{
    std::string all;
    for (const auto& [word, choice] : words)
    {
        if (Poco::icompare(std::string(value), std::string(word)) == 0) return choice;
        all += (all.empty() ? "" : ", ") + std::string(word);
    }
    bad(value, "one of " + all);
}

bool truth(std::string_view value)
{
    return oneOf<bool>(value, {{"true", true},
                               {"false", false},
                               {"on", true},
                               {"off", false},
                               {"yes", true},
                               {"no", false},
                               {"1", true},
                               {"0", false},
                               {"enable", true},
                               {"disable", false},
                               {"enabled", true},
                               {"disabled", false}});
}

/// A key with a name of its own, behind the prefix.
struct Key
{
    std::string_view name;
    void (*apply)(Settings& settings, std::string_view value);
};

constexpr Key kKeys[] = {
    {"enable", [](Settings&, std::string_view v) { truth(v); }}, // the host's switch
    {"timeout", [](Settings& s, std::string_view v) { s.timeout = duration(v, 1); }},
    {"connect_timeout", [](Settings& s, std::string_view v) { s.connectTimeout = duration(v, 1); }},
    {"deadline", [](Settings& s, std::string_view v) { s.deadline = duration(v, 1); }},
    {"pool_size",
     [](Settings& s, std::string_view v) {
         s.poolSize = static_cast<std::size_t>(count(v, 1, 256));
     }},
    {"queue", [](Settings& s,
                 std::string_view v) { s.queue = static_cast<std::size_t>(count(v, 1, 4'000)); }},
    {"max_rate",
     [](Settings& s, std::string_view v) {
         s.rate = static_cast<std::uint32_t>(count(v, 0, 1'000'000));
     }},
    {"answers",
     [](Settings& s, std::string_view v) {
         s.dialect = oneOf<Dialect>(
             v,
             {{"nanomq", Dialect::NanoMQ}, {"emqx4", Dialect::Emqx4}, {"emqx5", Dialect::Emqx5}});
     }},
    {"on_error",
     [](Settings& s, std::string_view v) {
         s.onError = oneOf<Settings::OnError>(v, {{"deny", Settings::OnError::Deny},
                                                  {"ignore", Settings::OnError::Ignore},
                                                  {"allow", Settings::OnError::Allow}});
     }},
    {"priority",
     [](Settings& s, std::string_view v) {
         s.priority = static_cast<std::int16_t>(count(v, -100, 100));
     }},
    {"cache.size",
     [](Settings& s, std::string_view v) {
         s.cacheEntries = static_cast<std::size_t>(count(v, 0, 10'000'000));
     }},
    {"cache.auth_ttl", [](Settings& s, std::string_view v) { s.logins.allow = duration(v, 0); }},
    {"cache.auth_deny_ttl",
     [](Settings& s, std::string_view v) { s.logins.deny = duration(v, 0); }},
    {"cache.acl_ttl", [](Settings& s, std::string_view v) { s.rights.allow = duration(v, 0); }},
    {"cache.acl_deny_ttl", [](Settings& s, std::string_view v) { s.rights.deny = duration(v, 0); }},
    {"cache.stale", [](Settings& s, std::string_view v) { s.stale = duration(v, 0); }},
    {"breaker.failures",
     [](Settings& s, std::string_view v) {
         s.breakerFailures = static_cast<std::uint32_t>(count(v, 1, 1'000'000));
     }},
    {"breaker.pause", [](Settings& s, std::string_view v) { s.breakerPause = duration(v, 1); }},
    {"breaker.max_pause",
     [](Settings& s, std::string_view v) { s.breakerLongestPause = duration(v, 1); }},
    {"ssl.cacertfile", [](Settings& s, std::string_view v) { s.tls.authorityFile = v; }},
    {"ssl.certfile", [](Settings& s, std::string_view v) { s.tls.certificateFile = v; }},
    {"ssl.keyfile", [](Settings& s, std::string_view v) { s.tls.keyFile = v; }},
    {"ssl.key_password", [](Settings& s, std::string_view v) { s.tls.keyPassword = v; }},
    {"ssl.verify", [](Settings& s, std::string_view v) { s.tls.verify = truth(v); }},
    {"ssl.server_name_indication", [](Settings& s, std::string_view v) { s.tls.serverName = v; }},
};

/// Reads one key after the other, in the order of the file.
class Reader final : public sdk::Config::Visitor
{
public:
    void key(sdk::Str key, sdk::Str value, sdk::Str where) override
    {
        const std::string place = std::string(where.view()) + ": " + std::string(key.view()) + ": ";
        std::string_view name = key.view();
        try
        {
            if (!name.starts_with(kPrefix)) unknown();
            name.remove_prefix(kPrefix.size());
            const auto known = std::find_if(std::begin(kKeys), std::end(kKeys),
                                            [&](const Key& k) { return k.name == name; });
            if (known != std::end(kKeys)) known->apply(_settings, value.view());
            else ofRequest(name, value.view(), place);
        }
        catch (const Poco::InvalidArgumentException& wrong)
        {
            fail(place + wrong.message());
        }
    }

    Settings finish(sdk::Config& config)
    {
        for (std::size_t i = 0; i < kKinds; ++i)
        {
            Draft& draft = _drafts[i];
            if (draft.hasUrl) _settings.forms[i] = std::move(draft.form);
            else if (!draft.where.empty())
                fail(draft.where + "there is no auth.http." + kindName(static_cast<Kind>(i)) +
                     "_req.url that this could be for");
        }
        const std::string file(config.where("auth.http.auth_req.url").view());
        if (std::none_of(_settings.forms.begin(), _settings.forms.end(),
                         [](const auto& form) { return form.has_value(); }) &&
            _errors.empty())
            fail(file + ": none of auth.http.auth_req.url, auth.http.super_req.url and "
                        "auth.http.acl_req.url is there: nothing to ask; switch the plugin off "
                        "instead");
        if (_settings.breakerPause > _settings.breakerLongestPause)
            fail(file + ": auth.http.breaker.pause is longer than auth.http.breaker.max_pause");
        if (!_errors.empty()) throw Poco::DataFormatException(_errors);
        if (!_settings.tls.verify)
            _settings.warnings.push_back("auth.http.ssl.verify is false: whoever stands between "
                                         "the broker and the server can let anybody in");
        return std::move(_settings);
    }

private:
    struct Draft
    {
        RequestForm form;
        bool hasUrl = false;
        std::string where; // of its first key
    };

    [[noreturn]] static void unknown()
    {
        throw Poco::InvalidArgumentException("auth_http knows no such key");
    }

    void ofRequest(std::string_view name, std::string_view value, const std::string& place)
    {
        for (std::size_t i = 0; i < kKinds; ++i)
        {
            const std::string prefix = std::string(kindName(static_cast<Kind>(i))) + "_req.";
            if (!name.starts_with(prefix)) continue;
            Draft& draft = _drafts[i];
            if (draft.where.empty()) draft.where = place;
            return apply(draft, name.substr(prefix.size()), value);
        }
        unknown();
    }

    static void apply(Draft& draft, std::string_view name, std::string_view value)
    {
        constexpr std::string_view headers = "headers.";
        RequestForm& form = draft.form;
        if (name == "url")
        {
            form.address = http::Address::parse(value);
            draft.hasUrl = true;
        }
        else if (name == "method") form.get = oneOf<bool>(value, {{"post", false}, {"get", true}});
        else if (name == "params") form.params = RequestForm::parameters(value);
        else if (name.starts_with(headers))
            form.headers.push_back(http::configuredHeader(name.substr(headers.size()), value));
        else unknown();
    }

    void fail(const std::string& sentence) { _errors += (_errors.empty() ? "" : "\n") + sentence; }

    Settings _settings;
    std::array<Draft, kKinds> _drafts;
    std::string _errors;
};

} // namespace

Settings Settings::read(sdk::Config& config)
{
    Reader reader;
    config.keys("", &reader);
    return reader.finish(config);
}

} // namespace auth_http
