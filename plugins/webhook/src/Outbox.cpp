#include "Outbox.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

// Hooks, senders and the end; what concerns the disk stands in OutboxDisk.cpp.

namespace webhook
{

namespace sdk = nanomq::sdk;

Outbox::Outbox(std::string_view endpoint, std::size_t lanes, const Limits& limits,
               const Batching& batching, sdk::Metrics* metrics)
    : _limits(limits),
      _batching(batching),
      _ledger(endpoint, metrics),
      _lanes(lanes)
{
    std::random_device random;
    _lastId.high = std::uint64_t{random()} << 32 | random();
    for (Lane& lane : _lanes) lane.batchLimit = batching.events;
}

// --- hooks -----------------------------------------------------------------------------------

bool Outbox::roomFor(std::size_t bytes) const noexcept
{
    return _eventsInMemory < _limits.events && _bytesInMemory <= _limits.bytes &&
           bytes <= _limits.bytes - _bytesInMemory;
}

bool Outbox::hasRoomFor(std::size_t bytes) const
{
    const std::lock_guard lock(_mutex);
    return roomFor(bytes) || (diskHasRoomFor(bytes) && stagingHasRoomFor(bytes));
}

void Outbox::refuse(std::size_t bytes)
{
    const std::lock_guard lock(_mutex);
    _ledger.acceptAndDrop(_spooling && !diskHasRoomFor(bytes) ? DropReason::SpoolFull
                                                        : DropReason::QueueFull);
}

bool Outbox::accept(Event&& event, std::optional<std::size_t>& lane)
{
    lane.reset();
    const std::lock_guard lock(_mutex);
    event.id = {_lastId.high, ++_lastId.low};
    event.sequence = ++_lastSequence;
    const std::size_t index = laneOf(event.client);
    Lane& chosen = _lanes[index];
    const std::size_t bytes = event.bytes();
    if (roomFor(bytes) && !(_spooling && chosen.hasBacklog()))
    {
        _ledger.accept(Place::Queued);
        keep(chosen, std::move(event));
        const std::size_t waiting = chosen.waiting.size();
        if (chosen.sender && (waiting == 1 || waiting == chosen.batchLimit))
            chosen.sender->notify();
        if (askForSender(chosen)) lane = index;
        return true;
    }
    const bool roomOnDisk = diskHasRoomFor(bytes);
    if (roomOnDisk && stagingHasRoomFor(bytes))
    {
        _ledger.accept(Place::Queued);
        stage(chosen, std::move(event));
        return true;
    }
    _ledger.acceptAndDrop(_spooling && !roomOnDisk ? DropReason::SpoolFull : DropReason::QueueFull);
    return false;
}

/// Into the lane's memory, by sequence: nearly always at its end.
void Outbox::keep(Lane& lane, Event&& event)
{
    ++_eventsInMemory;
    _bytesInMemory += event.bytes();
    _ledger.addMemory(static_cast<std::int64_t>(event.bytes()));
    auto place = lane.waiting.end();
    while (place != lane.waiting.begin() && std::prev(place)->sequence > event.sequence) --place;
    lane.waiting.insert(place, std::move(event));
}

/// It leaves the lanes' memory.
void Outbox::forget(const Event& event)
{
    --_eventsInMemory;
    _bytesInMemory -= event.bytes();
    _ledger.addMemory(-static_cast<std::int64_t>(event.bytes()));
}

// --- senders ---------------------------------------------------------------------------------

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
    return askForSender(_lanes[lane]);
}

bool Outbox::askForSender(Lane& lane)
{
    if (!_open || lane.isEmpty() || lane.state != Lane::Sender::None) return false;
    lane.state = Lane::Sender::Asked;
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

const std::vector<Event>* Outbox::begin(std::size_t lane, SteadyTime now, SteadyTime& due)
{
    due = SteadyTime::max();
    const std::lock_guard lock(_mutex);
    Lane& mine = _lanes[lane];
    if (mine.batch.empty())
    {
        if (!mine.mayTakeHead())
        {
            askForLoad(mine);
            return nullptr;
        }
        const SteadyTime ready = mine.waiting.front().acceptedAt + _batching.delay;
        if (now < ready && !_draining && !isBatchFull(mine))
        {
            due = ready;
            return nullptr;
        }
        fillBatch(mine);
    }
    setInFlight(mine, true);
    return &mine.batch;
}

bool Outbox::isBatchFull(const Lane& lane) const noexcept
{
    if (lane.waiting.size() >= lane.batchLimit) return true;
    std::size_t bytes = 0;
    for (const Event& event : lane.waiting) bytes += event.bytes();
    return bytes >= _batching.bytes;
}

void Outbox::fillBatch(Lane& lane)
{
    std::size_t bytes = 0;
    while (lane.batch.size() < lane.batchLimit && lane.mayTakeHead())
    {
        Event& next = lane.waiting.front();
        bytes += next.bytes();
        const bool fits = lane.batch.empty() || (bytes <= _batching.bytes &&
                                                 next.headers == lane.batch.front().headers);
        if (!fits) break;
        lane.batch.push_back(std::move(next));
        lane.waiting.pop_front();
    }
    if (lane.waiting.empty()) askForLoad(lane);
}

void Outbox::setInFlight(Lane& lane, bool inFlight)
{
    lane.inFlight = inFlight;
    for (const Event& event : lane.batch)
        if (inFlight) _ledger.move(placeOf(event), Place::InFlight);
        else _ledger.move(Place::InFlight, placeOf(event));
}

/// The batch is done with, and counted.
void Outbox::settleBatch(Lane& lane)
{
    for (const Event& event : lane.batch) forget(event);
    lane.batch.clear();
    lane.inFlight = false;
    if (lane.waiting.empty()) askForLoad(lane);
}

void Outbox::delivered(std::size_t lane)
{
    const std::lock_guard lock(_mutex);
    Lane& mine = _lanes[lane];
    _ledger.deliver(mine.batch.size());
    for (const Event& event : mine.batch)
        if (event.onDisk) _work.settled.push_back({event.sequence, event.bytes()});
    if (!_work.settled.empty()) tellKeeper();
    settleBatch(mine);
    mine.batchLimit = std::min(mine.batchLimit * 2, _batching.events);
}

bool Outbox::giveUp(std::size_t lane, DropReason reason, const std::string& error)
{
    const std::lock_guard lock(_mutex);
    Lane& mine = _lanes[lane];
    _ledger.failAttempt();
    bool kept = false;
    for (Event& event : mine.batch)
    {
        const std::size_t bytes = event.bytes();
        ++event.attempts;
        if (_spooling && stagingHasRoomFor(bytes))
        {
            _ledger.move(Place::InFlight, placeOf(event));
            _ledger.addMemory(static_cast<std::int64_t>(bytes));
            ++_stagedEvents;
            _stagedBytes += bytes;
            _work.dead.push_back({event, reason, error});
            tellKeeper();
            kept = true;
            continue;
        }
        _ledger.drop(Place::InFlight, reason);
        if (!event.onDisk) continue;
        _work.settled.push_back({event.sequence, bytes});
        tellKeeper();
    }
    settleBatch(mine);
    return kept;
}

void Outbox::putBack(std::size_t lane, Blame blame)
{
    const std::lock_guard lock(_mutex);
    Lane& mine = _lanes[lane];
    setInFlight(mine, false);
    if (blame == Blame::Nobody) return;
    _ledger.failAttempt();
    if (blame == Blame::Event)
        for (Event& event : mine.batch) ++event.attempts;
}

void Outbox::split(std::size_t lane)
{
    const std::lock_guard lock(_mutex);
    Lane& mine = _lanes[lane];
    setInFlight(mine, false);
    _ledger.failAttempt();
    mine.batchLimit = std::max<std::size_t>(1, mine.batch.size() / 2);
    takeBatchBack(mine);
}

void Outbox::takeBatchBack(Lane& lane)
{
    while (!lane.batch.empty())
    {
        lane.waiting.push_front(std::move(lane.batch.back()));
        lane.batch.pop_back();
    }
}

// --- the end ---------------------------------------------------------------------------------

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

/// For every lane that has work in memory and nobody who does it, or was asked to.
std::vector<std::size_t> Outbox::askForSenders()
{
    std::vector<std::size_t> lanes;
    for (std::size_t i = 0; i < _lanes.size(); ++i)
    {
        Lane& lane = _lanes[i];
        if (lane.isEmpty()) continue;
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

std::vector<Event> Outbox::takeWaiting()
{
    std::vector<Event> taken = std::move(_work.toDisk);
    _work.toDisk.clear();
    for (const Event& event : taken) unstage(1, event.bytes());
    for (Lane& lane : _lanes)
    {
        if (!lane.inFlight) takeBatchBack(lane); // else somebody is looking at it
        for (Event& event : lane.waiting)
        {
            forget(event);
            if (!event.onDisk) taken.push_back(std::move(event));
        }
        lane.waiting.clear();
        lane.staged = 0;
    }
    std::sort(taken.begin(), taken.end(),
              [](const Event& a, const Event& b) { return a.sequence < b.sequence; });
    return taken;
}

std::vector<Event> Outbox::takeMemory()
{
    const std::lock_guard lock(_mutex);
    return takeWaiting();
}

void Outbox::memoryWritten(const std::vector<Event>& events)
{
    const std::lock_guard lock(_mutex);
    _ledger.move(Place::Queued, Place::Spooled, events.size());
    for (const Event& event : events) _ledger.addDisk(static_cast<std::int64_t>(event.bytes()));
}

void Outbox::memoryDropped(const std::vector<Event>& events, DropReason reason)
{
    const std::lock_guard lock(_mutex);
    _ledger.drop(Place::Queued, reason, events.size());
}

Outbox::Contents Outbox::takeAll()
{
    const std::lock_guard lock(_mutex);
    Contents contents;
    contents.events = takeWaiting();
    contents.counts = _ledger.handOver();
    return contents;
}

void Outbox::adopt(Contents&& contents)
{
    const std::lock_guard lock(_mutex);
    _ledger.adopt(contents.counts);
    if (!contents.events.empty()) _adoptedUpTo = contents.events.back().sequence;
    for (Lane& lane : _lanes)
        for (Event& event : lane.waiting) event.sequence += _adoptedUpTo;
    _lastSequence += _adoptedUpTo;
    for (Event& event : contents.events)
    {
        Lane& lane = _lanes[laneOf(event.client)];
        keep(lane, std::move(event));
    }
}

Counts Outbox::counts() const
{
    const std::lock_guard lock(_mutex);
    return _ledger.counts();
}

} // namespace webhook
