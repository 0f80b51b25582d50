#include "Acl.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace auth_file
{

namespace sdk = nanomq::sdk;

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

[[noreturn]] void bad(const std::string& what)
{
    throw Poco::DataFormatException(what);
}

/// IPv4 is put into IPv6, mapped, so that both are one kind.
bool readAddress(std::string_view text, std::uint8_t (&out)[16], bool& isV4) noexcept
{
    char terminated[INET6_ADDRSTRLEN];
    if (text.size() >= sizeof terminated) return false;
    std::memcpy(terminated, text.data(), text.size());
    terminated[text.size()] = '\0';
    static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    std::memcpy(out, kMapped, sizeof kMapped);
    isV4 = ::inet_pton(AF_INET, terminated, out + sizeof kMapped) == 1;
    return isV4 || ::inet_pton(AF_INET6, terminated, out) == 1;
}

bool samePrefix(const std::uint8_t (&a)[16], const std::uint8_t (&b)[16], unsigned bits) noexcept
{
    if (std::memcmp(a, b, bits / 8) != 0) return false;
    const unsigned rest = bits % 8;
    return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

std::string textOf(const Var& value, const std::string& field)
{
    if (!value.isString() || value.extract<std::string>().empty())
        bad("\"" + field + "\" is no text, or an empty one");
    return value.extract<std::string>();
}

Who addressOf(const std::string& text)
{
    Who who;
    who.kind = Who::Kind::Address;
    who.text = text;
    const auto slash = text.find('/');
    bool isV4 = false;
    if (!readAddress(std::string_view(text).substr(0, slash), who.address, isV4))
        bad("found the address \"" + text + "\", expected one such as 192.0.2.7 or 10.0.0.0/8");
    if (slash == std::string::npos) return who;
    const char* const end = text.data() + text.size();
    unsigned bits = 0;
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc() || stop != end || bits > (isV4 ? 32u : 128u))
        bad("found the address \"" + text + "\", expected a prefix such as 10.0.0.0/8");
    who.prefix = isV4 ? 96 + bits : bits;
    return who;
}

/// One field that says who; nothing for other fields.
bool isAboutWho(const std::string& field)
{
    return field == "username" || field == "clientid" || field == "ipaddr" || field == "and" ||
           field == "or";
}

Who allOf(const Object& object, bool alsoOthers);

Who oneOf(const std::string& field, const Var& value)
{
    Who who;
    if (field == "and" || field == "or")
    {
        who.kind = field == "and" ? Who::Kind::All : Who::Kind::Any;
        if (value.type() != typeid(Array::Ptr) || value.extract<Array::Ptr>()->size() == 0)
            bad("\"" + field + "\" is no list of objects, or an empty one");
        for (const Var& part : *value.extract<Array::Ptr>())
        {
            if (part.type() != typeid(Object::Ptr)) bad("\"" + field + "\" is no list of objects");
            who.parts.push_back(allOf(*part.extract<Object::Ptr>(), false));
        }
        return who;
    }
    const std::string text = textOf(value, field);
    if (text == "#") return who;
    if (field == "ipaddr") return addressOf(text);
    who.kind = field == "username" ? Who::Kind::UserName : Who::Kind::ClientId;
    who.text = text;
    return who;
}

Who allOf(const Object& object, bool alsoOthers)
{
    Who who;
    who.kind = Who::Kind::All;
    for (const auto& [field, value] : object)
    {
        if (isAboutWho(field)) who.parts.push_back(oneOf(field, value));
        else if (!alsoOthers) bad("\"" + field + "\" means nothing in \"and\" and \"or\"");
    }
    if (!alsoOthers && who.parts.empty()) bad("an object without a field in \"and\" or \"or\"");
    return who;
}

std::vector<TopicPattern> topicsOf(const Var& value)
{
    if (value.type() != typeid(Array::Ptr) || value.extract<Array::Ptr>()->size() == 0)
        bad("\"topics\" is no list of texts, or an empty one");
    std::vector<TopicPattern> topics;
    for (const Var& topic : *value.extract<Array::Ptr>())
    {
        // NanoMQ has had both: "@a/b" and {"eq": "a/b"}.
        if (topic.type() == typeid(Object::Ptr))
        {
            const auto& object = *topic.extract<Object::Ptr>();
            if (object.size() != 1 || !object.has("eq")) bad("\"topics\" has an object without \"eq\"");
            topics.emplace_back("@" + textOf(object.get("eq"), "eq"));
        }
        else topics.emplace_back(textOf(topic, "topics"));
    }
    return topics;
}

Rule ruleOf(const std::string& json)
{
    Object::Ptr object;
    try
    {
        const Var parsed = Poco::JSON::Parser().parse(json);
        if (parsed.type() == typeid(Object::Ptr)) object = parsed.extract<Object::Ptr>();
    }
    catch (const Poco::Exception&) // told below; the parser's words are about itself
    {
    }
    if (object.isNull()) bad("is no JSON object, expected one such as {\"permit\": \"allow\"}");

    Rule rule;
    for (const auto& [field, value] : *object)
    {
        if (field == "permit")
        {
            const std::string permit = textOf(value, field);
            if (permit != "allow" && permit != "deny")
                bad("found \"permit\": \"" + permit + "\", expected allow or deny");
            rule.allow = permit == "allow";
        }
        else if (field == "action")
        {
            const std::string action = textOf(value, field);
            rule.publish = action == "publish" || action == "pubsub";
            rule.subscribe = action == "subscribe" || action == "pubsub";
            if (!rule.publish && !rule.subscribe)
                bad("found \"action\": \"" + action + "\", expected publish, subscribe or pubsub");
        }
        else if (field == "topics") rule.topics = topicsOf(value);
        else if (!isAboutWho(field))
            bad("\"" + field + "\" means nothing in a rule; there are permit, action, topics, "
                               "username, clientid, ipaddr, and, or");
    }
    if (!object->has("permit")) bad("has no \"permit\", expected \"allow\" or \"deny\"");
    rule.who = allOf(*object, true);
    for (const Who& part : rule.who.parts)
        if (part.kind == Who::Kind::UserName) rule.user = part.text;
    return rule;
}

/// "$share/GROUP/a/b" is about "a/b".
std::string_view withoutShare(std::string_view filter) noexcept
{
    constexpr std::string_view kShare = "$share/";
    if (!filter.starts_with(kShare)) return filter;
    const auto slash = filter.find('/', kShare.size());
    return slash == std::string_view::npos ? filter : filter.substr(slash + 1);
}

} // namespace

bool Who::is(const sdk::ClientInfo& client) const noexcept
{
    switch (kind)
    {
    case Kind::Anybody: return true;
    case Kind::UserName: return client.hasUserName && client.userName.view() == text;
    case Kind::ClientId: return client.clientId.view() == text;
    case Kind::Address:
    {
        std::uint8_t theirs[16];
        bool isV4 = false;
        return readAddress(client.peerAddress.view(), theirs, isV4) &&
               samePrefix(address, theirs, prefix);
    }
    case Kind::All:
        return std::all_of(parts.begin(), parts.end(),
                           [&](const Who& part) { return part.is(client); });
    case Kind::Any:
        return std::any_of(parts.begin(), parts.end(),
                           [&](const Who& part) { return part.is(client); });
    }
    return false;
}

void Acl::Levels::add(const Rule& rule, std::uint32_t number)
{
    const bool byLevel = !rule.topics.empty() &&
                         std::none_of(rule.topics.begin(), rule.topics.end(),
                                      [](const auto& topic) { return topic.firstLevel().empty(); });
    if (!byLevel) return any.push_back(number);
    for (const auto& topic : rule.topics)
    {
        Numbers& numbers = byFirst[std::string(topic.firstLevel())];
        if (numbers.empty() || numbers.back() != number) numbers.push_back(number);
    }
}

void Acl::Indexed::add(const Rule& rule, std::uint32_t number)
{
    all.push_back(number);
    (rule.user.empty() ? anyUser : byUser[rule.user]).add(rule, number);
}

/// The rules that may be about a client and topic, in order: up to four lists, walked as one.
class Acl::Candidates
{
public:
    Candidates(const Indexed& rules, const sdk::ClientInfo& client, std::string_view topic) noexcept
    {
        const auto first = topic.substr(0, topic.find('/'));
        if (first == "+" || first == "#") // a filter: meets any first level
        {
            add(rules.all);
            return;
        }
        addLevels(rules.anyUser, first);
        if (!client.hasUserName) return;
        const auto own = rules.byUser.find(client.userName.view());
        if (own != rules.byUser.end()) addLevels(own->second, first);
    }
    /// False at the end.
    bool next(std::uint32_t& number) noexcept
    {
        Span* lowest = nullptr;
        for (std::size_t i = 0; i < _count; ++i)
            if (_lists[i].at != _lists[i].end && (!lowest || *_lists[i].at < *lowest->at))
                lowest = &_lists[i];
        if (!lowest) return false;
        number = *lowest->at++;
        return true;
    }

private:
    struct Span
    {
        const std::uint32_t *at, *end;
    };

    void addLevels(const Levels& levels, std::string_view first) noexcept
    {
        add(levels.any);
        const auto found = levels.byFirst.find(first);
        if (found != levels.byFirst.end()) add(found->second);
    }
    void add(const Numbers& numbers) noexcept
    {
        _lists[_count++] = {numbers.data(), numbers.data() + numbers.size()};
    }

    Span _lists[4];
    std::size_t _count = 0;
};

Acl::Acl(const std::map<std::uint32_t, Source>& rules)
{
    std::string errors;
    _rules.reserve(rules.size());
    for (const auto& [number, source] : rules)
    {
        try
        {
            Rule rule = ruleOf(source.json);
            rule.name = "acl.rule." + std::to_string(number);
            rule.where = source.where;
            _rules.push_back(std::move(rule));
        }
        catch (const Poco::DataFormatException& wrong)
        {
            errors += (errors.empty() ? "" : "\n") + source.where + ": " + wrong.message();
        }
    }
    if (!errors.empty()) throw Poco::DataFormatException(errors);
    for (std::uint32_t i = 0; i < _rules.size(); ++i)
    {
        if (_rules[i].publish) _publish.add(_rules[i], i);
        if (_rules[i].subscribe) _subscribe.add(_rules[i], i);
    }
}

bool Acl::isAbout(const Rule& rule, const sdk::ClientInfo& client,
                  std::string_view topic) const noexcept
{
    const auto topicFits = [&](const TopicPattern& pattern) {
        return rule.allow ? pattern.covers(topic, client) : pattern.overlaps(topic, client);
    };
    return (rule.topics.empty() || std::any_of(rule.topics.begin(), rule.topics.end(), topicFits)) &&
           rule.who.is(client);
}

Acl::Decision Acl::decide(const sdk::ClientInfo& client, sdk::Access access,
                          std::string_view topic) const noexcept
{
    const bool publish = access == sdk::Access::Publish || access == sdk::Access::Will;
    const Indexed& rules = publish ? _publish : _subscribe;
    if (!publish) topic = withoutShare(topic);

    Candidates candidates(rules, client, topic);
    for (std::uint32_t number = 0; candidates.next(number);)
        if (const Rule& rule = _rules[number]; isAbout(rule, client, topic))
            return {rule.allow ? Permit::Allow : Permit::Deny, &rule};
    return {};
}

} // namespace auth_file
