#include "Settings.h"

#include "TopicFilter.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/NumberParser.h>
#include <Poco/String.h>

#include <algorithm>
#include <charconv>
#include <span>

namespace webhook
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::string_view kHeaders = "web.hook.headers.";
constexpr std::string_view kRule = "web.hook.rule.";
constexpr std::string_view kTls = "web.hook.ssl.";

/// What is wrong with a value, in the words that follow "file:line: key: ".
struct BadValue
{
    std::string text;
};

[[noreturn]] void bad(std::string_view value, std::string_view expected)
{
    throw BadValue{"found \"" + std::string(value) + "\", expected " + std::string(expected)};
}

/// A whole number and the unit behind it: "16MB" is 16 and "MB".
std::pair<std::uint64_t, std::string_view> numberAndUnit(std::string_view value,
                                                         std::string_view expected)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc()) bad(value, expected);
    std::string_view unit(end, static_cast<std::size_t>(value.data() + value.size() - end));
    while (unit.starts_with(' ')) unit.remove_prefix(1);
    return {number, unit};
}

struct Unit
{
    std::string_view name;
    std::uint64_t factor;
};

std::uint64_t quantity(std::string_view value, std::span<const Unit> units, std::uint64_t low,
                       std::uint64_t high, std::string_view expected)
{
    const auto [number, name] = numberAndUnit(value, expected);
    const auto unit = std::find_if(units.begin(), units.end(), [name = name](const Unit& u) {
        return Poco::icompare(std::string(u.name), std::string(name)) == 0;
    });
    if (unit == units.end() || number > high / unit->factor) bad(value, expected);
    const std::uint64_t result = number * unit->factor;
    if (result < low) bad(value, expected);
    return result;
}

std::uint64_t count(std::string_view value, std::uint64_t low, std::uint64_t high)
{
    static constexpr Unit units[] = {{"", 1}};
    return quantity(value, units, low, high,
                    "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
}

std::size_t bytes(std::string_view value)
{
    static constexpr Unit units[] = {
        {"B", 1},        {"K", 1 << 10},   {"KB", 1 << 10}, {"KiB", 1 << 10}, {"M", 1 << 20},
        {"MB", 1 << 20}, {"MiB", 1 << 20}, {"G", 1 << 30},  {"GB", 1 << 30},  {"GiB", 1 << 30}};
    return quantity(value, units, 1 << 10, std::uint64_t{4} << 30,
                    "a size from 1KB to 4GB, such as 16MB");
}

std::chrono::milliseconds duration(std::string_view value)
{
    static constexpr Unit units[] = {
        {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 24 * 3'600'000}};
    return std::chrono::milliseconds(quantity(value, units, 1, 24 * 3'600'000ull,
                                              "a time from 1ms to 24h, such as 500ms or 5s"));
}

void checkBoolean(std::string_view value)
{
    for (const char* word : {"true", "on", "yes", "1", "enable", "enabled", "false", "off", "no",
                             "0", "disable", "disabled"})
        if (Poco::icompare(std::string(value), word) == 0) return;
    bad(value, "true or false");
}

PayloadEncoding encoding(std::string_view value)
{
    const std::string lower = Poco::toLower(std::string(value));
    if (lower == "plain") return PayloadEncoding::Plain;
    if (lower == "base64") return PayloadEncoding::Base64;
    if (lower == "base62") return PayloadEncoding::Base62;
    bad(value, "plain, base64 or base62");
}

http::Address endpoint(std::string_view value)
{
    http::Address address = http::Address::parse(value);
    if (address.secure)
        throw BadValue{"found https://, which this plugin does not speak; expected http://, to a "
                       "proxy on this host if the endpoint wants TLS"};
    return address;
}

/// Edits that make one text of the other; both are short.
std::size_t distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i)
    {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j)
        {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
        }
    }
    return row.back();
}

/// "; did you mean X?" when something known is near, else nothing.
template <class Names> std::string suggestion(std::string_view found, const Names& known)
{
    if (found.size() > 100) return {};
    std::string_view best;
    std::size_t least = std::max<std::size_t>(2, found.size() / 4) + 1;
    for (const std::string_view name : known)
        if (const std::size_t d = distance(found, name); d < least)
        {
            least = d;
            best = name;
        }
    return best.empty() ? std::string() : "; did you mean \"" + std::string(best) + "\"?";
}

/// One key that has a name of its own.
struct Key
{
    std::string_view name;
    void (*apply)(Settings& settings, std::string_view value);
};

constexpr Key kKeys[] = {
    {"web.hook.enable",
     [](Settings&, std::string_view v) { checkBoolean(v); }}, // the host's switch
    {"web.hook.url", [](Settings& s, std::string_view v) { s.endpoint = endpoint(v); }},
    {"web.hook.body.encoding_of_payload_field",
     [](Settings& s, std::string_view v) { s.encoding = encoding(v); }},
    {"web.hook.pool_size", [](Settings& s, std::string_view v) { s.poolSize = count(v, 1, 256); }},
    {"web.hook.queue.max_events",
     [](Settings& s, std::string_view v) { s.maxEvents = count(v, 1, 10'000'000); }},
    {"web.hook.queue.max_bytes", [](Settings& s, std::string_view v) { s.maxBytes = bytes(v); }},
    {"web.hook.timeout", [](Settings& s, std::string_view v) { s.timeout = duration(v); }},
    {"web.hook.connect_timeout",
     [](Settings& s, std::string_view v) { s.connectTimeout = duration(v); }},
    {"web.hook.retry.max_attempts",
     [](Settings& s, std::string_view v) {
         s.retry.maxAttempts = static_cast<std::uint32_t>(count(v, 1, 1'000));
     }},
    {"web.hook.retry.min_delay",
     [](Settings& s, std::string_view v) { s.retry.minDelay = duration(v); }},
    {"web.hook.retry.max_delay",
     [](Settings& s, std::string_view v) { s.retry.maxDelay = duration(v); }},
    {"web.hook.retry.max_age",
     [](Settings& s, std::string_view v) { s.retry.maxAge = duration(v); }},
};

/// Reads one key after the other, in the order of the file.
class Reader final : public sdk::Config::Visitor
{
public:
    explicit Reader(Settings::Outcome& outcome) : _outcome(outcome) {}

    void key(sdk::Str key, sdk::Str value, sdk::Str where) override
    {
        _where = std::string(where.view()) + ": " + std::string(key.view()) + ": ";
        try
        {
            apply(key.view(), value.view());
        }
        catch (const BadValue& wrong)
        {
            _outcome.errors.push_back(_where + wrong.text);
        }
        catch (const Poco::InvalidArgumentException& wrong)
        {
            _outcome.errors.push_back(_where + wrong.message());
        }
    }

    /// What can only be said when all keys are known.
    void finish(sdk::Config& config)
    {
        const Settings& s = _outcome.settings;
        const bool anyRule = std::any_of(s.rules.begin(), s.rules.end(),
                                         [](const EventRule& rule) { return rule.wanted; });
        sdk::Str url;
        if (anyRule && !config.text("web.hook.url", &url))
            _outcome.errors.push_back(at(config, "web.hook.url") +
                                      "is missing, and there are rules; expected an address such "
                                      "as http://127.0.0.1:8080/hook");
        if (s.retry.minDelay > s.retry.maxDelay)
            _outcome.errors.push_back(at(config, "web.hook.retry.min_delay") +
                                      "is more than web.hook.retry.max_delay");
        for (const std::size_t kind : _everyTopic)
            _outcome.settings.rules[kind].topicFilters.clear();
    }

private:
    void apply(std::string_view key, std::string_view value)
    {
        Settings& settings = _outcome.settings;
        if (key.starts_with(kHeaders))
            settings.headers.push_back(http::configuredHeader(key.substr(kHeaders.size()), value));
        else if (key.starts_with(kRule)) rule(key.substr(kRule.size()), value);
        else if (key.starts_with(kTls))
            _outcome.warnings.push_back(_where + "has no effect, as in NanoMQ: only http:// is "
                                                 "spoken");
        else if (const auto* known = std::find_if(std::begin(kKeys), std::end(kKeys),
                                                  [key](const Key& k) { return k.name == key; });
                 known != std::end(kKeys))
            known->apply(settings, value);
        else unknown(key);
    }

    [[noreturn]] static void unknown(std::string_view key)
    {
        std::vector<std::string_view> names{kHeaders, kRule};
        for (const Key& known : kKeys) names.push_back(known.name);
        throw BadValue{"is not a key of this plugin" + suggestion(key, names)};
    }

    /// @param name  "client.connack.1"
    void rule(std::string_view name, std::string_view value)
    {
        const auto dot = name.rfind('.');
        const std::string_view number = dot == std::string_view::npos ? "" : name.substr(dot + 1);
        const EventKind kind = eventNamed(name.substr(0, dot));
        if (number.empty() || number.find_first_not_of("0123456789") != std::string_view::npos)
            throw BadValue{"expected a number behind the event, as in web.hook.rule." +
                           std::string(eventName(kind)) + ".1"};
        const Poco::JSON::Object::Ptr object = ruleObject(value);
        checkAction(kind, *object);
        add(kind, *object);
    }

    static EventKind eventNamed(std::string_view name)
    {
        const std::string lower = Poco::toLower(std::string(name));
        std::vector<std::string_view> names;
        for (std::size_t i = 0; i < kEventKinds; ++i)
        {
            names.push_back(eventName(static_cast<EventKind>(i)));
            if (lower == names.back()) return static_cast<EventKind>(i);
        }
        throw BadValue{"\"" + std::string(name) + "\" is not an event" + suggestion(lower, names)};
    }

    static Poco::JSON::Object::Ptr ruleObject(std::string_view value)
    {
        constexpr std::string_view expected =
            R"(a JSON object such as {"action": "on_message_publish", "topic": "a/#"})";
        Poco::JSON::Object::Ptr object;
        try
        {
            object =
                Poco::JSON::Parser().parse(std::string(value)).extract<Poco::JSON::Object::Ptr>();
        }
        catch (const Poco::Exception&)
        {
            bad(value, expected);
        }
        for (const std::string& field : object->getNames())
        {
            static constexpr std::string_view fields[] = {"action", "topic"};
            if (std::find(std::begin(fields), std::end(fields), field) == std::end(fields))
                throw BadValue{"\"" + field + "\" means nothing in a rule" +
                               suggestion(field, fields)};
            if (!object->get(field).isString()) bad(value, expected);
        }
        return object;
    }

    /// NanoMQ goes by the key and never looks at the action.
    void checkAction(EventKind kind, const Poco::JSON::Object& object)
    {
        if (!object.has("action")) return;
        const auto action = object.getValue<std::string>("action");
        if (action != "on_" + std::string(actionName(kind)))
            _outcome.warnings.push_back(_where + "the action \"" + action + "\" is ignored: the " +
                                        "event is " + std::string(eventName(kind)) +
                                        ", as the key says");
    }

    void add(EventKind kind, const Poco::JSON::Object& object)
    {
        EventRule& rule = _outcome.settings.rules[static_cast<std::size_t>(kind)];
        rule.wanted = true;
        if (!object.has("topic"))
        {
            _everyTopic.push_back(static_cast<std::size_t>(kind));
            return;
        }
        auto filter = object.getValue<std::string>("topic");
        if (!hasTopic(kind))
        {
            _outcome.warnings.push_back(
                _where + "the topic is ignored: " + std::string(eventName(kind)) + " has none");
            return;
        }
        if (!isTopicFilter(filter)) bad(filter, "a Topic Filter");
        if (std::find(rule.topicFilters.begin(), rule.topicFilters.end(), filter) ==
            rule.topicFilters.end())
            rule.topicFilters.push_back(std::move(filter));
    }

    static std::string at(sdk::Config& config, std::string_view key)
    {
        return std::string(config.where(key).view()) + ": " + std::string(key) + ": ";
    }

    Settings::Outcome& _outcome;
    std::string _where;
    std::vector<std::size_t> _everyTopic; ///< kinds with a rule that names no topic
};

} // namespace

Settings::Outcome Settings::read(sdk::Config& config)
{
    Outcome outcome;
    Reader reader(outcome);
    config.keys("", &reader);
    reader.finish(config);
    return outcome;
}

} // namespace webhook
