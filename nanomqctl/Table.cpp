#include "Table.h"

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Stringifier.h>
#include <Poco/Timestamp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <sstream>
#include <vector>

namespace nanomq::ctl
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

bool isObject(const Var& value)
{
    return value.type() == typeid(Object::Ptr);
}

bool isArray(const Var& value)
{
    return value.type() == typeid(Array::Ptr);
}

/// Whether the array is a table: not empty, and each item an object.
bool isTable(const Var& value)
{
    if (!isArray(value)) return false;
    const Array& items = *value.extract<Array::Ptr>();
    return items.size() > 0 && std::all_of(items.begin(), items.end(), isObject);
}

std::string json(const Var& value)
{
    std::ostringstream out;
    Poco::JSON::Stringifier::stringify(value, out);
    return out.str();
}

std::string withUnit(double number, const char* unit)
{
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.1f %s", number, unit);
    return text.data();
}

std::string bytesText(double bytes)
{
    if (bytes < 1024) return std::to_string(static_cast<std::int64_t>(bytes)) + " B";
    if (bytes < 1024.0 * 1024) return withUnit(bytes / 1024, "KB");
    if (bytes < 1024.0 * 1024 * 1024) return withUnit(bytes / (1024.0 * 1024), "MB");
    return withUnit(bytes / (1024.0 * 1024 * 1024), "GB");
}

/// The two largest units: "3d 4h".
std::string spanText(std::int64_t seconds)
{
    struct Unit
    {
        std::int64_t seconds;
        char letter;
    };
    static constexpr std::array units = {Unit{86'400, 'd'}, Unit{3'600, 'h'}, Unit{60, 'm'},
                                         Unit{1, 's'}};
    std::string text;
    int shown = 0;
    for (const Unit& unit : units)
    {
        const std::int64_t count = seconds / unit.seconds;
        if ((count == 0 && shown == 0 && unit.seconds > 1) || shown == 2) continue;
        text += (shown == 0 ? "" : " ") + std::to_string(count) + unit.letter;
        seconds -= count * unit.seconds;
        ++shown;
    }
    return text;
}

std::string timeText(std::int64_t unixMs)
{
    return Poco::DateTimeFormatter::format(Poco::Timestamp(unixMs * 1000), "%Y-%m-%d %H:%M:%S") +
           'Z';
}

/// The name of a key without its unit, which the cell then has.
std::string heading(const std::string& key, Look look)
{
    if (look != Look::Terminal) return harmless(key);
    std::string text = harmless(key);
    for (const std::string_view unit : {"_ms", "_bytes", "_s"})
        if (text.size() > unit.size() && text.ends_with(unit))
        {
            text.resize(text.size() - unit.size());
            break;
        }
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
}

/// How it is printed.
struct Style
{
    Look look;
    Colour colour;
};

/// Null: as other text.
const char* paintOf(const std::string& key, std::string_view word)
{
    static constexpr const char* kRed = "\033[31m";
    static constexpr const char* kGreen = "\033[32m";
    static constexpr const char* kYellow = "\033[33m";
    struct State
    {
        std::string_view word;
        const char* paint;
    };
    static constexpr std::array states = {
        State{"active", kGreen},   State{"up", kGreen},      State{"failed", kRed},
        State{"failing", kRed},    State{"stuck", kRed},     State{"down", kRed},
        State{"left alone", kRed}, State{"error", kRed},     State{"draining", kYellow},
        State{"trying", kYellow},  State{"holding", kYellow}, State{"stopping", kYellow},
        State{"warning", kYellow}};
    if (key != "state" && key != "status" && key != "severity") return nullptr;
    const auto isMeant = [word](const State& state) { return state.word == word; };
    const auto* const found = std::find_if(states.begin(), states.end(), isMeant);
    return found == states.end() ? nullptr : found->paint;
}

/// The cell as it is sent to the terminal; its width is that of the text without colour.
std::string painted(const std::string& key, const std::string& cell, Style style)
{
    const char* const paint = style.colour == Colour::Yes && style.look == Look::Terminal
                                  ? paintOf(key, cell)
                                  : nullptr;
    return paint ? paint + cell + "\033[0m" : cell;
}

struct Column
{
    std::string key;
    std::vector<std::string> cells; // the heading first
    std::size_t width = 0;
    bool isNumeric = true;
};

std::vector<Column> columnsOf(const Array& rows, Look look)
{
    std::vector<Column> columns;
    std::map<std::string, std::size_t> index;
    for (const Var& row : rows)
        for (const std::string& key : row.extract<Object::Ptr>()->getNames())
            if (index.try_emplace(key, columns.size()).second)
                columns.push_back({key, {heading(key, look)}, 0, true});
    for (Column& column : columns)
    {
        column.isNumeric = !column.key.ends_with("_at_ms"); // shown as a date
        for (const Var& row : rows)
        {
            const Var value = row.extract<Object::Ptr>()->get(column.key);
            column.isNumeric &= value.isEmpty() || (value.isNumeric() && !value.isBoolean());
            column.cells.push_back(cellText(column.key, value, look));
        }
        for (const std::string& cell : column.cells)
            column.width = std::max(column.width, displayWidth(cell));
    }
    return columns;
}

void printTable(const Array& rows, Style style, std::ostream& out)
{
    const std::vector<Column> columns = columnsOf(rows, style.look);
    for (std::size_t row = 0; row <= rows.size(); ++row)
    {
        std::string line;
        for (const Column& column : columns)
        {
            const bool isLast = &column == &columns.back();
            const std::string& text = column.cells[row];
            const std::string padding(column.width - displayWidth(text), ' ');
            const std::string cell = row == 0 ? text : painted(column.key, text, style);
            if (style.look == Look::Plain) line += cell + (isLast ? "" : "\t");
            else if (column.isNumeric) line += padding + cell + (isLast ? "" : "  ");
            else line += cell + (isLast ? "" : padding + "  ");
        }
        out << line << '\n';
    }
}

void printObject(const Object& object, Style style, std::ostream& out)
{
    const Look look = style.look;
    std::size_t width = 0;
    for (const auto& [key, value] : object)
        if (!isTable(value)) width = std::max(width, displayWidth(heading(key, look)));
    for (const std::string& key : object.getNames())
    {
        const Var value = object.get(key);
        if (isTable(value)) continue;
        const std::string name = heading(key, look);
        out << name;
        if (look == Look::Plain) out << '\t';
        else out << std::string(width - displayWidth(name) + 2, ' ');
        out << painted(key, cellText(key, value, look), style) << '\n';
    }
    for (const std::string& key : object.getNames())
    {
        const Var value = object.get(key);
        if (!isTable(value)) continue;
        if (object.size() > 1) out << '\n' << heading(key, look) << ":\n";
        printTable(*value.extract<Array::Ptr>(), style, out);
    }
}

void printArray(const Array& items, Look look, std::ostream& out)
{
    for (const Var& item : items) out << cellText({}, item, look) << '\n';
    if (items.size() == 0 && look == Look::Terminal) out << "none\n";
}

} // namespace

std::string harmless(std::string_view text)
{
    std::string shown;
    shown.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
        const bool isC1 = byte == 0xC2 && next >= 0x80 && next < 0xA0;
        if (byte >= 0x20 && byte != 0x7F && !isC1)
        {
            shown += text[i];
            continue;
        }
        std::array<char, 8> escaped{};
        std::snprintf(escaped.data(), escaped.size(), "\\x%02x", isC1 ? next : byte);
        shown += escaped.data();
        i += isC1 ? 1 : 0;
    }
    return shown;
}

std::size_t displayWidth(std::string_view text) noexcept
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

std::string cellText(const std::string& key, const Var& value, Look look)
{
    if (value.isEmpty()) return "-";
    if (isArray(value))
    {
        const Array& items = *value.extract<Array::Ptr>();
        std::string joined;
        for (const Var& item : items)
            joined += (joined.empty() ? "" : ", ") + cellText({}, item, look);
        return joined.empty() ? "-" : joined;
    }
    if (isObject(value)) return harmless(json(value));
    if (value.isString())
    {
        const std::string text = value.convert<std::string>();
        return text.empty() ? "-" : harmless(text);
    }
    if (look == Look::Terminal && value.isNumeric() && !value.isBoolean())
    {
        if (key.ends_with("_at_ms")) return timeText(value.convert<Poco::Int64>());
        if (key.ends_with("_bytes")) return bytesText(value.convert<double>());
        if (key.ends_with("_s")) return spanText(value.convert<Poco::Int64>());
        if (key.ends_with("_ms")) return value.convert<std::string>() + " ms";
    }
    return value.convert<std::string>();
}

Colour colourFor(Look look, const char* noColour, const char* terminalName) noexcept
{
    const bool isUnwanted = noColour != nullptr && *noColour != '\0';
    const bool isDumb = terminalName != nullptr && std::string_view(terminalName) == "dumb";
    return look == Look::Terminal && !isUnwanted && !isDumb ? Colour::Yes : Colour::No;
}

void print(const Var& value, Look look, std::ostream& out, Colour colour)
{
    const Style style{look, colour};
    if (look == Look::Json) out << json(value) << '\n';
    else if (isTable(value)) printTable(*value.extract<Array::Ptr>(), style, out);
    else if (isArray(value)) printArray(*value.extract<Array::Ptr>(), look, out);
    else if (isObject(value)) printObject(*value.extract<Object::Ptr>(), style, out);
    else out << cellText({}, value, look) << '\n';
}

} // namespace nanomq::ctl
