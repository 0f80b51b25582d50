#pragma once

#include "broker/Worker.h"

#include <array>
#include <cstdint>
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
    std::uint64_t packetsReceived = 0, bytesReceived = 0;
    std::uint64_t messagesReceived = 0, messagesSent = 0, messagesQueued = 0;
    std::uint64_t messagesRefused = 0, messagesExpired = 0;
    std::uint64_t malformedPackets = 0;
    std::array<std::uint64_t, kDeliveryResults> dropped{}; // by DeliveryResult

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
    std::string peer; // "192.0.2.7:50123"
    bool connected = false;
    bool cleanStart = false;
    unsigned protocolVersion = 0;
    unsigned keepAliveSeconds = 0;
    unsigned worker = 0;
    std::uint64_t connectedAtMs = 0; // Unix time
    std::size_t subscriptions = 0;
    std::size_t queued = 0;
    std::size_t inFlight = 0;
};

struct SubscriptionSummary
{
    std::string clientId;
    std::string topicFilter;
    unsigned qos = 0;
    bool noLocal = false;
    bool retainAsPublished = false;
    std::uint32_t subscriptionIdentifier = 0; // 0: none
};

/// What sessions and subscriptions there are, in pages ordered by Client Identifier.
///
/// Each worker looks at its own sessions, for one page at a time, so nobody locks what messages
/// travel through. Thread: any but a worker; calls wait for the workers, 5 s at most, and throw
/// Poco::TimeoutException then.
class Listing
{
public:
    explicit Listing(BrokerState& broker) noexcept : _broker(broker) {}

    /// At most `limit` sessions behind the identifier `after`.
    std::vector<SessionSummary> sessions(const std::string& after, std::size_t limit);
    /// One session; nothing if there is none.
    std::optional<SessionSummary> session(const std::string& clientId);

    /// All subscriptions of at most `limit` sessions behind the identifier `after`.
    /// @param last  becomes the last identifier looked at; empty when there are no more.
    std::vector<SubscriptionSummary> subscriptions(const std::string& after, std::size_t limit,
                                                   std::string& last);
    /// All subscriptions of one client.
    std::vector<SubscriptionSummary> subscriptionsOf(const std::string& clientId);

private:
    BrokerState& _broker;
};

} // namespace nanomq
