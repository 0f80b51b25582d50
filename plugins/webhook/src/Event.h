#pragma once

#include "EventKind.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace webhook
{

using SteadyTime = std::chrono::steady_clock::time_point;

/// Names one event, everywhere and for good: what a receiver tells repetitions by.
struct EventId
{
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    bool operator==(const EventId&) const = default;
    /// 32 hexadecimal digits.
    std::string text() const;
};

/// One event on its way to an endpoint.
struct Event
{
    EventKind kind = EventKind::ClientConnect;
    std::uint32_t attempts = 0; ///< made and failed by a fault that may be the event's own
    std::uint64_t client = 0;   ///< hashOf() the Client Identifier: events of one stay in order
    std::uint64_t sequence = 0; ///< the order of the endpoint's events; the key on disk
    bool onDisk = false;        ///< also in the spool, until it is settled
    EventId id;
    SteadyTime acceptedAt;
    std::string headers; ///< of its own, "Name: value\r\n" each; see HeaderTemplate
    std::string body;

    std::size_t bytes() const noexcept { return headers.size() + body.size(); }
};

/// The same in every process, and never negative as a 64-bit number: it is kept on disk.
std::uint64_t hashOf(std::string_view clientId) noexcept;

/// Why an event was not delivered.
enum class DropReason : std::uint8_t
{
    QueueFull,   ///< it came while memory was at its limit, or the way to the disk was
    Refused,     ///< the endpoint answered with a status that no further attempt would change
    GaveUp,      ///< `retry.max_attempts` were made
    Expired,     ///< an attempt failed, and it was too old for another
    Unloaded,    ///< the plugin went away before its turn came
    SpoolFull,   ///< the spool was at its limit
    SpoolFailed, ///< the disk did not take it, or lost it
    DeadFull,    ///< the oldest dead letter, when those were at their limit
    DeadExpired, ///< a dead letter that nobody wanted for too long
    Operator,    ///< by `nanomqctl webhook dead drop`
};

inline constexpr std::size_t kDropReasons = 10;

/// As it stands in metrics and status, "queue_full".
std::string_view dropReasonName(DropReason reason) noexcept;

} // namespace webhook
