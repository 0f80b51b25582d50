#pragma once

#include "nanomq/services.h"

#include <list>
#include <string>
#include <string_view>
#include <utility>

namespace nanomq::sdk::testing
{

/// A plugin's configuration from text, one `key = value` a line, `#` for comments.
class FakeConfig final : public Config
{
public:
    /// @param file  the name that where() gives.
    explicit FakeConfig(std::string_view text, std::string file = "test.conf")
        : _file(std::move(file))
    {
        for (unsigned line = 1; !text.empty(); ++line)
        {
            const auto end = text.find('\n');
            add(text.substr(0, end), line);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
    }

    bool text(Str key, Str* value) override
    {
        const Entry* found = find(key);
        if (found) *value = found->value;
        return found != nullptr;
    }
    Str where(Str key) override
    {
        const Entry* found = find(key);
        return found ? found->where : _file;
    }
    void keys(Str prefix, Visitor* visitor) override
    {
        for (const Entry& entry : _entries)
            if (entry.key.starts_with(prefix.view()))
                visitor->key(entry.key, entry.value, entry.where);
    }

private:
    struct Entry
    {
        std::string key, value, where;
    };

    static std::string trimmed(std::string_view text)
    {
        const auto first = text.find_first_not_of(" \t\r");
        if (first == std::string_view::npos) return {};
        return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
    }
    void add(std::string_view line, unsigned number)
    {
        const std::string text = trimmed(line);
        const auto equals = text.find('=');
        if (text.empty() || text[0] == '#' || equals == std::string::npos) return;
        _entries.push_back({trimmed(std::string_view(text).substr(0, equals)),
                            trimmed(std::string_view(text).substr(equals + 1)),
                            _file + ":" + std::to_string(number)});
    }
    const Entry* find(Str key) const
    {
        for (const Entry& entry : _entries)
            if (entry.key == key.view()) return &entry;
        return nullptr;
    }

    const std::string _file;
    std::list<Entry> _entries; // addresses stay
};

} // namespace nanomq::sdk::testing
