#include "config/Schema.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <numeric>

namespace nanomq
{

namespace
{

using std::chrono::milliseconds;

std::string_view takeLevel(std::string_view& rest) noexcept
{
    const std::size_t end = std::min(rest.find('.'), rest.size());
    const std::string_view level = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return level;
}

std::optional<std::string> checkList(const SchemaKey& key, std::string_view text)
{
    const auto items = parseList(text);
    if (!items) return items.error().message;
    if (key.choices.empty()) return {};
    for (const std::string_view item : *items)
        if (const auto choice = parseChoice(item, key.choices); !choice)
            return choice.error().message + " as items of the list";
    return {};
}

std::optional<std::string> checkJson(std::string_view text)
{
    if (!text.starts_with('{') && !text.starts_with('[')) return "expected a JSON object or array";
    try
    {
        Poco::JSON::Parser().parse(std::string(text));
        return {};
    }
    catch (const Poco::Exception& notJson)
    {
        return "expected a JSON object or array (" + notJson.message() + ')';
    }
}

template <class T> std::optional<std::string> failureOf(const ConfigValue<T>& value)
{
    if (value) return {};
    return value.error().message;
}

/// What was expected; nothing when the text fits.
std::optional<std::string> expectation(const SchemaKey& key, std::string_view text)
{
    const auto minimum = static_cast<std::uint64_t>(key.minimum);
    const auto maximum = static_cast<std::uint64_t>(key.maximum);
    switch (key.type)
    {
    case ConfigType::Text: return {};
    case ConfigType::Boolean: return failureOf(parseBoolean(text));
    case ConfigType::Integer: return failureOf(parseInteger(text, key.minimum, key.maximum));
    case ConfigType::Number:
        return failureOf(
            parseNumber(text, static_cast<double>(key.minimum), static_cast<double>(key.maximum)));
    case ConfigType::Duration:
    {
        if (key.unlimited && text == "unlimited") return {};
        auto failure = failureOf(
            parseDuration(text, key.unit, milliseconds(key.minimum), milliseconds(key.maximum)));
        if (failure && key.unlimited) *failure += ", or 'unlimited'";
        return failure;
    }
    case ConfigType::Size: return failureOf(parseSize(text, key.unit, minimum, maximum));
    case ConfigType::Choice: return failureOf(parseChoice(text, key.choices));
    case ConfigType::List: return checkList(key, text);
    case ConfigType::Json: return checkJson(text);
    }
    return {};
}

/// Edits that turn one text into the other, or `limit` when it takes that many or more.
std::size_t editDistance(std::string_view from, std::string_view to, std::size_t limit)
{
    const std::size_t longer = std::max(from.size(), to.size());
    if (longer - std::min(from.size(), to.size()) >= limit) return limit;
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= from.size(); ++i)
    {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j)
        {
            const std::size_t replaced = diagonal + (from[i - 1] != to[j - 1]);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return std::min(row.back(), limit);
}

} // namespace

bool SchemaKey::matches(std::string_view name) const noexcept
{
    std::string_view pattern = key;
    while (!pattern.empty())
    {
        if (name.empty() || name.front() == '.') return false;
        const std::string_view wanted = takeLevel(pattern);
        if (wanted == "*" && pattern.empty()) return true;
        const std::string_view level = takeLevel(name);
        if (wanted != "*" && wanted != level) return false;
    }
    return name.empty();
}

std::optional<std::string> SchemaKey::refuse(std::string_view text) const
{
    auto failure = expectation(*this, text);
    if (!failure) return {};
    constexpr std::size_t kShown = 80; // of a value, in a message
    if (text.empty()) return *failure + ", found nothing";
    if (secret) return *failure + ", found something else";
    if (text.size() > kShown) return *failure + ", found '" + std::string(text, 0, kShown) + "...'";
    return *failure + ", found '" + std::string(text) + '\'';
}

Schema::Schema(std::vector<SchemaKey> keys) : _keys(std::move(keys))
{
    for (std::size_t i = 0; i < _keys.size(); ++i)
        if (_keys[i].isPattern()) _patterns.push_back(i);
        else _exact.emplace(_keys[i].key, i);
    std::stable_sort(_patterns.begin(), _patterns.end(), [this](std::size_t a, std::size_t b) {
        return _keys[a].key.size() > _keys[b].key.size();
    });
}

std::vector<SchemaKey> Schema::commonKeys(const std::string& name)
{
    const auto key = [&name](const char* end, ConfigType type, const char* value,
                             const char* description) {
        SchemaKey made;
        made.key = name + end;
        made.type = type;
        made.defaultText = value;
        made.description = description;
        return made;
    };
    auto sandbox = key(".sandbox", ConfigType::Boolean, "false",
                       "Whether the plugin runs in a process of its own.");
    auto memory = key(".sandbox.memory", ConfigType::Size, "256MB",
                      "Memory that this process may have.");
    memory.minimum = std::int64_t{16} << 20;
    auto network = key(".sandbox.network", ConfigType::Boolean, "true",
                       "Whether it may open connections to other machines.");
    auto deadline = key(".sandbox.deadline", ConfigType::Duration, "20s",
                        "How long one of its hooks may take to answer, its own deferrals included.");
    deadline.minimum = 10;
    deadline.maximum = 60'000;
    return {std::move(sandbox), std::move(memory), std::move(network), std::move(deadline)};
}

Schema Schema::openFor(const std::string& name)
{
    SchemaKey toggle;
    toggle.key = name + ".enable";
    toggle.type = ConfigType::Boolean;
    toggle.defaultText = "true";
    toggle.description = "Whether the plugin is loaded.";
    std::vector<SchemaKey> keys = commonKeys(name);
    keys.insert(keys.begin(), std::move(toggle));
    SchemaKey own;
    own.key = name + ".*";
    SchemaKey any;
    any.key = "*";
    any.use = KeyUse::FileOnly;
    keys.push_back(std::move(own));
    keys.push_back(std::move(any));
    Schema schema(std::move(keys));
    schema._switchKey = name + ".enable";
    return schema;
}

const SchemaKey* Schema::find(std::string_view key) const
{
    if (const auto exact = _exact.find(key); exact != _exact.end()) return &_keys[exact->second];
    for (const std::size_t pattern : _patterns)
        if (_keys[pattern].matches(key)) return &_keys[pattern];
    return nullptr;
}

std::string_view Schema::nearest(std::string_view key) const
{
    constexpr std::size_t kLongest = 128; // longer than any key
    if (key.size() > kLongest) return {};
    std::size_t best = std::max<std::size_t>(3, key.size() / 3);
    std::string_view found;
    for (const SchemaKey& known : _keys)
    {
        const std::size_t distance = editDistance(key, known.key, best);
        if (distance >= best) continue;
        best = distance;
        found = known.key;
    }
    return found;
}

} // namespace nanomq
