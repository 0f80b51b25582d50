#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

namespace nanomq
{

/// 64-bit hash of topics and levels: multiply and fold, 16 bytes at a time.
///
/// Clients choose what is hashed, so each object starts from secrets of its own: which topics
/// collide cannot be known beforehand. Copies give the same values. Thread: [any].
class TopicHash
{
public:
    TopicHash() : TopicHash(std::random_device{}) {}

    std::uint64_t operator()(std::string_view text) const noexcept
    {
        const char* at = text.data();
        std::size_t left = text.size();
        std::uint64_t hash = _seed;
        for (; left > 16; at += 16, left -= 16)
            hash = fold(load<std::uint64_t>(at) ^ _key, load<std::uint64_t>(at + 8) ^ hash);
        std::uint64_t a = 0;
        std::uint64_t b = 0;
        if (left >= 8)
        {
            a = load<std::uint64_t>(at);
            b = load<std::uint64_t>(at + left - 8);
        }
        else if (left >= 4)
        {
            a = load<std::uint32_t>(at);
            b = load<std::uint32_t>(at + left - 4);
        }
        else if (left > 0)
        {
            a = static_cast<std::uint64_t>(static_cast<unsigned char>(at[0])) << 16 |
                static_cast<std::uint64_t>(static_cast<unsigned char>(at[left / 2])) << 8 |
                static_cast<unsigned char>(at[left - 1]);
        }
        return fold(fold(a ^ _key, b ^ hash), text.size() ^ kOdd);
    }

    /// A hash and a number together.
    std::uint64_t operator()(std::uint64_t hash, std::uint32_t number) const noexcept
    {
        return fold(hash ^ _key, number ^ _seed);
    }

private:
    static constexpr std::uint64_t kOdd = 0x9E37'79B9'7F4A'7C15;

    explicit TopicHash(std::random_device&& random)
        : _seed(std::uint64_t{random()} << 32 | random()),
          _key(std::uint64_t{random()} << 32 | random())
    {
    }

    template <class T> static T load(const char* at) noexcept
    {
        T value;
        std::memcpy(&value, at, sizeof value);
        return value;
    }

    static std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept
    {
#ifdef __SIZEOF_INT128__
        const auto product = static_cast<unsigned __int128>(a) * b;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
        const std::uint64_t low = (a & 0xFFFF'FFFF) * (b & 0xFFFF'FFFF);
        const std::uint64_t high = (a >> 32) * (b >> 32);
        const std::uint64_t cross = (a >> 32) * (b & 0xFFFF'FFFF) ^ (a & 0xFFFF'FFFF) * (b >> 32);
        return low ^ high ^ (cross << 32 | cross >> 32);
#endif
    }

    std::uint64_t _seed;
    std::uint64_t _key;
};

} // namespace nanomq
