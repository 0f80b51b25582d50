#include "http/Headers.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <strings.h>

namespace http
{

namespace
{

bool isToken(std::string_view name)
{
    const auto fits = [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                   std::string_view::npos;
    };
    return !name.empty() && std::all_of(name.begin(), name.end(), fits);
}

bool isSame(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace

Header configuredHeader(std::string_view name, std::string_view value)
{
    using Poco::InvalidArgumentException;
    if (!isToken(name))
        throw InvalidArgumentException(
            "the part after \"headers.\" is not the name of an HTTP header");
    for (const char* ours : {"Content-Length", "Transfer-Encoding", "Connection", "Expect"})
        if (isSame(name, ours))
            throw InvalidArgumentException(
                "this header is the plugin's own affair; remove the key");
    const auto isControl = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; };
    if (std::any_of(value.begin(), value.end(), isControl))
        throw InvalidArgumentException("the value has a control character in it");
    return {std::string(isSame(name, "content_type") ? "Content-Type" : name), std::string(value)};
}

std::string_view find(const Headers& headers, std::string_view name) noexcept
{
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [name](const Header& h) { return isSame(h.first, name); });
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

} // namespace http
