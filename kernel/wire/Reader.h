#pragma once

#include "base/Bytes.h"
#include "wire/ReasonCode.h"
#include "wire/Utf8.h"

#include <cstdint>
#include <string_view>

namespace nanomq
{

/// Takes fields from the front of a piece of a packet; the one place where the codec touches
/// memory by address.
///
/// Each call takes one field of §1.5, or takes nothing and gives MalformedPacket when the field
/// is cut off or not well formed. Views point into the bytes given. Thread: the owner's.
class Reader
{
public:
    explicit Reader(ByteView bytes) noexcept : _at(bytes.data()), _end(_at + bytes.size()) {}

    bool atEnd() const noexcept { return _at == _end; }
    std::size_t left() const noexcept { return static_cast<std::size_t>(_end - _at); }

    Decoded<std::uint8_t> byte() noexcept
    {
        if (left() < 1) return ReasonCode::MalformedPacket;
        return *_at++;
    }

    Decoded<std::uint16_t> twoByteInteger() noexcept
    {
        if (left() < 2) return ReasonCode::MalformedPacket;
        _at += 2;
        return twoBytesAt(_at - 2);
    }

    Decoded<std::uint32_t> fourByteInteger() noexcept
    {
        if (left() < 4) return ReasonCode::MalformedPacket;
        _at += 4;
        return std::uint32_t{twoBytesAt(_at - 4)} << 16 | twoBytesAt(_at - 2);
    }

    /// In the shortest form only [MQTT-1.5.5-1].
    Decoded<std::uint32_t> variableByteInteger() noexcept
    {
        std::uint32_t value = 0;
        for (unsigned size = 0; size < 4 && size < left(); ++size)
        {
            const std::uint8_t byte = _at[size];
            value |= std::uint32_t{byte & 0x7FU} << (7 * size);
            if (byte & 0x80) continue;
            if (byte == 0 && size > 0) break;
            _at += size + 1;
            return value;
        }
        return ReasonCode::MalformedPacket;
    }

    /// Exactly `size` bytes.
    Decoded<ByteView> bytes(std::size_t size) noexcept
    {
        if (left() < size) return ReasonCode::MalformedPacket;
        _at += size;
        return ByteView(_at - size, size);
    }

    /// Binary Data (§1.5.6).
    Decoded<ByteView> binary() noexcept
    {
        if (left() < 2) return ReasonCode::MalformedPacket;
        const std::size_t size = twoBytesAt(_at);
        if (left() < 2 + size) return ReasonCode::MalformedPacket;
        _at += 2 + size;
        return ByteView(_at - size, size);
    }

    /// A UTF-8 Encoded String (§1.5.4).
    Decoded<std::string_view> text() noexcept
    {
        const std::uint8_t* const before = _at;
        const auto bytes = binary();
        if (!bytes) return bytes.error();
        if (isUtf8(asText(*bytes))) return asText(*bytes);
        _at = before;
        return ReasonCode::MalformedPacket;
    }

    /// All that is left.
    ByteView rest() noexcept
    {
        const ByteView all(_at, left());
        _at = _end;
        return all;
    }

private:
    static std::uint16_t twoBytesAt(const std::uint8_t* at) noexcept
    {
        return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
    }

    const std::uint8_t* _at;
    const std::uint8_t* _end;
};

} // namespace nanomq
