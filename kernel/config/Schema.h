#pragma once

#include "config/ConfigValue.h"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

enum class ConfigType : std::uint8_t
{
    Text,
    Boolean,
    Integer,
    Number,
    Duration,
    Size,
    Choice,
    List, // of texts, or of choices if there are any
    Json, // one JSON object or array
};

/// What becomes of a key.
enum class KeyUse : std::uint8_t
{
    Used,
    FileOnly,  // used, but never taken from environment and command line
    Unused,    // known from NanoMQ: accepted, with a note unless the value is the default
    Elsewhere, // stands in another file now: the same; never taken from environment and command
               // line
    Refused,   // ignoring it would open the broker: an error unless the value is the default
};

/// One key, or a pattern of keys.
struct SchemaKey
{
    /// '*' as a level stands for one level, and as the last one for all the rest:
    /// "listener.*.url", "web.hook.headers.*".
    std::string key;
    ConfigType type = ConfigType::Text;
    std::string defaultText; // in the form of the file; empty: none
    std::string description; // one line
    /// Range: as is for Integer and Number, milliseconds of a Duration, bytes of a Size.
    std::int64_t minimum = 0;
    std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
    /// What a Duration or Size without a unit counts ("s", "KB"); NanoMQ has keys of that kind.
    std::string unit;
    std::vector<std::string> choices;
    bool unlimited = false; // a Duration may be the word "unlimited"
    bool secret = false;    // the value is never shown
    KeyUse use = KeyUse::Used;
    std::string note; // why a key is not Used, as a sentence

    bool isPattern() const noexcept { return key.find('*') != std::string::npos; }
    /// Whether this is the key's description.
    bool matches(std::string_view name) const noexcept;
    /// Nothing when the text is a value of the key; else what was expected and found.
    std::optional<std::string> refuse(std::string_view text) const;
};

/// The keys that a file may hold.
///
/// The kernel's is made by kernelSchema(); a plugin's comes as JSON with the plugin's file, see
/// README.md beside this header and readSchemaSection(). Immutable once built. Thread: [any].
class Schema
{
public:
    static constexpr std::size_t kMaximumJsonBytes = std::size_t{1} << 20;

    explicit Schema(std::vector<SchemaKey> keys);

    /// The schema of plugin `name`. A file for which no switch is declared gets `name`.enable,
    /// true when absent. Throws Poco::DataFormatException with what is wrong, and where.
    static Schema fromJson(const std::string& name, const std::string& json);
    /// For a plugin that brings no schema: the switch, `name`.enable; every key that begins with
    /// "name."; and whatever else its file holds, for the plugin itself to check.
    static Schema openFor(const std::string& name);

    /// The description of a key, exact ones before patterns, longer patterns before shorter
    /// ones; or none. Valid as long as the schema.
    const SchemaKey* find(std::string_view key) const;
    const std::vector<SchemaKey>& keys() const noexcept { return _keys; }
    /// The Boolean that switches the plugin on; empty for the kernel.
    const std::string& switchKey() const noexcept { return _switchKey; }
    /// The known key that looks most like this one; empty when none comes close. Linear in the
    /// number of keys: for error messages.
    std::string_view nearest(std::string_view key) const;

    /// What every plugin's file may hold beside its own keys: `name`.sandbox and below.
    static std::vector<SchemaKey> commonKeys(const std::string& name);

private:
    std::vector<SchemaKey> _keys;
    std::map<std::string, std::size_t, std::less<>> _exact; // into _keys
    std::vector<std::size_t> _patterns;                     // into _keys, longest first
    std::string _switchKey;
};

} // namespace nanomq
