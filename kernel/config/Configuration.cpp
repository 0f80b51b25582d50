#include "config/Configuration.h"

#include <cassert>
#include <utility>

namespace nanomq
{

namespace
{

/// Looks at settings one by one, from whatever layer, with the schema beside them.
class Checker
{
public:
    Checker(const Schema& schema, ConfigReport& report) : _schema(schema), _report(report) {}

    /// Whether the value may be used.
    bool accepts(const Configuration::Item& item)
    {
        const SchemaKey* const key = _schema.find(item.key);
        if (key == nullptr) return refuse(item, unknown(item.key));
        if (key->use != KeyUse::Used && key->use != KeyUse::FileOnly)
            return judgeUnused(*key, item);
        if (auto refused = key->refuse(item.value)) return refuse(item, std::move(*refused));
        return true;
    }

private:
    // Comparing names takes a while; a file full of errors is told about without suggestions.
    static constexpr unsigned kMaximumSuggestions = 100;

    bool refuse(const Configuration::Item& item, std::string message)
    {
        _report.errors.push_back({item.where, item.key, std::move(message)});
        return false;
    }

    bool judgeUnused(const SchemaKey& key, const Configuration::Item& item)
    {
        const bool isDefault = key.type == ConfigType::Boolean
                                   ? !key.refuse(item.value) &&
                                         *parseBoolean(item.value) == *parseBoolean(key.defaultText)
                                   : !key.defaultText.empty() && item.value == key.defaultText;
        if (isDefault) return false;
        if (key.use == KeyUse::Refused) return refuse(item, key.note);
        _report.notes.push_back({item.where, item.key, key.note});
        return false;
    }

    std::string unknown(const std::string& key)
    {
        std::string message = "unknown key";
        if (++_suggestions > kMaximumSuggestions) return message;
        if (const std::string_view near = _schema.nearest(key); !near.empty())
            message += "; did you mean '" + std::string(near) + "'?";
        return message;
    }

    const Schema& _schema;
    ConfigReport& _report;
    unsigned _suggestions = 0;
};

} // namespace

Configuration Configuration::load(const ConfigFile& file, const Schema& schema,
                                  const Overrides& overrides, ConfigReport& report)
{
    Configuration configuration(file.name());
    Checker checker(schema, report);
    for (const ConfigEntry& entry : file.entries())
    {
        Item item{entry.key, entry.value, file.where(entry.line)};
        if (checker.accepts(item)) configuration.set(std::move(item));
    }
    for (Setting& setting : overrides.of(schema))
    {
        Item item{std::move(setting.key), std::move(setting.value), std::move(setting.where)};
        if (checker.accepts(item)) configuration.set(std::move(item));
    }
    return configuration;
}

void Configuration::set(Item item)
{
    const auto [found, isNew] = _index.try_emplace(item.key, _items.size());
    if (isNew) _items.push_back(std::move(item));
    else _items[found->second] = std::move(item);
}

const Configuration::Item* Configuration::find(std::string_view key) const
{
    const auto found = _index.find(key);
    return found == _index.end() ? nullptr : &_items[found->second];
}

std::optional<std::string_view> Configuration::text(std::string_view key) const
{
    const Item* const item = find(key);
    return item != nullptr ? std::optional<std::string_view>(item->value) : std::nullopt;
}

std::string Configuration::where(std::string_view key) const
{
    const Item* const item = find(key);
    return item != nullptr ? item->where : _fileName;
}

void Configuration::keys(std::string_view prefix, const Visitor& visitor) const
{
    for (const Item& item : _items)
        if (item.key.starts_with(prefix)) visitor(item);
}

const SchemaKey& Settings::describe(std::string_view key) const
{
    const SchemaKey* const described = _schema.find(key);
    assert(described != nullptr);
    return *described;
}

std::string_view Settings::value(std::string_view key) const
{
    const auto set = _configuration.text(key);
    return set ? *set : std::string_view(describe(key).defaultText);
}

bool Settings::boolean(std::string_view key) const
{
    return *parseBoolean(value(key));
}

std::int64_t Settings::integer(std::string_view key) const
{
    const SchemaKey& described = describe(key);
    return *parseInteger(value(key), described.minimum, described.maximum);
}

double Settings::number(std::string_view key) const
{
    const SchemaKey& described = describe(key);
    return *parseNumber(value(key), static_cast<double>(described.minimum),
                        static_cast<double>(described.maximum));
}

std::chrono::milliseconds Settings::duration(std::string_view key) const
{
    const SchemaKey& described = describe(key);
    if (described.unlimited && value(key) == "unlimited") return kUnlimitedDuration;
    return *parseDuration(value(key), described.unit, std::chrono::milliseconds::min(),
                          std::chrono::milliseconds::max());
}

std::uint64_t Settings::size(std::string_view key) const
{
    return *parseSize(value(key), describe(key).unit, 0, INT64_MAX);
}

std::string Settings::text(std::string_view key) const
{
    const SchemaKey& described = describe(key);
    if (described.type == ConfigType::Choice)
        return std::string(*parseChoice(value(key), described.choices));
    return std::string(value(key));
}

std::vector<std::string> Settings::list(std::string_view key) const
{
    const SchemaKey& described = describe(key);
    const auto parsed = parseList(value(key));
    std::vector<std::string> items;
    for (std::string_view item : *parsed)
    {
        if (!described.choices.empty()) item = *parseChoice(item, described.choices);
        items.emplace_back(item);
    }
    return items;
}

bool isSwitchedOn(const Configuration& configuration, const Schema& schema)
{
    return Settings(configuration, schema).boolean(schema.switchKey());
}

} // namespace nanomq
