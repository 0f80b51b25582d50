#include "wire/Utf8.h"

namespace nanomq
{

namespace
{

/// Bytes of the well-formed multi-byte sequence at the start of `text`, 0 if there is none.
std::size_t sequenceSize(std::string_view text) noexcept
{
    const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
    // The range of the second byte is what rules out overlong forms (E0, F0), surrogates (ED)
    // and numbers beyond U+10FFFF (F4).
    const auto secondWithin = [&](std::uint8_t low, std::uint8_t high) {
        return byte(1) >= low && byte(1) <= high;
    };

    const std::uint8_t lead = byte(0);
    if (lead < 0xC2 || lead > 0xF4) return 0;
    if (lead < 0xE0) return text.size() >= 2 && continues(1) ? 2 : 0;
    if (lead < 0xF0)
    {
        if (text.size() < 3 || !continues(2)) return 0;
        return secondWithin(lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF) ? 3 : 0;
    }
    if (text.size() < 4 || !continues(2) || !continues(3)) return 0;
    return secondWithin(lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF) ? 4 : 0;
}

} // namespace

bool isUtf8ByCharacter(std::string_view text) noexcept
{
    while (!text.empty())
    {
        if (text.size() >= 8 && !words::hasZeroOrHigh(words::load<std::uint64_t>(text.data())))
        {
            text.remove_prefix(8);
            continue;
        }
        const auto lead = static_cast<std::uint8_t>(text.front());
        if (lead == 0) return false;
        const std::size_t size = lead < 0x80 ? 1 : sequenceSize(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

} // namespace nanomq
