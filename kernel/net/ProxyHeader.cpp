#include "net/ProxyHeader.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>
#include <string>

namespace nanomq
{

namespace
{

using State = ProxyReading::State;

constexpr std::string_view kTextBegin = "PROXY ";
constexpr std::size_t kLongestLine = 107; // with CR LF
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kBinaryFixed = 16;

ProxyReading malformed(std::string_view problem)
{
    return {State::Malformed, {}, problem};
}

bool beginsLike(std::string_view text, std::string_view pattern) noexcept
{
    const std::size_t size = std::min(text.size(), pattern.size());
    return text.substr(0, size) == pattern.substr(0, size);
}

std::string addressText(int family, const void* address)
{
    std::array<char, INET6_ADDRSTRLEN> text;
    return ::inet_ntop(family, address, text.data(), text.size());
}

/// The address as the system writes it; nothing when it is none of that family.
std::optional<std::string> canonicalAddress(int family, std::string_view text)
{
    std::array<std::uint8_t, 16> address;
    if (::inet_pton(family, std::string(text).c_str(), address.data()) != 1) return {};
    return addressText(family, address.data());
}

std::optional<std::uint16_t> portOf(std::string_view text) noexcept
{
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool leadingZero = text.size() > 1 && text.front() == '0';
    if (error != std::errc() || end != text.data() + text.size() || leadingZero) return {};
    return port;
}

/// Cuts the next word off; words are separated by exactly one blank.
std::string_view takeWord(std::string_view& line) noexcept
{
    const std::size_t blank = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, blank);
    line.remove_prefix(std::min(blank + 1, line.size()));
    return word;
}

ProxyReading readText(std::string_view text)
{
    const std::size_t end = text.substr(0, kLongestLine).find('\n');
    if (end == std::string_view::npos)
        return text.size() < kLongestLine ? ProxyReading{} : malformed("the line is too long");
    if (text[end - 1] != '\r') return malformed("the line does not end with CR LF");

    ProxyReading reading{State::Complete, {end + 1, {}}, {}};
    std::string_view line = text.substr(0, end - 1);
    if (line.find('\0') != std::string_view::npos) return malformed("a NUL character");
    takeWord(line);
    const std::string_view protocol = takeWord(line);
    if (protocol == "UNKNOWN") return reading;
    if (protocol != "TCP4" && protocol != "TCP6") return malformed("neither TCP4, TCP6 nor UNKNOWN");
    const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
    const auto source = canonicalAddress(family, takeWord(line));
    const auto destination = canonicalAddress(family, takeWord(line));
    if (!source || !destination) return malformed("no address of that family");
    const auto sourcePort = portOf(takeWord(line));
    const auto destinationPort = portOf(line);
    if (!sourcePort || !destinationPort) return malformed("no port");
    reading.header.source = PeerAddress{*source, *sourcePort};
    return reading;
}

std::uint16_t bigEndian(const std::uint8_t* bytes) noexcept
{
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

ProxyReading readBinary(ByteView bytes)
{
    if (bytes.size() > 12)
    {
        if (bytes[12] >> 4 != 2) return malformed("a version other than 2");
        if ((bytes[12] & 15) > 1) return malformed("a command that does not exist");
    }
    if (bytes.size() < kBinaryFixed) return {};
    const std::size_t size = kBinaryFixed + bigEndian(&bytes[14]);
    if (size > ProxyHeader::kMaximumSize) return malformed("the header is too long");

    constexpr std::uint8_t kUnspecified = 0x00, kTcp4 = 0x11, kTcp6 = 0x21, kUnixStream = 0x31;
    constexpr std::size_t kSizeOf4 = 12, kSizeOf6 = 36, kSizeOfUnix = 216;
    const bool local = (bytes[12] & 15) == 0;
    const std::uint8_t family = bytes[13];
    std::size_t needed = 0;
    switch (family)
    {
    case kUnspecified: break;
    case kTcp4: needed = kSizeOf4; break;
    case kTcp6: needed = kSizeOf6; break;
    case kUnixStream: needed = kSizeOfUnix; break;
    default:
        if (!local) return malformed("not a stream over IPv4, IPv6 or a Unix socket");
    }
    if (!local && size < kBinaryFixed + needed) return malformed("shorter than its addresses");
    if (bytes.size() < size) return {};

    ProxyReading reading{State::Complete, {size, {}}, {}};
    if (local) return reading;
    const std::uint8_t* const addresses = bytes.data() + kBinaryFixed;
    if (family == kTcp4)
        reading.header.source =
            PeerAddress{addressText(AF_INET, addresses), bigEndian(addresses + 8)};
    else if (family == kTcp6)
        reading.header.source =
            PeerAddress{addressText(AF_INET6, addresses), bigEndian(addresses + 32)};
    return reading;
}

} // namespace

ProxyReading readProxyHeader(ByteView bytes)
{
    const std::string_view text = asText(bytes);
    if (beginsLike(text, kTextBegin))
        return text.size() < kTextBegin.size() ? ProxyReading{} : readText(text);
    if (beginsLike(text, kSignature))
        return text.size() < kSignature.size() ? ProxyReading{} : readBinary(bytes);
    return malformed("no PROXY header");
}

} // namespace nanomq
