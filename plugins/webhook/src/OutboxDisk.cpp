#include "Outbox.h"

#include <algorithm>
#include <utility>

// The outbox and its Keeper: what goes to disk, what comes back.

namespace webhook
{

namespace sdk = nanomq::sdk;

namespace
{

// What may be in memory on its way to the disk, beside the limits of the queue: a burst of about
// this many events comes between two transactions.
constexpr std::size_t kStagedEvents = 10'000;
constexpr std::size_t kStagedBytes = std::size_t{4} << 20;

constexpr std::size_t kMostLoaded = 256; // events of a lane at a time

} // namespace

bool Outbox::diskHasRoomFor(std::size_t bytes) const noexcept
{
    return _spooling && _ledger.counts().diskBytes + _stagedBytes + bytes < _maxDiskBytes;
}

bool Outbox::stagingHasRoomFor(std::size_t bytes) const noexcept
{
    return _stagedEvents == 0 ||
           (_stagedEvents < kStagedEvents && _stagedBytes + bytes <= kStagedBytes);
}

void Outbox::stage(Lane& lane, Event&& event)
{
    ++lane.staged;
    ++_stagedEvents;
    _stagedBytes += event.bytes();
    _ledger.addMemory(static_cast<std::int64_t>(event.bytes()));
    _work.toDisk.push_back(std::move(event));
    tellKeeper();
}

void Outbox::unstage(std::size_t events, std::size_t bytes)
{
    _stagedEvents -= events;
    _stagedBytes -= bytes;
    _ledger.addMemory(-static_cast<std::int64_t>(bytes));
}

void Outbox::tellKeeper()
{
    if (_keeper && !std::exchange(_keeperTold, true)) _keeper->notify();
}

void Outbox::askForLoad(Lane& lane)
{
    if (lane.onDisk == 0 || lane.wantsLoad || _draining) return;
    lane.wantsLoad = true;
    tellKeeper();
}

void Outbox::useSpool(std::uint64_t maxBytes)
{
    const std::lock_guard lock(_mutex);
    _maxDiskBytes = maxBytes;
    _spooling = true;
}

void Outbox::attachKeeper(sdk::Tasks::Stop& keeper)
{
    const std::lock_guard lock(_mutex);
    _keeper = &keeper;
    _keeperTold = true; // it looks before it waits
}

void Outbox::endSpool()
{
    const std::lock_guard lock(_mutex);
    _spooling = false;
    _keeper = nullptr;
}

void Outbox::recovered(const std::vector<OnDisk>& lanes, std::uint64_t lastSequence,
                       std::uint64_t diskBytes, std::uint64_t dead)
{
    const std::lock_guard lock(_mutex);
    std::uint64_t events = 0;
    for (const OnDisk& found : lanes)
    {
        Lane& lane = _lanes[found.lane];
        lane.onDisk = found.events;
        lane.diskFirst = found.first;
        lane.wantsLoad = true;
        events += found.events;
    }
    _ledger.reconcile(Place::Spooled, events);
    _ledger.reconcile(Place::Dead, dead);
    _ledger.setDisk(diskBytes);

    // What came since the plugin was loaded is younger than all that is on disk.
    if (lastSequence <= _adoptedUpTo) return;
    const std::uint64_t shift = lastSequence - _adoptedUpTo;
    for (Lane& lane : _lanes)
        for (Event& event : lane.waiting)
            if (event.sequence > _adoptedUpTo) event.sequence += shift;
    _lastSequence += shift;
}

Outbox::Work Outbox::takeWork()
{
    const std::lock_guard lock(_mutex);
    _keeperTold = false;
    Work work = std::exchange(_work, Work());
    if (_draining) return work;
    const std::size_t share = std::clamp<std::size_t>(_limits.events / _lanes.size(),
                                                      _batching.events, kMostLoaded);
    for (std::size_t i = 0; i < _lanes.size(); ++i)
    {
        Lane& lane = _lanes[i];
        if (!std::exchange(lane.wantsLoad, false) || lane.onDisk == 0) continue;
        // A lane goes on whatever the others have in memory: one event at a time, if need be.
        const bool full = !roomFor(0);
        work.loads.push_back(
            {i, lane.loadedUpTo, full ? 1 : share, _limits.bytes / _lanes.size()});
    }
    return work;
}

void Outbox::written(const Work& work)
{
    const std::lock_guard lock(_mutex);
    for (const Event& event : work.toDisk)
    {
        Lane& lane = _lanes[laneOf(event.client)];
        --lane.staged;
        if (lane.onDisk++ == 0) lane.diskFirst = event.sequence;
        _ledger.move(Place::Queued, Place::Spooled);
        _ledger.addDisk(static_cast<std::int64_t>(event.bytes()));
        unstage(1, event.bytes());
        if (lane.waiting.empty()) askForLoad(lane);
    }
    for (const DeadLetter& letter : work.dead)
    {
        const auto bytes = letter.event.bytes();
        _ledger.move(placeOf(letter.event), Place::Dead);
        if (letter.event.onDisk) _ledger.addDisk(-static_cast<std::int64_t>(bytes));
        unstage(1, bytes);
    }
    for (const Settled& one : work.settled) _ledger.addDisk(-static_cast<std::int64_t>(one.bytes));
}

std::vector<std::size_t> Outbox::notWritten(Work&& work)
{
    const std::lock_guard lock(_mutex);
    std::vector<std::size_t> asking;
    for (Event& event : work.toDisk)
    {
        const std::size_t index = laneOf(event.client);
        Lane& lane = _lanes[index];
        --lane.staged;
        unstage(1, event.bytes());
        if (lane.onDisk > 0 || !roomFor(event.bytes()))
        {
            _ledger.drop(Place::Queued, DropReason::SpoolFailed);
            continue;
        }
        keep(lane, std::move(event));
        if (lane.sender) lane.sender->notify();
        if (askForSender(lane)) asking.push_back(index);
    }
    for (const DeadLetter& letter : work.dead)
    {
        unstage(1, letter.event.bytes());
        _ledger.drop(placeOf(letter.event), letter.reason);
        if (letter.event.onDisk)
            work.settled.push_back({letter.event.sequence, letter.event.bytes()});
    }
    _work.settled.insert(_work.settled.end(), work.settled.begin(), work.settled.end());
    for (const Work::Load& load : work.loads) _lanes[load.lane].wantsLoad = true;
    return asking;
}

Outbox::AfterLoad Outbox::loaded(std::size_t index, std::vector<Event>&& events, std::uint64_t next)
{
    const std::lock_guard lock(_mutex);
    Lane& lane = _lanes[index];
    for (Event& event : events)
    {
        --lane.onDisk;
        lane.loadedUpTo = event.sequence;
        event.onDisk = true;
        keep(lane, std::move(event));
    }
    const std::uint64_t lost = next == 0 ? std::exchange(lane.onDisk, 0) : 0;
    _ledger.drop(Place::Spooled, DropReason::SpoolFailed, lost);
    lane.diskFirst = next;
    if (lane.sender) lane.sender->notify();
    return {askForSender(lane), lost};
}

void Outbox::notLoaded(std::size_t index)
{
    const std::lock_guard lock(_mutex);
    _lanes[index].wantsLoad = true;
}

void Outbox::diskLost()
{
    const std::lock_guard lock(_mutex);
    const auto inMemoryOnly = [this](Event& event) {
        if (std::exchange(event.onDisk, false)) _ledger.move(Place::Spooled, Place::Queued);
    };
    for (Lane& lane : _lanes)
    {
        _ledger.drop(Place::Spooled, DropReason::SpoolFailed, std::exchange(lane.onDisk, 0));
        for (Event& event : lane.waiting) inMemoryOnly(event);
        if (lane.inFlight)
            for (Event& event : lane.batch) event.onDisk = false;
        else
            for (Event& event : lane.batch) inMemoryOnly(event);
        if (lane.sender) lane.sender->notify();
    }
    for (DeadLetter& letter : _work.dead) inMemoryOnly(letter.event);
    _work.settled.clear();
    _ledger.drop(Place::Dead, DropReason::SpoolFailed, _ledger.counts().at(Place::Dead));
    _ledger.setDisk(0);
}

std::vector<Outbox::OnDisk> Outbox::lanesOnDisk() const
{
    const std::lock_guard lock(_mutex);
    std::vector<OnDisk> lanes;
    for (std::size_t i = 0; i < _lanes.size(); ++i)
        if (const Lane& lane = _lanes[i]; lane.onDisk > 0)
            lanes.push_back({i, lane.onDisk, lane.diskFirst, lane.loadedUpTo});
    return lanes;
}

void Outbox::expired(std::size_t index, std::uint64_t events, std::uint64_t bytes,
                     std::uint64_t next)
{
    const std::lock_guard lock(_mutex);
    Lane& lane = _lanes[index];
    lane.onDisk -= events;
    lane.diskFirst = next;
    _ledger.move(Place::Spooled, Place::Dead, events);
    _ledger.addDisk(-static_cast<std::int64_t>(bytes));
}

void Outbox::deadDropped(std::uint64_t events, DropReason reason)
{
    const std::lock_guard lock(_mutex);
    _ledger.drop(Place::Dead, reason, events);
}

void Outbox::replayed(const std::vector<OnDisk>& lanes, std::uint64_t bytes)
{
    const std::lock_guard lock(_mutex);
    for (const OnDisk& more : lanes)
    {
        Lane& lane = _lanes[more.lane];
        if (lane.onDisk == 0) lane.diskFirst = more.first;
        lane.onDisk += more.events;
        _ledger.move(Place::Dead, Place::Spooled, more.events);
        if (lane.waiting.empty()) askForLoad(lane);
    }
    _ledger.addDisk(static_cast<std::int64_t>(bytes));
}

std::uint64_t Outbox::takeSequences(std::uint64_t count)
{
    const std::lock_guard lock(_mutex);
    const std::uint64_t first = _lastSequence + 1;
    _lastSequence += count;
    return first;
}

} // namespace webhook
