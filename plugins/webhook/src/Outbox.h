#pragma once

#include "EventKind.h"
#include "nanomq/services.h"

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace webhook
{

using SteadyTime = std::chrono::steady_clock::time_point;

/// One event on its way to the endpoint.
struct Request
{
    EventKind kind = EventKind::ClientConnect;
    std::uint32_t attempts = 0; ///< made and failed
    std::uint64_t client = 0;   ///< hash of the Client Identifier: requests of one stay in order
    SteadyTime acceptedAt;
    std::string body;
};

/// Why an event was not delivered.
enum class DropReason : std::uint8_t
{
    QueueFull, ///< it came while the outbox was at its limit
    Refused,   ///< the endpoint answered with a status that no further attempt would change
    GaveUp,    ///< `retry.max_attempts` were made
    Expired,   ///< an attempt failed, and it was older than `retry.max_age`
    Unloaded,  ///< the plugin went away before its turn came
};

inline constexpr std::size_t kDropReasons = 5;

/// As it stands in metrics and status, "queue_full".
std::string_view dropReasonName(DropReason reason) noexcept;

/// Where the events are, as they were at one instant. Always:
/// accepted = delivered + inFlight + queued + dropped.
struct Counts
{
    std::uint64_t accepted = 0; ///< events that matched a rule
    std::uint64_t delivered = 0;
    std::uint64_t inFlight = 0; ///< in an attempt right now
    std::uint64_t queued = 0;   ///< waiting for the first or another attempt
    std::uint64_t bytes = 0;    ///< bodies of those in flight and queued
    std::uint64_t failedAttempts = 0;
    std::array<std::uint64_t, kDropReasons> drops{};

    std::uint64_t dropped() const noexcept;
};

/// The bounded queue between hooks and senders, and the one place that counts.
///
/// Requests wait in lanes, one a sender, chosen by the hash of the client: a lane is strictly
/// first in, first out, and its head stays in place until it is settled. The limits hold for all
/// lanes together, requests in flight included. When they are reached, the newest event is dropped.
///
/// Thread: [any], but for what belongs to a lane's sender: attach() to detach().
class Outbox
{
public:
    struct Limits
    {
        std::size_t events;
        std::size_t bytes;
    };

    /// @param metrics  may be null. The series are the broker's and go on through a reload.
    Outbox(std::size_t lanes, const Limits& limits, nanomq::sdk::Metrics* metrics);
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    /// Whether an event with that many bytes would be taken now; saves building a body in vain.
    bool hasRoomFor(std::size_t bytes) const;
    /// Counts an event as accepted and dropped, for want of room.
    void refuse();
    /// Takes a request, or drops it when there is no room: then false.
    /// @param lane  the lane that has work and no sender yet, once; else empty.
    bool accept(Request&& request, std::optional<std::size_t>& lane);

    /// Lets senders begin; until then requests only wait. Gives the lanes that have work already,
    /// each of which now asks for a sender.
    std::vector<std::size_t> open();
    /// Whether the caller is the one to start the sender that the lane asked for.
    bool claimStart(std::size_t lane);
    /// It could not be started: the lane's next request, or askAgain(), asks for one again.
    void startFailed(std::size_t lane);
    /// Whether the lane has work and no sender; it asks for one then.
    bool askAgain(std::size_t lane);

    // For the sender of a lane.

    /// After claimStart(). From now on `stop` is notified when there is work, or when the outbox
    /// drains.
    void attach(std::size_t lane, nanomq::sdk::Tasks::Stop& stop);
    /// The lane's oldest request, now in flight; null when there is none. It stays where it is
    /// until one of the three calls below.
    const Request* begin(std::size_t lane);
    void delivered(std::size_t lane);
    /// After an attempt that failed for good.
    void drop(std::size_t lane, DropReason reason);
    /// Back to waiting, first in its lane. An attempt that `failed` is counted.
    void putBack(std::size_t lane, bool failed);
    /// The sender ends. What it has not settled waits again; new work asks for another sender.
    void detach(std::size_t lane);

    // The end.

    /// Tells senders to end as soon as their lane is empty or an attempt fails. Gives the lanes
    /// that have work and no sender; none if the outbox was never open.
    std::vector<std::size_t> drain();
    bool isDraining() const;
    /// Waits until every sender that was claimed has detached. False when the deadline came first.
    bool awaitDetached(SteadyTime deadline);
    /// Drops what waits. Returns how many.
    std::uint64_t dropAll(DropReason reason);

    /// Everything that waits, in order for each client, with the counts, which begin anew here.
    struct Contents
    {
        Counts counts;
        std::vector<Request> requests;
    };
    Contents takeAll();
    /// Puts what another outbox had before what this one has. The limits do not apply to it, so
    /// that nothing is lost: until it is below them again, new events are dropped.
    /// Requires: open() has not been called.
    void adopt(Contents&& contents);

    Counts counts() const;

private:
    struct Lane
    {
        std::deque<Request> requests;
        enum class Sender : std::uint8_t
        {
            None,
            Asked,    // for somebody to claim
            Starting, // claimed
            Attached,
        };
        Sender state = Sender::None;
        nanomq::sdk::Tasks::Stop* sender = nullptr; // when attached
        bool inFlight = false;                      // the head of `requests`
    };

    std::size_t laneOf(std::uint64_t client) const noexcept { return client % _lanes.size(); }
    bool roomFor(std::size_t bytes) const noexcept;
    void countDrops(DropReason reason, std::uint64_t events);
    void countFailedAttempt();
    std::vector<Request> takeWaiting();
    std::vector<std::size_t> askForSenders();
    void senderGone(Lane& lane);
    void removeHead(Lane& lane);
    void setInFlight(Lane& lane, bool inFlight);
    void addQueued(std::int64_t events, std::int64_t bytes);

    struct Series
    {
        nanomq::sdk::Metrics::Counter* accepted = nullptr;
        nanomq::sdk::Metrics::Counter* delivered = nullptr;
        nanomq::sdk::Metrics::Counter* failedAttempts = nullptr;
        nanomq::sdk::Metrics::Counter* inFlight = nullptr;
        nanomq::sdk::Metrics::Counter* queued = nullptr;
        nanomq::sdk::Metrics::Counter* bytes = nullptr;
        std::array<nanomq::sdk::Metrics::Counter*, kDropReasons> drops{};
    };

    const Limits _limits;
    Series _series;
    mutable std::mutex _mutex; // guards all below; senders' Stop::notify() is called under it
    std::condition_variable _detached;
    std::vector<Lane> _lanes;
    Counts _counts;
    std::size_t _senders = 0; // starting or attached
    bool _open = false;
    bool _draining = false;
};

} // namespace webhook
