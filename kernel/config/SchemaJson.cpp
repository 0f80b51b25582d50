#include "config/Schema.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace nanomq
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Object;

constexpr std::array<std::pair<std::string_view, ConfigType>, 9> kTypes = {{
    {"text", ConfigType::Text},
    {"bool", ConfigType::Boolean},
    {"integer", ConfigType::Integer},
    {"number", ConfigType::Number},
    {"duration", ConfigType::Duration},
    {"size", ConfigType::Size},
    {"choice", ConfigType::Choice},
    {"list", ConfigType::List},
    {"json", ConfigType::Json},
}};

/// Reads the description of one key, and says of which key and field when it is wrong.
class KeyReader
{
public:
    KeyReader(const std::string& schema, std::string key, const Object& fields)
        : _schema(schema),
          _key(std::move(key)),
          _fields(fields)
    {
    }

    SchemaKey read()
    {
        SchemaKey key;
        key.key = _key;
        key.type = type();
        key.defaultText = text("default");
        key.description = text("description");
        key.unit = text("unit");
        key.minimum = bound("min", key, key.minimum);
        key.maximum = bound("max", key, key.maximum);
        key.choices = choices();
        key.unlimited = flag("unlimited");
        key.secret = flag("secret");
        if (const std::string note = text("unused"); !note.empty())
        {
            key.use = KeyUse::Unused;
            key.note = note;
        }
        check(key);
        return key;
    }

private:
    [[noreturn]] void fail(const std::string& message) const
    {
        throw Poco::DataFormatException("schema of " + _schema + ": key '" + _key +
                                        "': " + message);
    }

    void check(const SchemaKey& key) const
    {
        static const std::set<std::string> known = {"type",   "default", "description", "unit",
                                                    "min",    "max",     "choices",     "unlimited",
                                                    "secret", "unused"};
        for (const std::string& field : _fields.getNames())
            if (!known.contains(field)) fail("unknown field '" + field + '\'');
        if (key.type == ConfigType::Choice && key.choices.empty()) fail("a choice needs 'choices'");
        if (key.minimum > key.maximum) fail("'min' is above 'max'");
        if (key.defaultText.empty()) return;
        if (const auto refused = key.refuse(key.defaultText)) fail("'default': " + *refused);
    }

    ConfigType type() const
    {
        const std::string name = text("type");
        for (const auto& [known, type] : kTypes)
            if (name == known) return type;
        fail("'type' is '" + name +
             "'; expected text, bool, integer, number, duration, size, choice, list or json");
    }

    std::string text(const std::string& field) const
    {
        const Var value = _fields.get(field);
        if (value.isEmpty()) return {};
        if (!value.isString()) fail('\'' + field + "' is not a string");
        return value.convert<std::string>();
    }

    bool flag(const std::string& field) const
    {
        const Var value = _fields.get(field);
        if (value.isEmpty()) return false;
        if (!value.isBoolean()) fail('\'' + field + "' is neither true nor false");
        return value.convert<bool>();
    }

    /// A bound is a number, or a text in the form of the key's values: "10s", "4MB".
    std::int64_t bound(const std::string& field, const SchemaKey& key, std::int64_t absent) const
    {
        const Var value = _fields.get(field);
        if (value.isEmpty()) return absent;
        if (value.isInteger() && !value.isBoolean()) return value.convert<Poco::Int64>();
        if (!value.isString()) fail('\'' + field + "' is neither a whole number nor a string");
        const std::string shown = value.convert<std::string>();
        if (key.type == ConfigType::Duration)
        {
            using std::chrono::milliseconds;
            if (const auto parsed = parseDuration(shown, key.unit, {}, milliseconds::max()))
                return (*parsed).count();
        }
        else if (key.type == ConfigType::Size)
        {
            if (const auto parsed = parseSize(shown, key.unit, 0, INT64_MAX))
                return static_cast<std::int64_t>(*parsed);
        }
        fail('\'' + field + "' is '" + shown + "', which is no value of this key");
    }

    std::vector<std::string> choices() const
    {
        const Var value = _fields.get("choices");
        if (value.isEmpty()) return {};
        if (value.type() != typeid(Poco::JSON::Array::Ptr)) fail("'choices' is not an array");
        std::vector<std::string> all;
        for (const Var& choice : *value.extract<Poco::JSON::Array::Ptr>())
        {
            if (!choice.isString()) fail("'choices' holds something that is not a string");
            all.push_back(choice.convert<std::string>());
        }
        return all;
    }

    const std::string& _schema;
    const std::string _key;
    const Object& _fields;
};

Object::Ptr parseObject(const std::string& name, const std::string& json)
{
    if (json.size() > Schema::kMaximumJsonBytes)
        throw Poco::DataFormatException("schema of " + name + " is longer than 1MB");
    try
    {
        // With the order of keys kept: it is the order in which people see them.
        Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true));
        const Var value = parser.parse(json);
        if (value.type() == typeid(Object::Ptr)) return value.extract<Object::Ptr>();
    }
    catch (const Poco::JSON::JSONException& notJson)
    {
        throw Poco::DataFormatException("schema of " + name + ": " + notJson.message());
    }
    throw Poco::DataFormatException("schema of " + name + " is not a JSON object");
}

} // namespace

Schema Schema::fromJson(const std::string& name, const std::string& json)
{
    const Object::Ptr root = parseObject(name, json);
    const auto fail = [&name](const std::string& message) {
        throw Poco::DataFormatException("schema of " + name + ": " + message);
    };
    for (const std::string& field : root->getNames())
        if (field != "switch" && field != "keys") fail("unknown field '" + field + '\'');
    const Object::Ptr described = root->getObject("keys");
    if (described.isNull()) fail("there is no object 'keys'");

    std::vector<SchemaKey> keys;
    for (const std::string& key : described->getNames())
    {
        const Object::Ptr fields = described->getObject(key);
        if (fields.isNull()) fail("key '" + key + "' is not described by an object");
        keys.push_back(KeyReader(name, key, *fields).read());
    }

    const Var declared = root->get("switch");
    if (!declared.isEmpty() && !declared.isString()) fail("'switch' is not a string");
    const std::string toggle =
        declared.isEmpty() ? name + ".enable" : declared.convert<std::string>();
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const SchemaKey& key) { return key.key == toggle; });
    if (found != keys.end())
    {
        if (found->type != ConfigType::Boolean) fail("the switch '" + toggle + "' is no bool");
        if (found->defaultText.empty()) fail("the switch '" + toggle + "' has no default");
    }
    else
    {
        if (!declared.isEmpty()) fail("the switch '" + toggle + "' is not among the keys");
        keys.insert(keys.begin(), openFor(name).keys().front());
    }
    for (auto& key : commonKeys(name)) keys.push_back(std::move(key));
    Schema schema(std::move(keys));
    schema._switchKey = toggle;
    return schema;
}

} // namespace nanomq
