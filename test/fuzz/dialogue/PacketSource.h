#pragma once

#include "wire/Packets.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace nanomq::test
{

using Octets = std::vector<std::uint8_t>;

/// Packets for one conversation: those of the unit tests' tables, sound and malformed ones, others
/// that meet each other (few Client Identifiers, topics and Packet Identifiers), and all of them
/// mutated. The same seed gives the same packets.
class PacketSource
{
public:
    PacketSource(std::uint64_t seed, ProtocolVersion version) : _random(seed), _version(version) {}

    ProtocolVersion version() const noexcept { return _version; }
    /// A CONNECT that the broker accepts.
    Octets connect();
    /// Anything.
    Octets any();
    /// 0 to `bound` - 1.
    std::size_t below(std::size_t bound);

private:
    Octets fromTable();
    Octets malformed();
    Octets meeting();
    Octets noise();
    void mutate(Octets& bytes);
    std::string topic(bool isFilter);
    std::uint16_t identifier();

    std::mt19937_64 _random;
    const ProtocolVersion _version;
};

} // namespace nanomq::test
