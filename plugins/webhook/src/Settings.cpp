#include "Settings.h"

#include "Event.h"
#include "TopicFilter.h"
#include "Values.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/String.h>

#include <algorithm>
#include <optional>

namespace webhook
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::string_view kPrefix = "web.hook.";
constexpr std::string_view kEndpoint = "endpoint.";
constexpr std::string_view kRule = "rule.";
constexpr std::string_view kEncoding = "body.encoding_of_payload_field";
constexpr std::size_t kMostSenders = 256; // threads that the broker gives to a plugin, less some

PayloadEncoding encoding(std::string_view value)
{
    const std::string lower = Poco::toLower(std::string(value));
    if (lower == "plain") return PayloadEncoding::Plain;
    if (lower == "base64") return PayloadEncoding::Base64;
    if (lower == "base62") return PayloadEncoding::Base62;
    bad(value, "plain, base64 or base62");
}

bool isEndpointName(std::string_view name)
{
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), fits);
}

/// For an endpoint that a rule's URL makes: what is shown of the URL, and no secret.
std::string nameOf(const http::Address& address)
{
    std::string name = address.shown.substr(address.shown.find("//") + 2);
    if (address.target.find('?') != std::string::npos)
        name += "?" + EventId{0, hashOf(address.target)}.text().substr(24);
    for (char& c : name)
        if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) c = '_';
    return name;
}

/// A line of the file that is looked at when all others are known.
struct Line
{
    std::string key; // behind the prefix
    std::string value;
    std::string where; // "file:line: key: "
};

/// Takes every line of the file once, in order, and then makes endpoints and routes of them.
class Reader final : public sdk::Config::Visitor
{
public:
    Reader(sdk::Config& config, Settings::Outcome& outcome) : _config(config), _outcome(outcome) {}

    void key(sdk::Str key, sdk::Str value, sdk::Str where) override
    {
        Line line{std::string(key.view()), std::string(value.view()),
                  std::string(where.view()) + ": " + std::string(key.view()) + ": "};
        const bool ours = line.key.starts_with(kPrefix);
        if (ours) line.key.erase(0, kPrefix.size());
        check(line, [&] {
            if (!ours) unknown(line.key);
            else if (line.key.starts_with(kEndpoint)) _ofEndpoints.push_back(line);
            else if (line.key.starts_with(kRule)) _rules.push_back(line);
            else if (line.key == "enable") boolean(line.value); // the host's switch
            else if (line.key == kEncoding) _outcome.settings.encoding = encoding(line.value);
            else if (!applyEndpointKey(_outcome.settings.base, line.key, line.value))
                unknown(std::string(kPrefix) + line.key);
        });
    }

    void finish()
    {
        Settings& s = _outcome.settings;
        if (s.base.address) s.endpoints.push_back(s.base);
        for (const Line& line : _ofEndpoints) check(line, [&] { endpointKey(line); });
        for (const Line& line : _rules) check(line, [&] { rule(line); });
        for (auto& routes : s.routes)
            for (Route& route : routes)
                if (route.topicFilters.size() == 1 && route.topicFilters.front().empty())
                    route.topicFilters.clear();
        if (_needsDefault && !s.base.address && !_config.text("web.hook.url", &_ignored))
            _outcome.errors.push_back(at("web.hook.url") +
                                      "is missing, and there are rules; expected an address such "
                                      "as http://127.0.0.1:8080/hook");
        finishEndpoints();
    }

private:
    template <class Body> void check(const Line& line, Body body)
    {
        try
        {
            body();
        }
        catch (const BadValue& wrong)
        {
            _outcome.errors.push_back(line.where + wrong.text);
        }
        catch (const Poco::InvalidArgumentException& wrong)
        {
            _outcome.errors.push_back(line.where + wrong.message());
        }
    }

    [[noreturn]] static void unknown(std::string_view key)
    {
        std::vector<std::string> names;
        for (const std::string_view name : {std::string_view("enable"), kEndpoint, kRule, kEncoding})
            names.push_back(std::string(kPrefix) + std::string(name));
        for (const std::string_view name : endpointKeys())
            names.push_back(std::string(kPrefix) + std::string(name));
        throw BadValue{"is not a key of this plugin" +
                       suggestion(key, {names.begin(), names.end()})};
    }

    /// "endpoint.NAME.KEY"
    void endpointKey(const Line& line)
    {
        const std::string_view rest = std::string_view(line.key).substr(kEndpoint.size());
        const auto dot = rest.find('.');
        const std::string_view name = rest.substr(0, dot);
        if (dot == std::string_view::npos || !isEndpointName(name) || name == "default")
            throw BadValue{"expected a name of small letters, digits, '_' and '-' (not "
                           "\"default\") and a key behind it, as in "
                           "web.hook.endpoint.archive.url"};
        EndpointSettings& endpoint = endpointNamed(name);
        const std::string_view key = rest.substr(dot + 1);
        if (!applyEndpointKey(endpoint, key, line.value))
            throw BadValue{"\"" + std::string(key) + "\" is not a key of an endpoint" +
                           suggestion(key, endpointKeys())};
    }

    EndpointSettings& endpointNamed(std::string_view name)
    {
        auto& all = _outcome.settings.endpoints;
        const auto found = std::find_if(all.begin(), all.end(),
                                        [name](const auto& one) { return one.name == name; });
        if (found != all.end()) return *found;
        EndpointSettings& made = all.emplace_back(_outcome.settings.base);
        made.name = name;
        made.address.reset(); // it has one of its own
        return made;
    }

    /// "rule.client.connack.1"
    void rule(const Line& line)
    {
        const std::string_view name = std::string_view(line.key).substr(kRule.size());
        const auto dot = name.rfind('.');
        const std::string_view number = dot == std::string_view::npos ? "" : name.substr(dot + 1);
        const EventKind kind = eventNamed(name.substr(0, dot));
        if (number.empty() || number.find_first_not_of("0123456789") != std::string_view::npos)
            throw BadValue{"expected a number behind the event, as in web.hook.rule." +
                           std::string(eventName(kind)) + ".1"};
        const Poco::JSON::Object::Ptr object = ruleObject(line.value);
        checkAction(kind, *object, line);
        const std::string filter = filterOf(kind, *object, line);
        if (const auto endpoint = endpointOf(*object)) addRoute(kind, *endpoint, filter);
        else _needsDefault = true;
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
            static const std::vector<std::string_view> fields = {"action", "topic", "url",
                                                                 "endpoint"};
            if (std::find(fields.begin(), fields.end(), field) == fields.end())
                throw BadValue{"\"" + field + "\" means nothing in a rule" +
                               suggestion(field, fields)};
            if (!object->get(field).isString()) bad(value, expected);
        }
        if (object->has("url") && object->has("endpoint"))
            throw BadValue{"has both \"url\" and \"endpoint\"; expected one of them"};
        return object;
    }

    /// NanoMQ goes by the key and never looks at the action.
    void checkAction(EventKind kind, const Poco::JSON::Object& object, const Line& line)
    {
        if (!object.has("action")) return;
        const auto action = object.getValue<std::string>("action");
        if (action != "on_" + std::string(actionName(kind)))
            _outcome.warnings.push_back(line.where + "the action \"" + action +
                                        "\" is ignored: the event is " +
                                        std::string(eventName(kind)) + ", as the key says");
    }

    /// Empty: every topic.
    std::string filterOf(EventKind kind, const Poco::JSON::Object& object, const Line& line)
    {
        if (!object.has("topic")) return {};
        auto filter = object.getValue<std::string>("topic");
        if (!hasTopic(kind))
        {
            _outcome.warnings.push_back(line.where +
                                        "the topic is ignored: " + std::string(eventName(kind)) +
                                        " has none");
            return {};
        }
        if (!isTopicFilter(filter)) bad(filter, "a Topic Filter");
        return filter;
    }

    /// Nothing: the default one, which is not there.
    std::optional<std::size_t> endpointOf(const Poco::JSON::Object& object)
    {
        auto& all = _outcome.settings.endpoints;
        std::string name = "default";
        if (object.has("url"))
        {
            const auto address = http::Address::parse(object.getValue<std::string>("url"));
            name = nameOf(address);
            EndpointSettings& endpoint = endpointNamed(name);
            endpoint.address = address;
        }
        else if (object.has("endpoint")) name = object.getValue<std::string>("endpoint");
        for (std::size_t i = 0; i < all.size(); ++i)
            if (all[i].name == name) return i;
        if (name == "default") return {};
        std::vector<std::string_view> names;
        for (const EndpointSettings& one : all) names.push_back(one.name);
        throw BadValue{"there is no endpoint \"" + name + "\": expected web.hook.endpoint." + name +
                       ".url somewhere" + suggestion(name, names)};
    }

    /// The empty filter stands for every topic, and then alone.
    void addRoute(EventKind kind, std::size_t endpoint, const std::string& filter)
    {
        auto& routes = _outcome.settings.routes[static_cast<std::size_t>(kind)];
        auto route = std::find_if(routes.begin(), routes.end(),
                                  [&](const Route& r) { return r.endpoint == endpoint; });
        if (route == routes.end()) route = routes.insert(routes.end(), {endpoint, {}});
        auto& filters = route->topicFilters;
        const bool every = filters.size() == 1 && filters.front().empty();
        if (every || std::find(filters.begin(), filters.end(), filter) != filters.end()) return;
        if (filter.empty()) filters.clear();
        filters.push_back(filter);
    }

    /// What can only be said of an endpoint when all its keys are known.
    void finishEndpoints()
    {
        std::size_t senders = 0;
        for (const EndpointSettings& endpoint : _outcome.settings.endpoints)
        {
            const std::string keys =
                _ofEndpoints.empty() || endpoint.name == "default" || !isEndpointName(endpoint.name)
                    ? std::string(kPrefix)
                    : std::string(kPrefix) + std::string(kEndpoint) + endpoint.name + ".";
            senders += endpoint.poolSize;
            if (!endpoint.address)
                _outcome.errors.push_back(at(keys + "url") + "is missing; expected an address "
                                                             "such as http://127.0.0.1:8080/hook");
            if (endpoint.retry.minDelay > endpoint.retry.maxDelay)
                _outcome.errors.push_back(at(keys + "retry.min_delay") + "is more than " + keys +
                                          "retry.max_delay");
            if (endpoint.tls.certificateFile.empty() != endpoint.tls.keyFile.empty())
                _outcome.errors.push_back(at(keys + "ssl.certfile") +
                                          "a client certificate needs ssl.keyfile, and a key "
                                          "ssl.certfile; only one of them is given");
        }
        if (senders > kMostSenders)
            _outcome.errors.push_back(
                at("web.hook.pool_size") + "the endpoints have " + std::to_string(senders) +
                " senders together, expected " + std::to_string(kMostSenders) +
                " at most; give some endpoints a smaller pool_size");
    }

    std::string at(std::string_view key)
    {
        return std::string(_config.where(key).view()) + ": " + std::string(key) + ": ";
    }

    sdk::Config& _config;
    Settings::Outcome& _outcome;
    std::vector<Line> _ofEndpoints;
    std::vector<Line> _rules;
    bool _needsDefault = false; ///< some rule goes there, and there is none
    sdk::Str _ignored;
};

} // namespace

bool Route::takes(std::string_view topic) const
{
    return topicFilters.empty() || std::any_of(topicFilters.begin(), topicFilters.end(),
                                               [topic](const std::string& filter) {
                                                   return matches(filter, topic);
                                               });
}

std::vector<std::string> Settings::topicFiltersOf(EventKind kind) const
{
    std::vector<std::string> all;
    for (const Route& route : routesOf(kind))
    {
        if (route.topicFilters.empty()) return {};
        for (const std::string& filter : route.topicFilters)
            if (std::find(all.begin(), all.end(), filter) == all.end()) all.push_back(filter);
    }
    return all;
}

Settings::Outcome Settings::read(sdk::Config& config)
{
    Outcome outcome;
    Reader reader(config, outcome);
    config.keys("", &reader);
    reader.finish();
    return outcome;
}

} // namespace webhook
