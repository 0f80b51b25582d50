#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http
{

using Header = std::pair<std::string, std::string>;
using Headers = std::vector<Header>; ///< in the order they came

/// A header of the configuration. `content_type`, which NanoMQ's own samples write, is
/// Content-Type. Throws Poco::InvalidArgumentException, whose message() says what is wrong, for
/// what is not a name or a value of a header, and for those that belong to the connection
/// (Content-Length, Transfer-Encoding, Connection, Expect).
Header configuredHeader(std::string_view name, std::string_view value);

/// The value of the first header of that name, in any case; empty if there is none.
std::string_view find(const Headers& headers, std::string_view name) noexcept;

} // namespace http
