#include "Verbs.h"

#include "JsonObject.h"
#include "Status.h"
#include "TestRequest.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/NumberParser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace webhook
{

namespace sdk = nanomq::sdk;
using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

namespace
{

constexpr std::size_t kUsualLetters = 100;
constexpr std::size_t kMostLetters = 1'000;

/// A verb that was called wrongly.
struct BadArguments : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

std::string textOf(const Object::Ptr& object)
{
    std::ostringstream text;
    object->stringify(text);
    return text.str();
}

} // namespace

/// --key=value, as nanomqctl sends it.
class Verbs::Arguments
{
public:
    Arguments(const std::string& json, std::initializer_list<const char*> known)
        : _object(Poco::JSON::Parser().parse(json).extract<Object::Ptr>())
    {
        for (const std::string& name : _object->getNames())
            if (std::find(known.begin(), known.end(), name) == known.end())
                throw BadArguments("unknown argument '--" + name + "'");
    }

    bool flag(const char* name) const
    {
        return _object->has(name) && _object->get(name).convert<std::string>() != "false";
    }
    std::optional<std::uint64_t> number(const char* name) const
    {
        if (!_object->has(name)) return {};
        Poco::UInt64 value = 0;
        const auto text = _object->get(name).convert<std::string>();
        if (!Poco::NumberParser::tryParseUnsigned64(text, value))
            throw BadArguments(std::string("expected a number behind '--") + name + "='");
        return value;
    }
    /// Those that the verb is about; at least one.
    std::vector<Delivery*> endpoints(const Deliveries& all) const
    {
        std::vector<Delivery*> chosen;
        const std::string wanted =
            _object->has("endpoint") ? _object->get("endpoint").convert<std::string>() : "";
        for (const auto& one : all)
            if (wanted.empty() || one->settings().name == wanted) chosen.push_back(one.get());
        if (!chosen.empty()) return chosen;
        std::string names;
        for (const auto& one : all) names += (names.empty() ? "" : ", ") + one->settings().name;
        throw BadArguments(wanted.empty() ? "there is no endpoint: web.hook.url is not set"
                                          : "there is no endpoint '" + wanted + "'; there are: " +
                                                names);
    }
    /// For verbs that change something: one letter of one endpoint, or all.
    std::optional<std::uint64_t> letter(const std::vector<Delivery*>& endpoints) const
    {
        const auto one = number("number");
        if (one && endpoints.size() > 1)
            throw BadArguments("there are several endpoints; expected '--endpoint=NAME' as well");
        if (one.has_value() == flag("all"))
            throw BadArguments("expected '--number=N', as 'dead list' shows it, or '--all'");
        return one;
    }

private:
    Object::Ptr _object;
};

namespace
{

template <std::string (Verbs::*Verb)(const std::string&) const>
void call(void* self, sdk::Str arguments, sdk::Control::Reply* reply)
{
    try
    {
        reply->json((static_cast<const Verbs*>(self)->*Verb)(std::string(arguments.view())));
    }
    catch (const BadArguments& wrong)
    {
        reply->error("bad_argument", std::string(wrong.what()));
    }
    catch (const std::exception& failure) // the border
    {
        reply->error("failed", std::string(failure.what()));
    }
}

Object::Ptr letterOf(const Spool::DeadRecord& record, const std::string& endpoint, bool withBody)
{
    Object::Ptr letter = makeObject();
    letter->set("endpoint", endpoint);
    letter->set("number", record.number);
    letter->set("event", std::string(actionName(record.event.kind)));
    letter->set("reason", std::string(dropReasonName(record.reason)));
    letter->set("error", record.error);
    letter->set("attempts", record.event.attempts);
    letter->set("died_ms", record.diedMs);
    letter->set("event_id", record.event.id.text());
    if (withBody) letter->set("body", record.event.body);
    else letter->set("bytes", record.event.bytes());
    return letter;
}

} // namespace

void Verbs::registerAt(sdk::Control& control)
{
    control.command("status", "where events are, and how the endpoints are doing",
                    &call<&Verbs::status>, this);
    control.command("test", "makes a request to the endpoint: [--endpoint=NAME]",
                    &call<&Verbs::test>, this);
    control.command("dead list",
                    "events that were given up: [--endpoint=NAME] [--after=N] [--limit=N] [--body]",
                    &call<&Verbs::deadList>, this);
    control.command("dead replay", "sends them again: --number=N or --all [--endpoint=NAME]",
                    &call<&Verbs::deadReplay>, this);
    control.command("dead drop", "forgets them: --number=N or --all [--endpoint=NAME]",
                    &call<&Verbs::deadDrop>, this);
}

std::string Verbs::status(const std::string& json) const
{
    const Arguments arguments(json, {"endpoint"});
    Array::Ptr all = new Array;
    if (!_deliveries.empty())
        for (const Delivery* one : arguments.endpoints(_deliveries)) all->add(statusOf(*one));
    Object::Ptr result = makeObject();
    result->set("endpoints", all);
    return textOf(result);
}

std::string Verbs::test(const std::string& json) const
{
    const Arguments arguments(json, {"endpoint"});
    const auto chosen = arguments.endpoints(_deliveries);
    if (chosen.size() > 1)
        throw BadArguments("there are several endpoints; expected '--endpoint=NAME'");
    return textOf(testEndpoint(*chosen.front()));
}

std::string Verbs::deadList(const std::string& json) const
{
    const Arguments arguments(json, {"endpoint", "after", "limit", "body"});
    std::size_t left = std::min(arguments.number("limit").value_or(kUsualLetters), kMostLetters);
    Array::Ptr letters = new Array;
    for (Delivery* one : arguments.endpoints(_deliveries))
    {
        if (!one->keeper()) continue;
        auto found = one->keeper()->list({}, arguments.number("after").value_or(0), left);
        if (!found.error.empty()) throw std::runtime_error(found.error);
        for (const auto& record : found.records)
            letters->add(letterOf(record, one->settings().name, arguments.flag("body")));
        left -= found.records.size();
    }
    Object::Ptr result = makeObject();
    result->set("dead", letters);
    return textOf(result);
}

std::string Verbs::deadReplay(const std::string& json) const
{
    const Arguments arguments(json, {"endpoint", "number", "all"});
    const auto chosen = arguments.endpoints(_deliveries);
    const auto letter = arguments.letter(chosen);
    Object::Ptr result = makeObject();
    std::uint64_t replayed = 0;
    std::uint64_t left = 0;
    std::string note;
    for (Delivery* one : chosen)
    {
        if (!one->keeper()) continue;
        const Keeper::Outcome outcome = one->keeper()->replay(letter);
        replayed += outcome.done;
        left += outcome.left;
        if (!outcome.error.empty()) note = one->settings().name + ": " + outcome.error;
    }
    if (letter && replayed == 0 && note.empty())
        throw BadArguments("there is no dead letter " + std::to_string(*letter));
    result->set("replayed", replayed);
    result->set("left", left);
    if (!note.empty()) result->set("note", note);
    return textOf(result);
}

std::string Verbs::deadDrop(const std::string& json) const
{
    const Arguments arguments(json, {"endpoint", "number", "all"});
    const auto chosen = arguments.endpoints(_deliveries);
    const auto letter = arguments.letter(chosen);
    std::uint64_t dropped = 0;
    for (Delivery* one : chosen)
    {
        if (!one->keeper()) continue;
        const Keeper::Outcome outcome = one->keeper()->drop(letter);
        if (!outcome.error.empty()) throw std::runtime_error(outcome.error);
        dropped += outcome.done;
    }
    if (letter && dropped == 0)
        throw BadArguments("there is no dead letter " + std::to_string(*letter));
    Object::Ptr result = makeObject();
    result->set("dropped", dropped);
    return textOf(result);
}

} // namespace webhook
