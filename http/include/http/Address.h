#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace http
{

/// Where requests go, taken apart from a URL.
struct Address
{
    bool secure = false; ///< https
    std::string host;    ///< a name or an address; IPv6 without brackets
    std::uint16_t port = 80;
    std::string target = "/"; ///< path and query
    /// Scheme, host, port and path, for logs and status; a query may hold a token and is left out.
    std::string shown;

    /// @param url  `http[s]://host[:port][/path][?query]`; a fragment is dropped.
    /// Throws Poco::InvalidArgumentException, whose message() says what was found and expected; a
    /// user or password in the URL is refused, and not repeated.
    static Address parse(std::string_view url);
};

} // namespace http
