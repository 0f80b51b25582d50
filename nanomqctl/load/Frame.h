#pragma once

#include "load/Client.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nanomq::load
{

/// What stands at the front of a payload, so that a receiver knows what it got.
struct Stamp
{
    std::uint32_t mark;   // of the run
    std::uint32_t stream; // the publisher
    std::uint64_t sequence;
    std::uint64_t dueNs; // nowNs() when it was, or should have been, sent
};
inline constexpr std::size_t kStampSize = sizeof(Stamp);

/// A PUBLISH that is sent again and again with another stamp.
class Frame
{
public:
    Frame(const std::string& topic, std::size_t payloadBytes, QoS qos, bool retain,
          ProtocolVersion version);

    /// Appends it to what the client sends. A payload without room for a stamp has none.
    void send(Client& client, const Stamp& stamp) const;

private:
    std::vector<std::uint8_t> _bytes;
    std::size_t _identifierAt = 0; // 0: none
    std::size_t _payloadAt;
    std::size_t _payloadSize;
};

/// The stamp at the front of a payload of run `mark`; nothing if there is none.
std::optional<Stamp> stampOf(ByteView payload, std::uint32_t mark) noexcept;
/// A mark that tells this run from others.
std::uint32_t newMark() noexcept;
/// Whether that is the mark of some run.
bool isMark(std::uint32_t mark) noexcept;

} // namespace nanomq::load
