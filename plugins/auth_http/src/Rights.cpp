#include "Rights.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>

#include <algorithm>
#include <sstream>

namespace auth_http
{

namespace sdk = nanomq::sdk;

namespace
{

/// Takes the levels of a topic off its front.
class Levels
{
public:
    explicit Levels(std::string_view text) noexcept : _rest(text) {}

    bool done() const noexcept { return _done; }
    std::string_view next() noexcept
    {
        const auto slash = _rest.find('/');
        const auto level = _rest.substr(0, slash);
        _done = slash == std::string_view::npos;
        _rest.remove_prefix(_done ? _rest.size() : slash + 1);
        return level;
    }
    bool onlyHashIsLeft() const noexcept { return !_done && _rest == "#"; }

private:
    std::string_view _rest;
    bool _done = false;
};

bool isWildcard(std::string_view level) noexcept
{
    return level == "+" || level == "#";
}

/// A wildcard at the front does not stand for topics that begin with '$' [MQTT-4.7.2-1].
bool isHidden(std::string_view pattern, std::string_view filter) noexcept
{
    return filter.starts_with('$') && isWildcard(pattern.substr(0, pattern.find('/')));
}

bool isSafe(std::string_view name) noexcept
{
    return !name.empty() && name.find_first_of("+#/") == std::string_view::npos;
}

/// The topic with the client's names in it; nothing if one of them is not safe.
std::optional<std::string> filledIn(std::string_view topic, const sdk::ClientInfo& client)
{
    const struct
    {
        std::string_view name, value;
    } names[] = {{"${clientid}", client.clientId.view()}, {"${username}", client.userName.view()}};
    std::string result;
    while (!topic.empty())
    {
        const auto found = std::find_if(std::begin(names), std::end(names),
                                        [&](const auto& n) { return topic.starts_with(n.name); });
        if (found == std::end(names))
        {
            result += topic.front();
            topic.remove_prefix(1);
            continue;
        }
        if (!isSafe(found->value)) return {};
        result += found->value;
        topic.remove_prefix(found->name.size());
    }
    return result;
}

/// A shared subscription is one to the filter in it (§4.8.2).
std::string_view withoutShare(std::string_view filter) noexcept
{
    if (!filter.starts_with("$share/")) return filter;
    const auto slash = filter.find('/', 7);
    return slash == std::string_view::npos ? filter : filter.substr(slash + 1);
}

} // namespace

bool covers(std::string_view pattern, std::string_view filter) noexcept
{
    if (isHidden(pattern, filter)) return false;
    Levels ours(pattern), theirs(filter);
    while (!ours.done() && !theirs.done())
    {
        const auto our = ours.next();
        const auto their = theirs.next();
        if (our == "#") return true;
        if (their == "#") return false;
        if (our != "+" && our != their) return false;
    }
    return (ours.done() && theirs.done()) || (theirs.done() && ours.onlyHashIsLeft());
}

bool overlaps(std::string_view pattern, std::string_view filter) noexcept
{
    if (isHidden(pattern, filter) || isHidden(filter, pattern)) return false;
    Levels ours(pattern), theirs(filter);
    while (!ours.done() && !theirs.done())
    {
        const auto our = ours.next();
        const auto their = theirs.next();
        if (our == "#" || their == "#") return true;
        if (our != their && our != "+" && their != "+") return false;
    }
    return (ours.done() && theirs.done()) || ours.onlyHashIsLeft() || theirs.onlyHashIsLeft();
}

Rights::Rights(const Poco::JSON::Array& rules)
{
    for (std::size_t i = 0; i < rules.size(); ++i)
    {
        const auto object = rules.getObject(static_cast<unsigned>(i));
        if (!object) throw Poco::DataFormatException("a rule of \"acl\" is no JSON object");
        _rules.push_back(ruleOf(*object));
    }
    std::ostringstream text;
    rules.stringify(text);
    _source = text.str();
}

Rights::Rule Rights::ruleOf(const Poco::JSON::Object& object)
{
    const auto text = [&object](const char* key) { return object.optValue<std::string>(key, ""); };
    Rule rule;
    const std::string permission = text("permission");
    const std::string action = object.optValue<std::string>("action", "all");
    rule.allow = permission == "allow";
    rule.publish = action != "subscribe";
    rule.subscribe = action != "publish";
    rule.topic = text("topic");
    if ((!rule.allow && permission != "deny") || rule.topic.empty() ||
        (action != "all" && action != "publish" && action != "subscribe"))
        throw Poco::DataFormatException("a rule of \"acl\" has another permission than allow or "
                                        "deny, another action than publish, subscribe or all, or "
                                        "no topic");
    if (rule.topic.starts_with("eq "))
    {
        rule.exact = true;
        rule.topic.erase(0, 3);
    }
    if (const auto list = object.getArray("qos"))
        for (const auto& qos : *list) rule.qos.push_back(qos.convert<int>());
    else if (object.has("qos")) rule.qos.push_back(object.getValue<int>("qos"));
    if (object.has("retain") && object.get("retain").isBoolean())
        rule.retain = object.getValue<bool>("retain");
    return rule;
}

bool Rights::isAbout(const Rule& rule, const sdk::ClientAuthorize& question)
{
    const bool publishes =
        question.access == sdk::Access::Publish || question.access == sdk::Access::Will;
    if (!(publishes ? rule.publish : rule.subscribe)) return false;
    if (!rule.qos.empty() &&
        std::find(rule.qos.begin(), rule.qos.end(), question.qos) == rule.qos.end())
        return false;
    if (publishes && rule.retain && *rule.retain != (question.retain != 0)) return false;
    const auto pattern = filledIn(rule.topic, *question.client);
    if (!pattern) return !rule.allow;
    const auto topic = withoutShare(question.topic.view());
    if (rule.exact) return *pattern == topic;
    return rule.allow ? covers(*pattern, topic) : overlaps(*pattern, topic);
}

std::optional<bool> Rights::decide(const sdk::ClientAuthorize& question) const
{
    for (const Rule& rule : _rules)
        if (isAbout(rule, question)) return rule.allow;
    return {};
}

} // namespace auth_http
