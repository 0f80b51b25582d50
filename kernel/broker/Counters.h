#pragma once

#include "broker/Limits.h"
#include "session/Delivery.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace nanomq
{

/// A figure that one worker counts up and anybody reads.
class Tally
{
public:
    void add(std::uint64_t by = 1) noexcept
    {
        _value.store(_value.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    void subtract(std::uint64_t by = 1) noexcept { add(~by + 1); }
    std::uint64_t value() const noexcept { return _value.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> _value{0};
};

/// What one worker counts. One writer each: no worker waits for another's cache line.
struct alignas(64) WorkerCounters
{
    Tally connections; // now
    Tally sessions;    // now, those without a connection included
    Tally connectsAccepted;
    Tally connectsRefused;
    Tally disconnects;
    Tally socketsAccepted; // connections, before their CONNECT
    Tally sessionsExpired;
    Tally packetsReceived;
    Tally answersSent; // Control Packets sent to clients but PUBLISH
    Tally bytesReceived;
    Tally messagesReceived; // accepted PUBLISH packets, wills and plugins' messages included
    Tally messagesSent;     // PUBLISH packets written at once; see OutboundPolicy for the others
    Tally payloadBytesReceived; // of messagesReceived
    Tally payloadBytesSent;     // of messagesSent
    Tally messagesQueued;
    Tally messagesRefused; // by a hook
    Tally messagesUnacknowledged; // sent, and their session ended before they were acknowledged
    Tally malformedPackets;
    std::array<Tally, kDeliveryResults> dropped; // by DeliveryResult
    std::array<Tally, kLimits> limits;           // how often somebody ran into each
    Tally bansMade; // by the broker itself
};

} // namespace nanomq
