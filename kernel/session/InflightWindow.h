#pragma once

#include "session/Delivery.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace nanomq
{

/// Messages with QoS 1 and 2 that were sent and not yet acknowledged, in the order they were
/// sent (§4.4, §4.6), and the Packet Identifiers they hold.
///
/// Identifiers are given out in sequence, so an entry's place follows from its identifier: a ring
/// that is as long as the distance from the oldest unacknowledged message to the newest. An
/// identifier stays taken until PUBACK or PUBCOMP (§4.3.3). Thread: the holder of the outbound
/// lock.
class InflightWindow
{
public:
    /// Number of a message in the order of sending; its identifier follows from it.
    using Sequence = std::uint64_t;

    enum class State : std::uint8_t
    {
        Done, // acknowledged, but an older one is not
        AwaitsPuback,
        AwaitsPubrec,
        AwaitsPubcomp,
    };

    struct Entry
    {
        Delivery delivery;
        State state = State::Done;
    };

    /// Whether an identifier is free.
    bool full() const noexcept { return _next - _first >= kIdentifiers; }
    /// Adds a message (QoS 1 or 2) and returns its identifier. Requires: not full().
    PacketIdentifier add(Delivery delivery);

    /// The sequence an identifier stands for; nothing if it is not in use.
    std::optional<Sequence> find(PacketIdentifier identifier) const noexcept;
    Entry& at(Sequence sequence) noexcept { return _ring[sequence & _mask]; }
    /// Ends an entry and frees its identifier; gives its message out.
    MessageRef finish(Sequence sequence);

    /// Oldest entry and one past the newest; those between may be Done.
    Sequence first() const noexcept { return _first; }
    Sequence next() const noexcept { return _next; }
    static PacketIdentifier identifierOf(Sequence sequence) noexcept
    {
        return static_cast<PacketIdentifier>(sequence % kIdentifiers + 1);
    }

    /// Entries not acknowledged.
    std::size_t size() const noexcept { return _open; }
    bool empty() const noexcept { return _open == 0; }

private:
    static constexpr Sequence kIdentifiers = 65'535;

    void grow();

    std::vector<Entry> _ring; // a power of two
    Sequence _mask = 0;
    Sequence _first = 0;
    Sequence _next = 0;
    std::size_t _open = 0;
};

} // namespace nanomq
