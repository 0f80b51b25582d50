#include "Outbox.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace webhook
{

namespace sdk = nanomq::sdk;

namespace
{

using Counter = sdk::Metrics::Counter;

/// A broker without metrics is no reason to fail.
void add(Counter* counter, std::int64_t by)
{
    if (counter) counter->add(by);
}

} // namespace

std::string_view dropReasonName(DropReason reason) noexcept
{
    constexpr std::array<std::string_view, kDropReasons> names = {"queue_full", "refused",
                                                                  "gave_up", "expired", "unloaded"};
    return names[static_cast<std::size_t>(reason)];
}

std::uint64_t Counts::dropped() const noexcept
{
    return std::accumulate(drops.begin(), drops.end(), std::uint64_t{0});
}

Outbox::Outbox(std::size_t lanes, const Limits& limits, sdk::Metrics* metrics)
    : _limits(limits),
      _lanes(lanes)
{
    if (!metrics) return;
    _series.accepted =
        metrics->counter("webhook_accepted_total", "", "Events that matched a webhook rule");
    _series.delivered =
        metrics->counter("webhook_delivered_total", "", "Events the endpoint answered with 2xx");
    _series.failedAttempts =
        metrics->counter("webhook_failed_attempts_total", "", "Attempts without an answer of 2xx");
    _series.inFlight = metrics->gauge("webhook_in_flight", "", "Requests on the wire");
    _series.queued = metrics->gauge("webhook_queued", "", "Events waiting for an attempt");
    _series.bytes =
        metrics->gauge("webhook_queued_bytes", "", "Bodies of events waiting or on the wire");
    for (std::size_t i = 0; i < kDropReasons; ++i)
    {
        const auto reason = dropReasonName(static_cast<DropReason>(i));
        _series.drops[i] =
            metrics->counter("webhook_dropped_total", "reason=\"" + std::string(reason) + "\"",
                             "Events that were not delivered");
    }
}

bool Outbox::roomFor(std::size_t bytes) const noexcept
{
    return _counts.queued + _counts.inFlight < _limits.events && _counts.bytes <= _limits.bytes &&
           bytes <= _limits.bytes - _counts.bytes;
}

bool Outbox::hasRoomFor(std::size_t bytes) const
{
    const std::lock_guard lock(_mutex);
    return roomFor(bytes);
}

void Outbox::refuse()
{
    const std::lock_guard lock(_mutex);
    ++_counts.accepted;
    add(_series.accepted, 1);
    countDrops(DropReason::QueueFull, 1);
}

bool Outbox::accept(Request&& request, std::optional<std::size_t>& lane)
{
    lane.reset();
    const std::lock_guard lock(_mutex);
    ++_counts.accepted;
    add(_series.accepted, 1);
    if (!roomFor(request.body.size()))
    {
        countDrops(DropReason::QueueFull, 1);
        return false;
    }
    const std::size_t index = laneOf(request.client);
    Lane& chosen = _lanes[index];
    addQueued(1, static_cast<std::int64_t>(request.body.size()));
    chosen.requests.push_back(std::move(request));
    if (chosen.sender && chosen.requests.size() == 1) chosen.sender->notify();
    if (_open && chosen.state == Lane::Sender::None)
    {
        chosen.state = Lane::Sender::Asked;
        lane = index;
    }
    return true;
}

std::vector<std::size_t> Outbox::open()
{
    const std::lock_guard lock(_mutex);
    _open = true;
    return askForSenders();
}

bool Outbox::claimStart(std::size_t lane)
{
    const std::lock_guard lock(_mutex);
    if (_lanes[lane].state != Lane::Sender::Asked) return false;
    _lanes[lane].state = Lane::Sender::Starting;
    ++_senders;
    return true;
}

void Outbox::startFailed(std::size_t lane)
{
    const std::lock_guard lock(_mutex);
    senderGone(_lanes[lane]);
}

bool Outbox::askAgain(std::size_t lane)
{
    const std::lock_guard lock(_mutex);
    Lane& one = _lanes[lane];
    if (!_open || one.requests.empty() || one.state != Lane::Sender::None) return false;
    one.state = Lane::Sender::Asked;
    return true;
}

void Outbox::attach(std::size_t lane, sdk::Tasks::Stop& stop)
{
    const std::lock_guard lock(_mutex);
    _lanes[lane].state = Lane::Sender::Attached;
    _lanes[lane].sender = &stop;
}

void Outbox::detach(std::size_t lane)
{
    const std::lock_guard lock(_mutex);
    Lane& mine = _lanes[lane];
    if (mine.inFlight) setInFlight(mine, false);
    mine.sender = nullptr;
    senderGone(mine);
}

const Request* Outbox::begin(std::size_t lane)
{
    const std::lock_guard lock(_mutex);
    Lane& mine = _lanes[lane];
    if (mine.requests.empty()) return nullptr;
    setInFlight(mine, true);
    return &mine.requests.front();
}

void Outbox::delivered(std::size_t lane)
{
    const std::lock_guard lock(_mutex);
    removeHead(_lanes[lane]);
    ++_counts.delivered;
    add(_series.delivered, 1);
}

void Outbox::drop(std::size_t lane, DropReason reason)
{
    const std::lock_guard lock(_mutex);
    removeHead(_lanes[lane]);
    countFailedAttempt();
    countDrops(reason, 1);
}

void Outbox::putBack(std::size_t lane, bool failed)
{
    const std::lock_guard lock(_mutex);
    Lane& mine = _lanes[lane];
    setInFlight(mine, false);
    if (!failed) return;
    ++mine.requests.front().attempts;
    countFailedAttempt();
}

std::vector<std::size_t> Outbox::drain()
{
    const std::lock_guard lock(_mutex);
    _draining = true;
    for (const Lane& lane : _lanes)
        if (lane.sender) lane.sender->notify();
    if (!std::exchange(_open, false)) return {};
    return askForSenders();
}

bool Outbox::isDraining() const
{
    const std::lock_guard lock(_mutex);
    return _draining;
}

bool Outbox::awaitDetached(SteadyTime deadline)
{
    std::unique_lock lock(_mutex);
    return _detached.wait_until(lock, deadline, [this] { return _senders == 0; });
}

std::uint64_t Outbox::dropAll(DropReason reason)
{
    const std::lock_guard lock(_mutex);
    const std::uint64_t events = takeWaiting().size();
    countDrops(reason, events);
    return events;
}

Outbox::Contents Outbox::takeAll()
{
    const std::lock_guard lock(_mutex);
    Contents contents;
    contents.requests = takeWaiting();
    // An attempt that nobody could end stays here, with its count.
    Counts kept;
    kept.accepted = kept.inFlight = _counts.inFlight;
    kept.bytes = _counts.bytes;
    contents.counts = std::exchange(_counts, kept);
    contents.counts.accepted -= kept.accepted;
    contents.counts.inFlight = 0;
    contents.counts.queued = contents.requests.size();
    contents.counts.bytes = 0;
    for (const Request& request : contents.requests) contents.counts.bytes += request.body.size();
    return contents;
}

void Outbox::adopt(Contents&& contents)
{
    const std::lock_guard lock(_mutex);
    _counts.accepted += contents.counts.accepted;
    _counts.delivered += contents.counts.delivered;
    _counts.failedAttempts += contents.counts.failedAttempts;
    for (std::size_t i = 0; i < kDropReasons; ++i) _counts.drops[i] += contents.counts.drops[i];

    std::vector<std::deque<Request>> younger(_lanes.size());
    for (std::size_t i = 0; i < _lanes.size(); ++i) younger[i].swap(_lanes[i].requests);
    for (Request& request : contents.requests)
    {
        addQueued(1, static_cast<std::int64_t>(request.body.size()));
        _lanes[laneOf(request.client)].requests.push_back(std::move(request));
    }
    for (std::size_t i = 0; i < _lanes.size(); ++i)
        std::move(younger[i].begin(), younger[i].end(), std::back_inserter(_lanes[i].requests));
}

Counts Outbox::counts() const
{
    const std::lock_guard lock(_mutex);
    return _counts;
}

std::vector<Request> Outbox::takeWaiting()
{
    std::vector<Request> taken;
    taken.reserve(_counts.queued);
    std::int64_t bytes = 0;
    for (Lane& lane : _lanes)
    {
        const std::size_t kept = lane.inFlight ? 1 : 0; // its sender is looking at it
        while (lane.requests.size() > kept)
        {
            taken.push_back(std::move(lane.requests.back()));
            lane.requests.pop_back();
            bytes += static_cast<std::int64_t>(taken.back().body.size());
        }
    }
    std::reverse(taken.begin(), taken.end()); // lanes are independent of one another
    addQueued(-static_cast<std::int64_t>(taken.size()), -bytes);
    return taken;
}

void Outbox::countDrops(DropReason reason, std::uint64_t events)
{
    const auto i = static_cast<std::size_t>(reason);
    _counts.drops[i] += events;
    add(_series.drops[i], static_cast<std::int64_t>(events));
}

void Outbox::countFailedAttempt()
{
    ++_counts.failedAttempts;
    add(_series.failedAttempts, 1);
}

/// For every lane that has work and nobody who does it, or was asked to.
std::vector<std::size_t> Outbox::askForSenders()
{
    std::vector<std::size_t> lanes;
    for (std::size_t i = 0; i < _lanes.size(); ++i)
    {
        Lane& lane = _lanes[i];
        if (lane.requests.empty()) continue;
        if (lane.state != Lane::Sender::None && lane.state != Lane::Sender::Asked) continue;
        lane.state = Lane::Sender::Asked;
        lanes.push_back(i);
    }
    return lanes;
}

void Outbox::senderGone(Lane& lane)
{
    lane.state = Lane::Sender::None;
    if (--_senders == 0) _detached.notify_all();
}

void Outbox::removeHead(Lane& lane)
{
    setInFlight(lane, false);
    addQueued(-1, -static_cast<std::int64_t>(lane.requests.front().body.size()));
    lane.requests.pop_front();
}

void Outbox::setInFlight(Lane& lane, bool inFlight)
{
    lane.inFlight = inFlight;
    const std::int64_t by = inFlight ? 1 : -1;
    _counts.inFlight += static_cast<std::uint64_t>(by);
    _counts.queued -= static_cast<std::uint64_t>(by);
    add(_series.inFlight, by);
    add(_series.queued, -by);
}

void Outbox::addQueued(std::int64_t events, std::int64_t bytes)
{
    _counts.queued += static_cast<std::uint64_t>(events);
    _counts.bytes += static_cast<std::uint64_t>(bytes);
    add(_series.queued, events);
    add(_series.bytes, bytes);
}

} // namespace webhook
