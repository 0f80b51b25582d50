#pragma once

#include "wire/Packets.h"

#include <vector>

namespace nanomq
{

/// Builds the encoded form of properties, to stand in Properties::raw. Thread: the owner's.
///
/// Encoding a packet writes `properties.raw` as it is, behind its length; so a packet's
/// properties are made once, here, whoever sends them.
class PropertyWriter
{
public:
    PropertyWriter& add(PropertyId id, std::uint32_t number);
    PropertyWriter& add(PropertyId id, std::string_view text);
    PropertyWriter& add(PropertyId id, ByteView binary);
    PropertyWriter& add(const UserProperty& property);
    void clear() noexcept { _bytes.clear(); }

    /// Valid until the next change.
    ByteView raw() const noexcept { return _bytes; }

private:
    std::vector<std::uint8_t> _bytes;
};

// Each appends one whole packet to `out`, in the form of the version. For 3.x, properties and
// Reason Codes that it does not know are left out; CONNACK maps its code with
// connectReturnCode(), SUBACK sends every failure as 0x80, UNSUBACK has no codes. An
// Acknowledgement or DISCONNECT of 5.0 takes its short form where code and properties allow it.
// Requires: fields hold what the standard allows (text of at most 65,535 bytes, a Remaining
// Length of at most 268,435,455).

void encode(const Connect& packet, std::vector<std::uint8_t>& out);
void encode(const Connack& packet, ProtocolVersion version, std::vector<std::uint8_t>& out);
void encode(const Publish& packet, ProtocolVersion version, std::vector<std::uint8_t>& out);
void encode(const Acknowledgement& packet, ProtocolVersion version, std::vector<std::uint8_t>& out);
void encode(const Subscribe& packet, ProtocolVersion version, std::vector<std::uint8_t>& out);
void encode(const Suback& packet, ProtocolVersion version, std::vector<std::uint8_t>& out);
void encode(const Unsubscribe& packet, ProtocolVersion version, std::vector<std::uint8_t>& out);
void encode(const Unsuback& packet, ProtocolVersion version, std::vector<std::uint8_t>& out);
void encode(const Pingreq& packet, std::vector<std::uint8_t>& out);
void encode(const Pingresp& packet, std::vector<std::uint8_t>& out);
void encode(const Disconnect& packet, ProtocolVersion version, std::vector<std::uint8_t>& out);
void encode(const Auth& packet, ProtocolVersion version, std::vector<std::uint8_t>& out);

/// Any of them.
void encode(const Packet& packet, ProtocolVersion version, std::vector<std::uint8_t>& out);

/// Bytes that a Variable Byte Integer takes (§1.5.5): 1 to 4.
constexpr std::size_t variableByteSize(std::uint32_t value) noexcept
{
    return value < 128 ? 1 : value < 16'384 ? 2 : value < 2'097'152 ? 3 : 4;
}
/// Writes a Variable Byte Integer and returns the position behind it.
constexpr std::uint8_t* writeVariableByte(std::uint8_t* at, std::uint32_t value) noexcept
{
    for (; value >= 128; value >>= 7) *at++ = static_cast<std::uint8_t>(value | 0x80);
    *at++ = static_cast<std::uint8_t>(value);
    return at;
}

} // namespace nanomq
