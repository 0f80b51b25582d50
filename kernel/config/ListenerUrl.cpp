#include "config/ListenerUrl.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <optional>
#include <utility>

namespace nanomq
{

namespace
{

using Transport = ListenerUrl::Transport;

struct Scheme
{
    std::string_view name;
    Transport transport;
    std::uint16_t port;
};
constexpr std::array kSchemes = {
    Scheme{"nmq-tcp", Transport::Tcp, 1883},      Scheme{"mqtt-tcp", Transport::Tcp, 1883},
    Scheme{"tls+nmq-tcp", Transport::Tls, 8883},  Scheme{"tls+mqtt-tcp", Transport::Tls, 8883},
    Scheme{"nmq-ws", Transport::WebSocket, 8083}, Scheme{"nmq-wss", Transport::WebSocketTls, 8084},
    Scheme{"unix", Transport::Unix, 0},
};

bool isHostCharacter(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

// inet_pton, since Poco::Net::IPAddress::tryParse() of Poco 1.11 refuses "::".
std::optional<in_addr> parseIPv4(const std::string& text) noexcept
{
    in_addr address{};
    if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return {};
    return address;
}

std::optional<in6_addr> parseIPv6(const std::string& text) noexcept
{
    in6_addr address{};
    if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return {};
    return address;
}

ConfigExpectation expected(std::string what)
{
    return {"expected " + std::move(what)};
}

} // namespace

ConfigValue<ListenerUrl> parseListenerUrl(std::string_view text)
{
    const std::size_t colon = text.find("://");
    std::string name(text.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const auto scheme = std::find_if(kSchemes.begin(), kSchemes.end(),
                                     [&](const Scheme& known) { return known.name == name; });
    if (colon == std::string_view::npos || scheme == kSchemes.end())
        return expected("a URL such as nmq-tcp://127.0.0.1:1883; schemes are nmq-tcp, mqtt-tcp, "
                        "tls+nmq-tcp, tls+mqtt-tcp, nmq-ws, nmq-wss and unix");

    ListenerUrl url{scheme->transport, std::move(name), {}, scheme->port, {}};
    std::string_view rest = text.substr(colon + 3);
    if (url.transport == Transport::Unix)
    {
        if (rest.empty()) return expected("a path behind unix://");
        url.path = rest;
        return url;
    }

    const std::size_t slash = std::min(rest.find('/'), rest.size());
    url.path = rest.substr(slash);
    rest = rest.substr(0, slash);
    const bool isWebSocket =
        url.transport == Transport::WebSocket || url.transport == Transport::WebSocketTls;
    if (!isWebSocket && !url.path.empty())
        return expected("nothing behind the port of " + url.scheme + "://");
    if (isWebSocket && url.path.empty()) url.path = "/mqtt";

    std::string_view port;
    if (rest.starts_with('['))
    {
        const std::size_t bracket = rest.find(']');
        if (bracket != std::string_view::npos) url.host = rest.substr(1, bracket - 1);
        if (!parseIPv6(url.host)) return expected("an IPv6 address between '[' and ']'");
        port = rest.substr(bracket + 1);
        if (!port.empty() && !port.starts_with(':'))
            return expected("':' and a port behind the ']'");
    }
    else
    {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        url.host = rest.substr(0, end);
        if (url.host.empty()) return expected("a host; 0.0.0.0 stands for all addresses");
        if (!std::all_of(url.host.begin(), url.host.end(), isHostCharacter))
            return expected("a host name or an address; IPv6 stands between '[' and ']'");
        port = rest.substr(end);
    }
    if (port.empty()) return url;
    const auto number = parseInteger(port.substr(1), 0, 65'535);
    if (!number) return expected("a port from 0 to 65535 (0: any free one)");
    url.port = static_cast<std::uint16_t>(*number);
    return url;
}

bool ListenerUrl::isLoopback() const
{
    if (transport == Transport::Unix || host == "localhost") return true;
    if (const auto address = parseIPv4(host)) return ntohl(address->s_addr) >> 24 == IN_LOOPBACKNET;
    const auto address = parseIPv6(host);
    return address && IN6_IS_ADDR_LOOPBACK(&*address);
}

std::string ListenerUrl::text() const
{
    if (transport == Transport::Unix) return scheme + "://" + path;
    const bool isIPv6 = host.find(':') != std::string::npos;
    return scheme + "://" + (isIPv6 ? '[' + host + ']' : host) + ':' + std::to_string(port) + path;
}

} // namespace nanomq
