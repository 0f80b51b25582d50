#pragma once

#include "config/ConfigError.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

/// One line `key = value` of a file.
struct ConfigEntry
{
    std::string key;
    std::string value; // may be empty
    unsigned line = 0; // from 1
};

/// A file in NanoMQ 0.8's flat form, as it stands; what the keys mean is the Schema's business.
///
/// The first '=' of a line splits it; blanks around key and value are dropped. A line whose first
/// non-blank is '#' is a comment; elsewhere '#' is an ordinary character. There are no quotes, no
/// escapes, no continuation and no expansion: whatever stands behind the '=' is the value, JSON,
/// ':' and further '=' included. A byte order mark and carriage returns at line ends are dropped.
///
/// Errors, each at its line: no '=', an empty key or one with blanks or control characters, a
/// key that came before, a control character in the value, more than kMaximumLines lines.
class ConfigFile
{
public:
    static constexpr std::size_t kMaximumBytes = std::size_t{4} << 20;
    static constexpr unsigned kMaximumLines = 65'536;

    /// A file without entries.
    explicit ConfigFile(std::string name) : _name(std::move(name)) {}

    /// @param name  what `where` shows: usually the path.
    static ConfigFile parse(std::string name, std::string_view text, ConfigReport& report);
    /// A file that cannot be read, or is larger than kMaximumBytes, is an error in the report
    /// and has no entries.
    static ConfigFile read(const std::string& path, ConfigReport& report);

    const std::string& name() const noexcept { return _name; }
    /// In the order of the file; each key once.
    const std::vector<ConfigEntry>& entries() const noexcept { return _entries; }
    /// The entry of a key, or none. Valid as long as the file.
    const ConfigEntry* find(std::string_view key) const;
    /// "name:line".
    std::string where(unsigned line) const;

private:
    void parseLine(std::string_view line, unsigned number, ConfigReport& report);

    std::string _name;
    std::vector<ConfigEntry> _entries;
    std::map<std::string, std::size_t, std::less<>> _index; // into _entries
};

} // namespace nanomq
