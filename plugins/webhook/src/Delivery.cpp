#include "Delivery.h"

#include "HttpPoster.h"
#include "http/Backoff.h"

#include <Poco/Dynamic/Var.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSONString.h>
#include <Poco/NumberFormatter.h>
#include <Poco/Timestamp.h>

#include <functional>
#include <sstream>
#include <utility>

namespace webhook
{

namespace sdk = nanomq::sdk;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace
{

// An idle sender is notified of work. That a notification just before wait() is remembered is not
// promised, so this is how late an event can be at worst.
constexpr std::uint32_t kIdleMs = 1'000;
constexpr std::uint32_t kNoThreadMs =
    200; // until a thread that could not be started is tried again

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

} // namespace

Delivery::Delivery(const Settings& settings, sdk::Host& host)
    : _settings(settings),
      _tasks(tasksOf(host)),
      _journal(host),
      _endpoint({*settings.endpoint, settings.connectTimeout, settings.timeout, {}}),
      _outbox(settings.poolSize, {settings.maxEvents, settings.maxBytes},
              static_cast<sdk::Metrics*>(host.query(sdk::Metrics::kInterface)))
{
    const auto seed = static_cast<unsigned>(steady_clock::now().time_since_epoch().count());
    for (std::size_t i = 0; i < settings.poolSize; ++i)
        _lanes.push_back({this, i, std::minstd_rand(seed + static_cast<unsigned>(i))});
}

Delivery::~Delivery()
{
    if (const std::uint64_t lost = _outbox.dropAll(DropReason::Unloaded); lost > 0)
        _journal.warnAlways("unloaded; " + std::to_string(lost) + " events for " +
                            _settings.endpoint->shown + " were not delivered and are dropped");
}

void Delivery::start()
{
    {
        const std::lock_guard lock(_health.mutex);
        _health.started = true;
    }
    for (const std::size_t lane : _outbox.open()) startSender(_lanes[lane]);
}

void Delivery::stop(milliseconds deadline)
{
    const SteadyTime end = steady_clock::now() + deadline;
    {
        const std::lock_guard lock(_health.mutex);
        _health.stopping = true;
    }
    for (const std::size_t lane : _outbox.drain()) startSender(_lanes[lane]);
    const bool flushed = _outbox.awaitDetached(end - std::min<milliseconds>(deadline / 4, 500ms));
    _cancellation.cancel();
    if (!flushed && !_outbox.awaitDetached(end))
        _journal.warnAlways("a sender is still looking up \"" + _settings.endpoint->host +
                            "\"; unloading waits for it");
}

// --- taking events ---------------------------------------------------------------------------

void Delivery::enqueue(EventKind kind, std::string_view clientId, std::string body)
{
    Request request;
    request.kind = kind;
    request.client = std::hash<std::string_view>()(clientId);
    request.acceptedAt = steady_clock::now();
    request.body = std::move(body);
    std::optional<std::size_t> lane;
    if (!_outbox.accept(std::move(request), lane))
        _journal.warn(Journal::Trouble::QueueFull, [this] { return queueFull(); });
    else if (lane) requestSender(_lanes[*lane]);
}

void Delivery::refuse()
{
    _outbox.refuse();
    _journal.warn(Journal::Trouble::QueueFull, [this] { return queueFull(); });
}

std::string Delivery::queueFull() const
{
    const Counts now = _outbox.counts();
    const auto dropped = now.drops[static_cast<std::size_t>(DropReason::QueueFull)];
    return "the queue for " + _settings.endpoint->shown + " is full (" +
           std::to_string(now.queued + now.inFlight) + " events, " + std::to_string(now.bytes) +
           " bytes); new events are dropped, " + std::to_string(dropped) + " so far";
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
    const auto run = [](void* self, sdk::Tasks::Stop* stop) {
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

void Delivery::send(Lane& lane, sdk::Tasks::Stop& stop)
{
    _outbox.attach(lane.index, stop);
    try
    {
        HttpPoster poster(_settings, _endpoint, _cancellation);
        while (!stop.requested() && !_cancellation.cancelled())
        {
            if (const Request* request = _outbox.begin(lane.index))
            {
                if (!settle(lane, *request, poster.post(request->body), stop)) break;
            }
            else if (_outbox.isDraining()) break;
            else stop.wait(kIdleMs);
        }
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

/// Returns false when the sender is to end.
bool Delivery::settle(Lane& lane, const Request& request, const Answer& answer,
                      sdk::Tasks::Stop& stop)
{
    switch (answer.kind)
    {
    case Answer::Kind::Delivered:
        _outbox.delivered(lane.index);
        noteSuccess(lane);
        return true;
    case Answer::Kind::Refused:
    {
        const EventKind kind = request.kind;
        _outbox.drop(lane.index, DropReason::Refused);
        noteSuccess(lane); // it is there, and says so
        noteError(answer);
        _journal.warn(Journal::Trouble::Refused, [&] {
            return post() + answer.text + "; " + std::string(actionName(kind)) +
                   " dropped, not tried again";
        });
        return true;
    }
    case Answer::Kind::TryAgain: return retryLater(lane, request, answer, stop);
    case Answer::Kind::Cancelled: _outbox.putBack(lane.index, false); return false;
    }
    return false;
}

bool Delivery::retryLater(Lane& lane, const Request& request, const Answer& answer,
                          sdk::Tasks::Stop& stop)
{
    noteFailure(lane, answer);
    if (_outbox.isDraining())
    {
        _outbox.putBack(lane.index, true);
        return false;
    }
    const auto attempts = request.attempts + 1;
    const auto age =
        std::chrono::duration_cast<milliseconds>(steady_clock::now() - request.acceptedAt);
    const bool givenUp = attempts >= _settings.retry.maxAttempts;
    const std::string action(actionName(request.kind));
    if (givenUp || age >= _settings.retry.maxAge)
    {
        _outbox.drop(lane.index, givenUp ? DropReason::GaveUp : DropReason::Expired);
        _journal.warn(Journal::Trouble::GivenUp, [&] {
            return post() + answer.text + "; " + action + " dropped after attempt " +
                   std::to_string(attempts) + ", " + seconds(age) + " old; " + queued();
        });
    }
    else _outbox.putBack(lane.index, true);

    // The pause is the lane's, not the request's: a dead endpoint is not knocked at faster because
    // requests give up.
    const auto delay =
        http::backoff(_settings.retry.minDelay, _settings.retry.maxDelay, lane.failuresInARow,
                      std::uniform_real_distribution<>()(lane.random));
    _journal.warn(Journal::Trouble::Retry, [&] {
        return post() + answer.text + "; retry " + std::to_string(lane.failuresInARow) + " in " +
               seconds(delay) + "; " + queued();
    });
    pause(delay, stop);
    return true;
}

void Delivery::pause(milliseconds time, sdk::Tasks::Stop& stop) const
{
    const SteadyTime end = steady_clock::now() + time;
    while (!stop.requested() && !_outbox.isDraining())
    {
        const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now()).count();
        if (left <= 0) return;
        stop.wait(static_cast<std::uint32_t>(left));
    }
}

// --- what is known of the endpoint -----------------------------------------------------------

void Delivery::noteSuccess(Lane& lane)
{
    milliseconds silence{0};
    {
        const std::lock_guard lock(_health.mutex);
        _health.everAnswered = true;
        if (std::exchange(lane.failuresInARow, 0) == 0 || --_health.failingSenders > 0) return;
        silence =
            std::chrono::duration_cast<milliseconds>(steady_clock::now() - _health.failingSince);
    }
    _journal.inform(post() + "is answered again after " + seconds(silence) + "; " + queued());
}

void Delivery::noteFailure(Lane& lane, const Answer& answer)
{
    noteError(answer);
    const std::lock_guard lock(_health.mutex);
    if (lane.failuresInARow++ > 0) return;
    if (_health.failingSenders++ == 0) _health.failingSince = steady_clock::now();
}

void Delivery::noteError(const Answer& answer)
{
    const std::lock_guard lock(_health.mutex);
    _health.lastError = answer.text;
    _health.lastErrorMs = static_cast<std::uint64_t>(Poco::Timestamp().epochMicroseconds() / 1000);
}

std::string Delivery::queued() const
{
    return std::to_string(_outbox.counts().queued) + " events queued";
}

std::string Delivery::stateName() const
{
    if (_health.stopping) return "stopping";
    if (!_health.started) return "holding";
    if (_health.failingSenders > 0) return "failing";
    return _health.everAnswered ? "up" : "idle";
}

std::string Delivery::statusJson() const
{
    using Poco::JSON::Object;
    const Counts now = _outbox.counts();
    Object reasons(Poco::JSON_PRESERVE_KEY_ORDER);
    for (std::size_t i = 0; i < kDropReasons; ++i)
        reasons.set(std::string(dropReasonName(static_cast<DropReason>(i))), now.drops[i]);

    Object endpoint(Poco::JSON_PRESERVE_KEY_ORDER);
    endpoint.set("url", _settings.endpoint->shown);
    {
        const std::lock_guard lock(_health.mutex);
        endpoint.set("state", stateName());
        endpoint.set("senders_failing", _health.failingSenders);
        endpoint.set("last_error", _health.lastErrorMs ? Poco::Dynamic::Var(_health.lastError)
                                                       : Poco::Dynamic::Var());
        endpoint.set("last_error_ms", _health.lastErrorMs);
    }
    endpoint.set("accepted", now.accepted);
    endpoint.set("delivered", now.delivered);
    endpoint.set("in_flight", now.inFlight);
    endpoint.set("queued", now.queued);
    endpoint.set("dropped", now.dropped());
    endpoint.set("dropped_by_reason", reasons);
    endpoint.set("queued_bytes", now.bytes);
    endpoint.set("failed_attempts", now.failedAttempts);
    std::ostringstream text;
    endpoint.stringify(text);
    return text.str();
}

} // namespace webhook
