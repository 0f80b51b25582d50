#pragma once

#include "base/TimerWheel.h"
#include "base/TokenBucket.h"
#include "broker/Limits.h"
#include "net/ListenerSettings.h"

#include <optional>

namespace nanomq
{

/// What one client sends per second, in packets and bytes. Beyond that nothing is lost: the gate
/// closes, nothing is read, and TCP makes the client wait. Thread: [worker].
class TrafficGate final : private Timer
{
public:
    class Waiting
    {
    public:
        /// The gate is open again. It may be destroyed meanwhile.
        virtual void gateOpens() = 0;

    protected:
        ~Waiting() = default;
    };

    static bool isNeeded(const ClientLimits& limits) noexcept
    {
        return limits.packetsPerSecond > 0 || limits.bytesPerSecond > 0;
    }

    TrafficGate(const ClientLimits& limits, Waiting& waiting) noexcept
        : _packets(limits.packetsPerSecond), _bytes(limits.bytesPerSecond), _waiting(waiting)
    {
    }

    /// Nothing: the next packet may pass. Else which limit was reached; gateOpens() follows.
    std::optional<Limit> closed(TimerWheel& timers, MonotonicMs now)
    {
        const MonotonicMs packets = _packets.wait(now);
        const MonotonicMs bytes = _bytes.wait(now);
        if (packets == 0 && bytes == 0) return std::nullopt;
        timers.schedule(*this, now + std::max(packets, bytes));
        return packets > bytes ? Limit::PacketRate : Limit::ByteRate;
    }
    /// A packet has passed.
    void passed(std::uint32_t bytes, MonotonicMs now) noexcept
    {
        _packets.take(1, now);
        _bytes.take(bytes, now);
    }

private:
    void expired(MonotonicMs) override { _waiting.gateOpens(); }

    TokenBucket _packets;
    TokenBucket _bytes;
    Waiting& _waiting;
};

} // namespace nanomq
