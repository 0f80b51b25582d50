#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

// Short texts, eight bytes at a time: Topic Names are looked at on every message.

namespace nanomq::words
{

inline constexpr std::uint64_t kOnes = 0x0101010101010101;
inline constexpr std::uint64_t kHighBits = 0x8080808080808080;

template <class Word> Word load(const char* at) noexcept
{
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

/// Whether `test` holds for one of the words that cover `text`. Words may overlap, a text of
/// one to seven bytes is filled up with bytes of its own, and the order of the bytes in a word
/// is not promised; so `test` asks whether the word holds some byte. False for an empty text.
template <class Test> bool any(std::string_view text, Test test) noexcept
{
    const char* const at = text.data();
    const std::size_t size = text.size();
    if (size >= 8)
    {
        for (std::size_t i = 0; i + 8 < size; i += 8)
            if (test(load<std::uint64_t>(at + i))) return true;
        return test(load<std::uint64_t>(at + size - 8));
    }
    if (size >= 4)
    {
        const std::uint64_t high = load<std::uint32_t>(at + size - 4);
        return test(load<std::uint32_t>(at) | high << 32);
    }
    if (size == 0) return false;
    const auto byte = [at](std::size_t i) {
        return std::uint64_t{static_cast<std::uint8_t>(at[i])};
    };
    return test(byte(0) * kOnes << 24 | byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16);
}

/// Whether some byte of the word is 0.
constexpr bool hasZero(std::uint64_t word) noexcept
{
    return ((word - kOnes) & ~word & kHighBits) != 0;
}
/// Whether some byte of the word is 0, or 0x80 and above.
constexpr bool hasZeroOrHigh(std::uint64_t word) noexcept
{
    return ((word | (word - kOnes)) & kHighBits) != 0;
}

} // namespace nanomq::words

namespace nanomq
{

/// Whether the text holds '+' or '#', which a Topic Name must not [MQTT-3.3.2-2].
inline bool hasWildcard(std::string_view text) noexcept
{
    // The two differ in the bit 0x08 only.
    return words::any(text, [](std::uint64_t word) {
        return words::hasZero((word | 0x08 * words::kOnes) ^ '+' * words::kOnes);
    });
}

} // namespace nanomq
