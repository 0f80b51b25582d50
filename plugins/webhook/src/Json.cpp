#include "Json.h"

#include <Poco/JSONString.h>

#include <algorithm>
#include <cstdint>

namespace webhook
{

namespace
{

constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What may follow a lead byte: how many bytes, and the range of the first of them.
struct Lead
{
    std::size_t following;
    unsigned char low, high;
};

Lead leadOf(unsigned char byte) noexcept
{
    if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF};
    if (byte == 0xE0) return {2, 0xA0, 0xBF}; // no overlong forms
    if (byte == 0xED) return {2, 0x80, 0x9F}; // no surrogates
    if (byte >= 0xE1 && byte <= 0xEF) return {2, 0x80, 0xBF};
    if (byte == 0xF0) return {3, 0x90, 0xBF};
    if (byte >= 0xF1 && byte <= 0xF3) return {3, 0x80, 0xBF};
    if (byte == 0xF4) return {3, 0x80, 0x8F}; // nothing above U+10FFFF
    return {0, 0, 0};
}

/// Length of the sequence that begins here, and whether it is well-formed; an ill-formed one is
/// as long as what could have begun a character, at least one byte.
std::size_t sequence(std::string_view text, bool& good) noexcept
{
    const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    good = at(0) < 0x80;
    if (good) return 1;
    const Lead lead = leadOf(at(0));
    std::size_t length = 1;
    while (length <= lead.following && length < text.size())
    {
        const unsigned char low = length == 1 ? lead.low : 0x80;
        const unsigned char high = length == 1 ? lead.high : 0xBF;
        if (at(length) < low || at(length) > high) break;
        ++length;
    }
    good = lead.following > 0 && length == lead.following + 1;
    return length;
}

/// Calls `group` with each six-bit value; the last is filled up with zero bits.
template <class Group> void sixBitGroups(std::string_view bytes, Group group)
{
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : bytes)
    {
        bits = (bits << 8 | static_cast<unsigned char>(c)) & 0xFFFF;
        for (count += 8; count >= 6; count -= 6) group(bits >> (count - 6) & 0x3F);
    }
    if (count > 0) group(bits << (6 - count) & 0x3F);
}

void appendBase64(std::string& out, std::string_view payload)
{
    if (payload.empty())
    {
        out += "null";
        return;
    }
    out += '"';
    sixBitGroups(payload, [&out](std::uint32_t value) { out += kAlphabet[value]; });
    out.append((3 - payload.size() % 3) % 3, '=');
    out += '"';
}

void appendBase62(std::string& out, std::string_view payload)
{
    out += '"';
    sixBitGroups(payload, [&out](std::uint32_t value) {
        switch (const char letter = kAlphabet[value])
        {
        case 'i': out += "ia"; break;
        case '+': out += "ib"; break;
        case '/': out += "ic"; break;
        default: out += letter;
        }
    });
    out += '"';
}

} // namespace

std::string wellFormed(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    while (!text.empty())
    {
        bool good = false;
        const std::size_t length = sequence(text, good);
        result += good ? text.substr(0, length) : kReplacement;
        text.remove_prefix(length);
    }
    return result;
}

void appendString(std::string& out, std::string_view text)
{
    // Nearly all strings are plain ASCII. Poco writes them through a stream, letter by letter:
    // 4.9 us for a body of 270 bytes against 0.3 us this way (g++ 12 -O2, busy machine).
    const auto isPlain = [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; };
    if (std::all_of(text.begin(), text.end(), isPlain))
    {
        out += '"';
        out += text;
        out += '"';
        return;
    }
    out += Poco::toJSON(wellFormed(text), Poco::JSON_WRAP_STRINGS);
}

void appendPayload(std::string& out, std::string_view payload, PayloadEncoding encoding)
{
    switch (encoding)
    {
    case PayloadEncoding::Plain: appendString(out, payload); break;
    case PayloadEncoding::Base64: appendBase64(out, payload); break;
    case PayloadEncoding::Base62: appendBase62(out, payload); break;
    }
}

} // namespace webhook
