#pragma once

#include "wire/Packets.h"

#include <array>
#include <cstdint>
#include <memory>

namespace nanomq
{

/// Packet Identifiers of QoS 2 messages that were received and not yet released (§4.3.3).
///
/// Holds any number of the 65,535, in 64 pages of 1,024 bits that exist while they are in use: a
/// client that repeats one identifier a million times costs nothing more.
/// Thread: [worker].
class PacketIdentifierSet
{
public:
    /// False when it was in the set already.
    bool insert(PacketIdentifier identifier);
    /// False when it was not in the set.
    bool erase(PacketIdentifier identifier) noexcept;
    bool contains(PacketIdentifier identifier) const noexcept;
    std::size_t size() const noexcept { return _size; }

private:
    static constexpr std::size_t kPages = 64;
    static constexpr std::size_t kBitsPerPage = 65'536 / kPages;

    struct Page
    {
        std::array<std::uint64_t, kBitsPerPage / 64> words{};
        std::uint32_t count = 0;
    };
    using Pages = std::array<std::unique_ptr<Page>, kPages>;

    std::unique_ptr<Pages> _pages;
    std::size_t _size = 0;
};

} // namespace nanomq
