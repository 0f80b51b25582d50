#pragma once

#include "broker/Worker.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace nanomq
{

/// The broker's figures, added up over its workers.
struct BrokerFigures
{
    std::uint64_t connections = 0, sessions = 0, subscriptions = 0, topicFilters = 0;
    std::uint64_t retained = 0, retainedBytes = 0;
    std::uint64_t connectsAccepted = 0, connectsRefused = 0, disconnects = 0;
    std::uint64_t sharedSubscriptions = 0; // of subscriptions
    std::uint64_t socketsAccepted = 0, sessionsExpired = 0;
    std::uint64_t packetsReceived = 0, packetsSent = 0, bytesReceived = 0, bytesSent = 0;
    std::uint64_t messagesReceived = 0, messagesSent = 0, messagesQueued = 0;
    std::uint64_t payloadBytesReceived = 0, payloadBytesSent = 0;
    std::uint64_t messagesWaiting = 0, messagesWaitingBytes = 0; // in queues, now
    std::uint64_t messagesRefused = 0, messagesExpired = 0;
    std::uint64_t malformedPackets = 0, messagesUnacknowledged = 0, workerFailures = 0;
    std::uint64_t bansMade = 0, bans = 0, alarms = 0;
    std::uint64_t memory = 0, memoryLimit = 0, memoryLevel = 0, connectMemory = 0;
    std::array<std::uint64_t, kDeliveryResults> dropped{}; // by DeliveryResult
    std::array<std::uint64_t, kLimits> limits{};           // by Limit

    std::uint64_t messagesDropped() const noexcept
    {
        std::uint64_t sum = messagesExpired;
        for (const auto count : dropped) sum += count;
        return sum;
    }
};

struct SessionSummary
{
    std::string clientId;
    std::optional<std::string> userName;
    std::string peerAddress; // "192.0.2.7"
    unsigned peerPort = 0;
    std::string listener;
    bool connected = false;
    bool cleanStart = false;
    unsigned protocolVersion = 0;
    unsigned keepAliveSeconds = 0;
    unsigned worker = 0;
    std::uint32_t expirySeconds = 0;
    std::uint64_t connectedAtMs = 0; // Unix time
    std::uint64_t received = 0;      // PUBLISH packets of this connection
    std::size_t subscriptions = 0;
    std::size_t queued = 0;
    std::size_t inFlight = 0;
    MessageRef will; // null: none

    std::string peer() const { return peerAddress + ":" + std::to_string(peerPort); }
};

struct SubscriptionSummary
{
    std::string clientId;
    std::string topicFilter;
    unsigned qos = 0;
    bool noLocal = false;
    bool retainAsPublished = false;
    bool connected = false;
    std::uint32_t subscriptionIdentifier = 0; // 0: none
};

/// Which sessions; what is empty does not restrict.
struct SessionFilter
{
    std::string after;    // behind this Client Identifier
    std::string clientId; // this one
    std::string clientIdPart;
    std::string userName;
    std::string userNamePart;
    std::optional<bool> connected;

    bool matches(Session& session) const;
};

/// What there is, of all workers.
///
/// Each worker looks at its own in slices (WorkerWalk.h), so nobody locks what messages travel
/// through, and the longest listing holds up none for more than a slice's time. Visitors run on
/// the caller's thread and return false to end the walk. Thread: any but a worker; calls wait for
/// the workers, 5 s at most for each slice, and throw Poco::TimeoutException then, and
/// Poco::IllegalStateException when the broker does not run.
class Listing
{
public:
    explicit Listing(BrokerState& broker) noexcept : _broker(broker) {}

    /// In the order of Client Identifiers.
    void visitSessions(const SessionFilter& filter,
                       const std::function<bool(const SessionSummary&)>& visitor);
    /// The subscriptions of these sessions, likewise. Those of a session whose table of them grows
    /// meanwhile may be shown twice.
    void visitSubscriptions(const SessionFilter& filter,
                            const std::function<bool(const SubscriptionSummary&)>& visitor);
    /// Filters with subscribers, in no order; those that contain `part`.
    void visitFilters(std::string_view part,
                      const std::function<bool(const FilterSummary&)>& visitor);
    /// Retained messages, in the order of their topics' levels.
    void visitRetained(const TopicFilter& filter,
                       const std::function<bool(const MessageRef&)>& visitor);

    /// At most `limit` sessions behind the identifier `after`.
    std::vector<SessionSummary> sessions(const std::string& after, std::size_t limit);
    /// One session; nothing if there is none.
    std::optional<SessionSummary> session(const std::string& clientId);

    /// All subscriptions of at most `limit` sessions behind the identifier `after`; sessions
    /// without any are passed over.
    /// @param last  becomes the last identifier looked at; empty when there are no more.
    std::vector<SubscriptionSummary> subscriptions(const std::string& after, std::size_t limit,
                                                   std::string& last);
    /// All subscriptions of one client.
    std::vector<SubscriptionSummary> subscriptionsOf(const std::string& clientId);

private:
    std::vector<Worker*> workersFor(const SessionFilter& filter) const;

    BrokerState& _broker;
};

} // namespace nanomq
