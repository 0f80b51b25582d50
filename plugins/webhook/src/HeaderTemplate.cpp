#include "HeaderTemplate.h"

#include "Values.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace webhook
{

namespace
{

void appendValue(std::string& out, std::string_view value)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    for (const char c : value)
    {
        const auto byte = static_cast<std::uint8_t>(c);
        if (byte >= 0x20 && byte < 0x7F && c != '%') out += c;
        else (out += '%') += {digits[byte >> 4], digits[byte & 15]};
    }
}

} // namespace

bool HeaderTemplate::hasPlaceholders(std::string_view value) noexcept
{
    return value.find("${") != std::string_view::npos;
}

HeaderTemplate::HeaderTemplate(std::string name, std::string_view value) : _name(std::move(name))
{
    static constexpr std::pair<std::string_view, Fact> known[] = {
        {"action", &HeaderFacts::action},
        {"clientid", &HeaderFacts::clientId},
        {"username", &HeaderFacts::userName},
        {"topic", &HeaderFacts::topic}};
    for (auto begin = value.find("${"); begin != std::string_view::npos; begin = value.find("${"))
    {
        const auto end = value.find('}', begin);
        const std::string_view fact =
            end == std::string_view::npos ? "" : value.substr(begin + 2, end - begin - 2);
        const auto* found = std::find_if(std::begin(known), std::end(known),
                                         [fact](const auto& one) { return one.first == fact; });
        if (found == std::end(known))
            bad(value.substr(begin, end == std::string_view::npos ? end : end - begin + 1),
                "one of ${clientid}, ${username}, ${topic} and ${action}");
        _parts.push_back({std::string(value.substr(0, begin)), found->second});
        value.remove_prefix(end + 1);
    }
    _parts.push_back({std::string(value), nullptr});
}

void HeaderTemplate::render(const HeaderFacts& facts, std::string& out) const
{
    const std::size_t before = out.size();
    out += _name + ": ";
    for (const Part& part : _parts)
    {
        out += part.text;
        if (!part.fact) continue;
        if (!(facts.*part.fact).data())
        {
            out.resize(before);
            return;
        }
        appendValue(out, facts.*part.fact);
    }
    out += "\r\n";
}

void appendRendered(std::string_view rendered, http::Headers& headers)
{
    for (auto end = rendered.find("\r\n"); end != std::string_view::npos;
         end = rendered.find("\r\n"))
    {
        const std::string_view line = rendered.substr(0, end);
        const auto colon = line.find(": ");
        headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
        rendered.remove_prefix(end + 2);
    }
}

} // namespace webhook
