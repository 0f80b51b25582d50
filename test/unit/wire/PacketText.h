#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace nanomq::test
{

/// Packets as a person writes them: `"82 (0001 () <a/b> 00 | <c> 01)"`.
///
/// Pairs of hexadecimal digits are bytes, `'text'` its own bytes, `<text>` a UTF-8 Encoded
/// String with its length, `(…)` a Variable Byte Integer of the length of what it encloses and
/// then that. `|` marks a place where the packet might just as well end. Blanks mean nothing.
struct PacketText
{
    std::vector<std::uint8_t> bytes;
    std::vector<std::size_t> marks; // offsets into bytes

    /// Throws std::invalid_argument, which names the text.
    static PacketText parse(std::string_view text);
};

/// The bytes alone.
inline std::vector<std::uint8_t> bytesOf(std::string_view text)
{
    return PacketText::parse(text).bytes;
}

} // namespace nanomq::test
