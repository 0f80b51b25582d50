#pragma once

#include "base/Clock.h"
#include "base/TimerWheel.h"
#include "session/Outbound.h"
#include "session/PacketIdentifierSet.h"
#include "topic/SubscriptionIndex.h"

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

namespace nanomq
{

class Client; // of the broker layer; a session only remembers which one it has

/// Session Expiry Interval that never ends (§3.1.2.11.2), in seconds.
inline constexpr std::uint32_t kSessionNeverExpires = 0xFFFFFFFF;

/// A Will Message that waits for its connection's end (§3.1.2.5).
struct WillMessage
{
    MessageRef message;
    std::uint32_t delaySeconds = 0;
    std::optional<std::uint32_t> expirySeconds; // counted from when it is published (§3.1.3.2.4)
};

/// The state of a client that outlives its Network Connection (§4.1): subscriptions, QoS 2
/// identifiers, Will, and the outbound side. It belongs to the worker of its Client Identifier.
/// Thread: [worker], but for outbound().
class Session
{
public:
    Session(std::string clientId, SubscriberId id, OutboundPolicy& policy)
        : _outbound(id, policy), _clientId(std::move(clientId))
    {
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const std::string& clientId() const noexcept { return _clientId; }
    Outbound& outbound() noexcept { return _outbound; }

    /// The filters it is subscribed to.
    const std::unordered_set<FilterId>& subscriptions() const noexcept { return _subscriptions; }
    void addSubscription(FilterId filter) { _subscriptions.insert(filter); }
    /// False when it is not subscribed to it.
    bool removeSubscription(FilterId filter) noexcept { return _subscriptions.erase(filter) > 0; }

    PacketIdentifierSet& receivedExactlyOnce() noexcept { return _receivedExactlyOnce; }

    /// How long the session stays after its connection's end, in seconds; 0: not at all.
    std::uint32_t expiryInterval = 0;
    /// Whether it has, or had, a subscription below `$SYS/`.
    bool readsSystem = false;
    std::unique_ptr<WillMessage> will;
    /// What serves the connection; null while there is none.
    Client* client = nullptr;
    /// While disconnected: ends the session, or sends its delayed Will.
    std::unique_ptr<Timer> deadline;
    /// Monotonic time of the connection's end; kNever while connected.
    MonotonicMs disconnectedAt = kNever;

private:
    Outbound _outbound;
    std::string _clientId;
    std::unordered_set<FilterId> _subscriptions;
    PacketIdentifierSet _receivedExactlyOnce;
};

} // namespace nanomq
