#include "Delivery.h"

#include "http/Backoff.h"

#include <Poco/Exception.h>
#include <Poco/NumberFormatter.h>
#include <Poco/Timestamp.h>

#include <cstring>
#include <utility>

namespace webhook
{

namespace sdk = nanomq::sdk;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace
{

constexpr milliseconds kIdle = 1min;            // an idle sender is notified of work
constexpr std::uint32_t kNoThreadMs = 200;      // until a thread that failed is tried again
constexpr milliseconds kForTheDisk = 500ms;     // kept of the time for stopping, at most a quarter

std::string seconds(milliseconds time)
{
    return Poco::NumberFormatter::format(static_cast<double>(time.count()) / 1000.0, 1) + " s";
}

sdk::Tasks& tasksOf(sdk::Host& host)
{
    void* tasks = host.query(sdk::Tasks::kInterface);
    if (!tasks) throw Poco::NotFoundException("this broker has no", sdk::Tasks::kInterface);
    return *static_cast<sdk::Tasks*>(tasks);
}

sdk::Metrics* metricsOf(sdk::Host& host)
{
    return static_cast<sdk::Metrics*>(host.query(sdk::Metrics::kInterface));
}

std::string outcome(EventKind kind, bool kept)
{
    return std::string(actionName(kind)) + (kept ? " is a dead letter now" : " dropped");
}

/// A request is made when it is full; else when the first of it has waited long enough.
Outbox::Batching batchingOf(const BatchLimits& limits)
{
    return {limits.maxEvents, limits.maxBytes,
            limits.maxEvents > 1 ? limits.maxDelay : milliseconds(0)};
}

} // namespace

Delivery::Delivery(const EndpointSettings& settings, sdk::Host& host)
    : _settings(settings),
      _tasks(tasksOf(host)),
      _journal(host),
      _endpoint(settings.httpSettings()),
      _outbox(settings.name, settings.poolSize, {settings.maxEvents, settings.maxBytes},
              batchingOf(settings.batch), metricsOf(host))
{
    const auto seed = static_cast<unsigned>(steady_clock::now().time_since_epoch().count());
    for (std::size_t i = 0; i < settings.poolSize; ++i)
        _lanes.push_back({this, i, std::minstd_rand(seed + static_cast<unsigned>(i))});
    if (settings.spool.enable) makeKeeper(host, metricsOf(host));
}

void Delivery::makeKeeper(sdk::Host& host, sdk::Metrics* metrics)
{
    auto* storage = static_cast<sdk::Storage*>(host.query(sdk::Storage::kInterface));
    sdk::Str folder;
    const sdk::Status status = storage ? storage->folder(&folder) : -ENOSYS;
    if (status != 0)
    {
        _journal.warnAlways("no folder for a spool: " + std::string(std::strerror(-status)) +
                            "; events for " + _settings.name + " wait in memory only");
        return;
    }
    _keeper = std::make_unique<Keeper>(
        _settings, std::string(folder.view()), _settings.poolSize, _outbox, _journal, metrics,
        [this](std::size_t lane) { requestSender(_lanes[lane]); });
}

Delivery::~Delivery()
{
    const std::vector<Event> left = _outbox.takeMemory();
    if (left.empty()) return;
    const std::string events = std::to_string(left.size()) + " events for " + _settings.name;
    if (_keeper && _keeper->keep(left))
    {
        _outbox.memoryWritten(left);
        _journal.inform("unloaded; " + events + " wait on disk for the next start");
        return;
    }
    _outbox.memoryDropped(left, DropReason::Unloaded);
    _journal.warnAlways("unloaded; " + events + " were not delivered and are dropped");
}

void Delivery::start()
{
    if (_keeper) _keeper->start(_tasks);
    _health.starts();
    for (const std::size_t lane : _outbox.open()) startSender(_lanes[lane]);
}

void Delivery::drain()
{
    _health.stops();
    for (const std::size_t lane : _outbox.drain()) startSender(_lanes[lane]);
}

void Delivery::stop(SteadyTime end, milliseconds deadline)
{
    const milliseconds reserve = std::min(deadline / 4, kForTheDisk);
    const bool flushed = _outbox.awaitDetached(end - 2 * reserve);
    _cancellation.cancel();
    if (!flushed && !_outbox.awaitDetached(end - reserve))
        _journal.warnAlways("a sender is still looking up \"" + _settings.address->host +
                            "\"; unloading waits for it");
    if (_keeper && !_keeper->stop(end))
        _journal.warnAlways("the disk is slow; unloading waits for " + _keeper->status().file);
}

std::optional<Keeper::Status> Delivery::spool() const
{
    if (!_keeper) return {};
    return _keeper->status();
}

// --- taking events ---------------------------------------------------------------------------

void Delivery::enqueue(EventKind kind, const HeaderFacts& facts, std::string body)
{
    Event event;
    event.kind = kind;
    event.client = hashOf(facts.clientId);
    event.acceptedAt = steady_clock::now();
    for (const HeaderTemplate& header : _settings.templates) header.render(facts, event.headers);
    event.body = std::move(body);
    std::optional<std::size_t> lane;
    if (!_outbox.accept(std::move(event), lane))
        _journal.warn(Journal::Trouble::QueueFull, [this] { return queueFull(); });
    else if (lane) requestSender(_lanes[*lane]);
}

void Delivery::refuse(std::size_t size)
{
    _outbox.refuse(size);
    _journal.warn(Journal::Trouble::QueueFull, [this] { return queueFull(); });
}

std::string Delivery::queueFull() const
{
    const Counts now = _outbox.counts();
    const auto dropped = now.drop(DropReason::QueueFull) + now.drop(DropReason::SpoolFull);
    return "the queue for " + _settings.address->shown + " is full (" +
           std::to_string(now.at(Place::Queued) + now.at(Place::InFlight)) + " events in memory, " +
           std::to_string(now.at(Place::Spooled)) + " on disk); new events are dropped, " +
           std::to_string(dropped) + " so far";
}

/// An event may come on a worker, where threads are not to be started: the executor does it.
void Delivery::requestSender(Lane& lane)
{
    const auto run = [](void* self) {
        Lane& lane = *static_cast<Lane*>(self);
        lane.delivery->startSender(lane);
    };
    if (_tasks.post(run, &lane) != 0 && _outbox.claimStart(lane.index))
        _outbox.startFailed(lane.index);
}

void Delivery::startSender(Lane& lane)
{
    if (!_outbox.claimStart(lane.index)) return;
    const auto run = [](void* self, Stop* stop) {
        Lane& lane = *static_cast<Lane*>(self);
        lane.delivery->send(lane, *stop);
    };
    const std::string name = "webhook-" + std::to_string(lane.index);
    const sdk::Status status = _tasks.thread(name, run, &lane);
    if (status == 0) return;
    _outbox.startFailed(lane.index);
    _journal.warn(Journal::Trouble::NoThread, [status] {
        return "no thread for a sender (error " + std::to_string(-status) + "); next try in " +
               seconds(milliseconds(kNoThreadMs));
    });
    const auto again = [](void* self) {
        Lane& lane = *static_cast<Lane*>(self);
        if (lane.delivery->_outbox.askAgain(lane.index)) lane.delivery->startSender(lane);
    };
    std::uint64_t id = 0; // ends with the plugin; until it runs the next event may ask as well
    _tasks.timer(kNoThreadMs, 0, again, &lane, &id);
}

// --- a sender --------------------------------------------------------------------------------

void Delivery::send(Lane& lane, Stop& stop)
{
    _outbox.attach(lane.index, stop);
    try
    {
        HttpPoster poster(_endpoint, _cancellation);
        bool goOn = true;
        while (goOn && !stop.requested() && !_cancellation.cancelled())
            sendNext(lane, poster, stop, goOn);
    }
    catch (const std::exception& failure) // the border: out of memory must not end the broker
    {
        _journal.warn(Journal::Trouble::NoThread, [&] {
            return std::string("a sender ended: ") + failure.what() +
                   "; the next event of its clients starts another";
        });
    }
    _outbox.detach(lane.index);
}

void Delivery::sendNext(Lane& lane, HttpPoster& poster, Stop& stop, bool& goOn)
{
    pauseUntil(_health.waitsUntil(), stop);
    if (stop.requested()) return;
    const SteadyTime now = steady_clock::now();
    SteadyTime due;
    if (const Batch* batch = _outbox.begin(lane.index, now, due))
    {
        const std::int64_t unixSeconds = Poco::Timestamp().epochTime();
        const Answer answer = poster.post(wireOf(_settings, *batch, unixSeconds));
        goOn = settle(lane, *batch, answer, stop);
    }
    else if (_outbox.isDraining()) goOn = false;
    else
    {
        const auto wait = due == SteadyTime::max()
                              ? kIdle
                              : std::chrono::ceil<milliseconds>(due - now);
        stop.wait(static_cast<std::uint32_t>(wait.count()));
    }
}

/// Returns false when the sender is to end.
bool Delivery::settle(Lane& lane, const Batch& batch, const Answer& answer, Stop& stop)
{
    switch (answer.kind)
    {
    case Answer::Kind::Delivered:
        _outbox.delivered(lane.index);
        noteSuccess(lane);
        return true;
    case Answer::Kind::Refused:
        refused(lane, batch, answer);
        noteSuccess(lane); // it is there, and says so
        return true;
    case Answer::Kind::TryAgain: return retryLater(lane, batch, answer, stop);
    case Answer::Kind::Cancelled: break;
    }
    _outbox.putBack(lane.index, Outbox::Blame::Nobody);
    return false;
}

/// Of several events, one may be to blame: they go again by halves.
void Delivery::refused(Lane& lane, const Batch& batch, const Answer& answer)
{
    _health.noteError(answer.text);
    if (batch.size() > 1)
    {
        _outbox.split(lane.index);
        return;
    }
    const EventKind kind = batch.front().kind;
    const bool kept = _outbox.giveUp(lane.index, DropReason::Refused, answer.text);
    _journal.warn(Journal::Trouble::Refused, [&] {
        return post() + answer.text + "; " + outcome(kind, kept) + ", not tried again";
    });
}

bool Delivery::retryLater(Lane& lane, const Batch& batch, const Answer& answer, Stop& stop)
{
    noteFailure(lane, answer);
    if (_outbox.isDraining())
    {
        _outbox.putBack(lane.index, Outbox::Blame::Endpoint);
        return false;
    }
    putBackOrGiveUp(lane, batch, answer);

    // The pause is the lane's, not the event's: a dead endpoint is not knocked at faster because
    // events are given up. What the endpoint asks for holds for all lanes.
    milliseconds delay =
        http::backoff(_settings.retry.minDelay, _settings.retry.maxDelay, lane.failuresInARow,
                      std::uniform_real_distribution<>()(lane.random));
    if (answer.retryAfter)
    {
        _health.waitUntil(steady_clock::now() + *answer.retryAfter);
        delay = std::max<milliseconds>(delay, *answer.retryAfter);
    }
    _journal.warn(Journal::Trouble::Retry, [&] {
        return post() + answer.text + "; retry " + std::to_string(lane.failuresInARow) + " in " +
               seconds(delay) + "; " + waiting();
    });
    pauseUntil(steady_clock::now() + delay, stop);
    return true;
}

void Delivery::putBackOrGiveUp(Lane& lane, const Batch& batch, const Answer& answer)
{
    // With a spool an event waits as long as its endpoint is away; without one, every attempt
    // counts, or a dead endpoint would keep the queue full of old events.
    const bool counts = !_keeper || answer.blamesEvent;
    const Event& first = batch.front();
    const std::uint32_t attempts = first.attempts + 1;
    const EventKind kind = first.kind;
    const auto age =
        std::chrono::duration_cast<milliseconds>(steady_clock::now() - first.acceptedAt);
    const bool tooOften = counts && attempts >= _settings.retry.maxAttempts;
    const bool tooOld = age >= (_keeper ? _settings.spool.maxAge : _settings.retry.maxAge);
    if (!tooOften && !tooOld)
    {
        _outbox.putBack(lane.index, counts ? Outbox::Blame::Event : Outbox::Blame::Endpoint);
        return;
    }
    if (batch.size() > 1)
    {
        _outbox.split(lane.index); // each has its last attempt in smaller company
        return;
    }
    const bool kept = _outbox.giveUp(
        lane.index, tooOften ? DropReason::GaveUp : DropReason::Expired, answer.text);
    _journal.warn(Journal::Trouble::GivenUp, [&] {
        return post() + answer.text + "; " + outcome(kind, kept) + " after attempt " +
               std::to_string(attempts) + ", " + seconds(age) + " old; " + waiting();
    });
}

void Delivery::pauseUntil(SteadyTime end, Stop& stop) const
{
    while (!stop.requested() && !_outbox.isDraining())
    {
        const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now()).count();
        if (left <= 0) return;
        stop.wait(static_cast<std::uint32_t>(left));
    }
}

void Delivery::noteSuccess(Lane& lane)
{
    const auto silence = _health.noteSuccess(std::exchange(lane.failuresInARow, 0));
    if (silence)
        _journal.inform(post() + "is answered again after " + seconds(*silence) + "; " + waiting());
}

void Delivery::noteFailure(Lane& lane, const Answer& answer)
{
    _health.noteError(answer.text);
    _health.noteFailure(lane.failuresInARow++);
}

std::string Delivery::waiting() const
{
    const Counts now = _outbox.counts();
    std::string text = std::to_string(now.at(Place::Queued)) + " events queued";
    if (_keeper) text += ", " + std::to_string(now.at(Place::Spooled)) + " on disk";
    return text;
}

} // namespace webhook
