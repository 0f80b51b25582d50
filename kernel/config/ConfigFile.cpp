#include "config/ConfigFile.h"

#include "config/ConfigValue.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace nanomq
{

namespace
{

bool isControl(char c) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

bool isKeyCharacter(char c) noexcept
{
    return c > ' ' && c < 0x7F;
}

} // namespace

std::string ConfigError::text() const
{
    std::string all = where;
    if (!all.empty()) all += ": ";
    if (!key.empty()) all += key + ": ";
    return all + message;
}

ConfigFile ConfigFile::parse(std::string name, std::string_view text, ConfigReport& report)
{
    ConfigFile file(std::move(name));
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);

    unsigned number = 0;
    while (!text.empty())
    {
        if (++number > kMaximumLines)
        {
            report.errors.push_back(
                {file._name, {}, "more than " + std::to_string(kMaximumLines) + " lines"});
            break;
        }
        const std::size_t end = std::min(text.find('\n'), text.size());
        file.parseLine(trimmed(text.substr(0, end)), number, report);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return file;
}

void ConfigFile::parseLine(std::string_view line, unsigned number, ConfigReport& report)
{
    if (line.empty() || line.front() == '#') return;

    const auto refuse = [&](std::string key, std::string message) {
        report.errors.push_back({where(number), std::move(key), std::move(message)});
    };
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return refuse({}, "expected 'key = value', found no '='");

    const std::string_view key = trimmed(line.substr(0, equals));
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (key.empty()) return refuse({}, "expected a key before the '='");
    if (!std::all_of(key.begin(), key.end(), isKeyCharacter))
        return refuse({}, "expected a key without blanks and special characters before the '='");
    if (std::any_of(value.begin(), value.end(), isControl))
        return refuse(std::string(key), "the value has a control character in it");

    const auto [entry, isNew] = _index.try_emplace(std::string(key), _entries.size());
    if (!isNew)
    {
        const std::string first = std::to_string(_entries[entry->second].line);
        return refuse(std::string(key),
                      "stands here for the second time; the first is line " + first);
    }
    _entries.push_back({std::string(key), std::string(value), number});
}

ConfigFile ConfigFile::read(const std::string& path, ConfigReport& report)
{
    const auto refuse = [&](std::string message) {
        report.errors.push_back({path, {}, std::move(message)});
        return ConfigFile(path);
    };
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return refuse(std::string("cannot be opened: ") + std::strerror(errno));

    std::string text(kMaximumBytes + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad() || (stream.fail() && !stream.eof())) return refuse("cannot be read");
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > kMaximumBytes)
        return refuse("is larger than " + sizeText(kMaximumBytes) + ", which no configuration is");
    return parse(path, text, report);
}

const ConfigEntry* ConfigFile::find(std::string_view key) const
{
    const auto found = _index.find(key);
    return found == _index.end() ? nullptr : &_entries[found->second];
}

std::string ConfigFile::where(unsigned line) const
{
    return _name + ':' + std::to_string(line);
}

} // namespace nanomq
