#pragma once

#include "config/ConfigFile.h"
#include "config/Overrides.h"
#include "config/Schema.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

/// The values in force for one file: file < environment < command line, checked against a schema.
///
/// A value: copies, compares, and does not change. What the schema refused is not in it, so that
/// further checks can go on with the defaults. Thread: [any].
class Configuration
{
public:
    struct Item
    {
        std::string key;
        std::string value;
        std::string where; // "conf.d/nanomq.conf:12", "environment NANOMQ_URL", "command line"
        bool operator==(const Item&) const = default;
    };
    using Visitor = std::function<void(const Item&)>;

    /// Joins the layers. Reports unknown keys (with the nearest known one) and values that the
    /// schema refuses as errors, and known keys that have no effect as notes.
    static Configuration load(const ConfigFile& file, const Schema& schema,
                              const Overrides& overrides, ConfigReport& report);

    /// Nothing when the key is set nowhere; defaults are the schema's. Valid as long as this.
    std::optional<std::string_view> text(std::string_view key) const;
    /// Where a key was set; the file's name when it was not.
    std::string where(std::string_view key) const;
    /// Every key that begins with `prefix`: those of the file in its order, then the others.
    void keys(std::string_view prefix, const Visitor& visitor) const;

    const std::string& fileName() const noexcept { return _fileName; }
    const std::vector<Item>& items() const noexcept { return _items; }
    bool operator==(const Configuration&) const = default;

private:
    explicit Configuration(std::string fileName) : _fileName(std::move(fileName)) {}
    const Item* find(std::string_view key) const;
    void set(Item item);

    std::string _fileName;
    std::vector<Item> _items;
    std::map<std::string, std::size_t, std::less<>> _index; // into _items
};

/// Typed values of a Configuration, with the schema's defaults.
///
/// Requires: both outlive this; the configuration was loaded with the schema; the schema has the
/// key, of the type that is asked for, and the key has a default.
class Settings
{
public:
    Settings(const Configuration& configuration, const Schema& schema)
        : _configuration(configuration),
          _schema(schema)
    {
    }

    bool isSet(std::string_view key) const { return _configuration.text(key).has_value(); }
    bool boolean(std::string_view key) const;
    std::int64_t integer(std::string_view key) const;
    double number(std::string_view key) const;
    std::chrono::milliseconds duration(std::string_view key) const; // kUnlimitedDuration
    std::uint64_t size(std::string_view key) const;                 // bytes
    std::string text(std::string_view key) const; // may be empty; choices as the schema writes them
    std::vector<std::string> list(std::string_view key) const;

private:
    const SchemaKey& describe(std::string_view key) const;
    std::string_view value(std::string_view key) const;

    const Configuration& _configuration;
    const Schema& _schema;
};

/// Whether a plugin's switch is on. Requires: the schema has one (a plugin's always has).
bool isSwitchedOn(const Configuration& configuration, const Schema& schema);

} // namespace nanomq
