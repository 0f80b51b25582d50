#include "Keeper.h"

#include <algorithm>
#include <utility>

namespace webhook
{

namespace sdk = nanomq::sdk;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace
{

constexpr milliseconds kAfterFailure = 1s;
constexpr milliseconds kTidyEvery = 5s;
constexpr std::size_t kReplayed = 500; // in one transaction

/// "default.db"; what stands in a URL has no place in a file's name.
std::string fileOf(const std::string& folder, const std::string& endpoint)
{
    const bool plain = std::all_of(endpoint.begin(), endpoint.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    const std::string name =
        plain ? endpoint : "url-" + EventId{0, hashOf(endpoint)}.text().substr(16);
    return folder + "/" + name + ".db";
}

} // namespace

Keeper::Keeper(const EndpointSettings& settings, const std::string& folder, std::size_t lanes,
               Outbox& outbox, Journal& journal, sdk::Metrics* metrics,
               std::function<void(std::size_t lane)> requestSender)
    : _settings(settings),
      _outbox(outbox),
      _journal(journal),
      _requestSender(std::move(requestSender)),
      _spool(fileOf(folder, settings.name), lanes)
{
    if (metrics)
        _errorSeries = metrics->counter("webhook_spool_errors_total",
                                        "endpoint=\"" + settings.name + "\"",
                                        "What the disk did not do for the spool");
}

// --- life ------------------------------------------------------------------------------------

void Keeper::start(sdk::Tasks& tasks)
{
    {
        const std::lock_guard operation(_operation);
        try
        {
            Spool::Found found;
            if (_spool.exists()) found = _spool.open();
            _outbox.recovered(found.lanes, found.lastSequence, found.bytes, found.dead);
            if (found.bytes + found.dead > 0)
                _journal.inform(std::to_string(_outbox.counts().at(Place::Spooled)) +
                                " events and " + std::to_string(found.dead) +
                                " dead letters for " + _settings.name + " are in " + _spool.file());
        }
        catch (const DatabaseError& failure)
        {
            failed(failure);
            // Not damaged: somebody has it, or the disk is not there. It would come back with
            // events older than those of today, so it is left alone until the next start.
            if (!failure.isDamage())
            {
                _journal.warnAlways("nothing is spooled for " + _settings.name +
                                    " until the plugin is loaded again");
                return;
            }
            _outbox.recovered({}, 0, 0, 0);
        }
    }
    const auto run = [](void* self, sdk::Tasks::Stop* stop) {
        static_cast<Keeper*>(self)->run(*stop);
    };
    {
        const std::lock_guard lock(_mutex);
        _running = true;
    }
    _outbox.useSpool(_settings.spool.maxBytes);
    const sdk::Status status = tasks.thread("webhook-spool", run, this);
    if (status == 0) return;
    _outbox.endSpool();
    _outbox.notWritten(_outbox.takeWork());
    const std::lock_guard lock(_mutex);
    _running = false;
    _journal.warnAlways("no thread for the spool of " + _settings.name + " (error " +
                        std::to_string(-status) + "); events wait in memory only");
}

bool Keeper::stop(SteadyTime deadline)
{
    std::unique_lock lock(_mutex);
    _ending = true;
    if (_stop) _stop->notify();
    return _changed.wait_until(lock, deadline, [this] { return !_running; });
}

bool Keeper::keep(const std::vector<Event>& events)
{
    const std::lock_guard operation(_operation);
    try
    {
        _spool.write(events);
        return true;
    }
    catch (const DatabaseError& failure)
    {
        failed(failure);
        return false;
    }
}

void Keeper::run(sdk::Tasks::Stop& stop)
{
    {
        const std::lock_guard lock(_mutex);
        _stop = &stop;
    }
    _outbox.attachKeeper(stop);
    SteadyTime tidyAt = steady_clock::now() + kTidyEvery;
    SteadyTime pausesUntil{};
    const auto isEnding = [this, &stop] {
        const std::lock_guard lock(_mutex);
        return _ending || stop.requested();
    };
    while (!isEnding())
    {
        const SteadyTime now = steady_clock::now();
        if (now >= pausesUntil)
        {
            bool fine = turn();
            if (now >= tidyAt)
            {
                fine = tidy() && fine;
                tidyAt = now + kTidyEvery;
            }
            if (!fine) pausesUntil = steady_clock::now() + kAfterFailure;
        }
        const auto left = std::chrono::ceil<milliseconds>(
            (pausesUntil > now ? pausesUntil : tidyAt) - steady_clock::now());
        if (left > 0ms) stop.wait(static_cast<std::uint32_t>(left.count()));
    }
    turn(); // what the senders have left
    _outbox.endSpool();
    const std::lock_guard lock(_mutex);
    _stop = nullptr;
    _running = false;
    _changed.notify_all();
}

// --- a turn ----------------------------------------------------------------------------------

/// Does what there is to do. False when the disk failed.
bool Keeper::turn()
{
    const std::lock_guard operation(_operation);
    Outbox::Work work = _outbox.takeWork();
    return work.empty() || (write(work) && load(work));
}

bool Keeper::write(Outbox::Work& work)
{
    if (work.toDisk.empty() && work.dead.empty() && work.settled.empty()) return true;
    try
    {
        _spool.write(work);
        _outbox.written(work);
    }
    catch (const DatabaseError& failure)
    {
        const std::size_t events = work.toDisk.size() + work.dead.size();
        for (const std::size_t lane : _outbox.notWritten(std::move(work))) _requestSender(lane);
        _journal.warn(Journal::Trouble::QueueFull, [&] {
            return std::to_string(events) + " events for " + _settings.name +
                   " stay in memory, or are dropped where that is full";
        });
        failed(failure);
        return false;
    }
    return work.dead.empty() || trimDead();
}

bool Keeper::load(const Outbox::Work& work)
{
    for (const auto& load : work.loads)
    {
        try
        {
            Spool::Loaded loaded = _spool.load(load);
            const auto after =
                _outbox.loaded(load.lane, std::move(loaded.events), loaded.next);
            if (after.asksForSender) _requestSender(load.lane);
            if (after.lost > 0)
                failed(DatabaseError(_spool.file() + ": " + std::to_string(after.lost) +
                                         " events that were written are not there",
                                     0));
        }
        catch (const DatabaseError& failure)
        {
            for (const auto& other : work.loads) _outbox.notLoaded(other.lane);
            failed(failure);
            return false;
        }
    }
    return true;
}

bool Keeper::tidy()
{
    const std::lock_guard operation(_operation);
    if (!_spool.exists()) return true;
    try
    {
        for (const Outbox::OnDisk& lane : _outbox.lanesOnDisk())
        {
            const Spool::Expired gone = _spool.expire(lane, _settings.spool.maxAge);
            if (gone.events == 0) continue;
            _outbox.expired(lane.lane, gone.events, gone.bytes, gone.next);
            _journal.warn(Journal::Trouble::GivenUp, [&] {
                return std::to_string(gone.events) + " events for " + _settings.name +
                       " waited on disk for too long and are dead letters now";
            });
        }
        if (_outbox.counts().at(Place::Spooled) == 0) _spool.shrink();
    }
    catch (const DatabaseError& failure)
    {
        failed(failure);
        return false;
    }
    return trimDead();
}

bool Keeper::trimDead()
{
    Spool::Trimmed gone;
    try
    {
        gone = _spool.trimDead(_settings.dead.maxBytes, _settings.dead.maxAge);
    }
    catch (const DatabaseError& failure)
    {
        failed(failure);
        return false;
    }
    if (gone.tooMany > 0) _outbox.deadDropped(gone.tooMany, DropReason::DeadFull);
    if (gone.tooOld > 0) _outbox.deadDropped(gone.tooOld, DropReason::DeadExpired);
    if (gone.tooMany + gone.tooOld > 0)
        _journal.warn(Journal::Trouble::GivenUp, [&] {
            return "the " + std::to_string(gone.tooMany + gone.tooOld) +
                   " oldest dead letters for " + _settings.name + " are dropped";
        });
    return true;
}

/// Says so and counts. A damaged file is put aside: everything goes on with a new one.
void Keeper::failed(const DatabaseError& failure)
{
    {
        const std::lock_guard lock(_mutex);
        ++_errors;
        _lastError = failure.what();
    }
    if (_errorSeries) _errorSeries->add(1);
    _journal.warn(Journal::Trouble::Disk,
                  [&] { return std::string("spool: ") + failure.what(); });
    if (!failure.isDamage()) return;
    const Counts before = _outbox.counts();
    _outbox.diskLost();
    const std::string aside = _spool.setAside();
    _journal.warnAlways("spool: the damaged file is put aside as " + aside + "; " +
                        std::to_string(_outbox.counts().dropped() - before.dropped()) +
                        " events and dead letters in it are lost");
}

// --- dead letters ----------------------------------------------------------------------------

Keeper::Letters Keeper::list(std::optional<std::uint64_t> number, std::uint64_t after,
                             std::size_t limit)
{
    const std::lock_guard operation(_operation);
    try
    {
        return {_spool.dead(number, after, limit), {}};
    }
    catch (const DatabaseError& failure)
    {
        failed(failure);
        return {{}, failure.what()};
    }
}

Keeper::Outcome Keeper::replay(std::optional<std::uint64_t> number)
{
    Outcome outcome;
    {
        const std::lock_guard lock(_mutex);
        if (!_running) return {0, 0, "nothing is spooled at the moment; see the log"};
    }
    std::uint64_t meant = number ? 1 : _outbox.counts().at(Place::Dead);
    while (meant > 0)
    {
        const std::lock_guard operation(_operation);
        try
        {
            auto letters = _spool.dead(number, 0, std::min<std::size_t>(meant, kReplayed));
            const std::size_t found = letters.size();
            replaySome(letters, outcome);
            meant -= std::min<std::uint64_t>(meant, letters.size());
            if (letters.size() < found || found == 0) break; // no room for more, or no more
        }
        catch (const DatabaseError& failure)
        {
            failed(failure);
            outcome.error = failure.what();
            break;
        }
    }
    outcome.left = number ? 0 : meant;
    return outcome;
}

/// As many as the spool has room for; the others are taken out of `letters`.
void Keeper::replaySome(std::vector<Spool::DeadRecord>& letters, Outcome& outcome)
{
    std::uint64_t bytes = 0;
    const std::uint64_t used = _outbox.counts().diskBytes;
    const auto end = std::find_if(letters.begin(), letters.end(), [&](const auto& letter) {
        bytes += letter.event.bytes();
        return used + bytes > _settings.spool.maxBytes;
    });
    if (end != letters.end()) outcome.error = "the spool is full; try again when it is emptier";
    letters.erase(end, letters.end());
    if (letters.empty()) return;

    std::uint64_t sequence = _outbox.takeSequences(letters.size());
    std::vector<Outbox::OnDisk> lanes;
    bytes = 0;
    for (auto& letter : letters)
    {
        letter.event.sequence = sequence++;
        letter.event.attempts = 0;
        letter.event.acceptedAt = steady_clock::now();
        bytes += letter.event.bytes();
        const std::size_t lane = _outbox.laneOf(letter.event.client);
        const auto known = std::find_if(lanes.begin(), lanes.end(),
                                        [lane](const auto& one) { return one.lane == lane; });
        if (known != lanes.end()) ++known->events;
        else lanes.push_back({lane, 1, letter.event.sequence, 0});
    }
    _spool.revive(letters);
    _outbox.replayed(lanes, bytes);
    outcome.done += letters.size();
}

Keeper::Outcome Keeper::drop(std::optional<std::uint64_t> number)
{
    const std::lock_guard operation(_operation);
    Outcome outcome;
    try
    {
        outcome.done = _spool.dropDead(number);
        _outbox.deadDropped(outcome.done, DropReason::Operator);
    }
    catch (const DatabaseError& failure)
    {
        failed(failure);
        outcome.error = failure.what();
    }
    return outcome;
}

Keeper::Status Keeper::status() const
{
    const std::lock_guard lock(_mutex);
    return {_spool.file(), _errors, _lastError};
}

} // namespace webhook
