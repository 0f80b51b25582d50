#include "Desk.h"

#include "nanomq/reason_codes.h"

#include <Poco/Timestamp.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace auth_http
{

namespace sdk = nanomq::sdk;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace
{

// A thread that has had nothing to do for so long ends, and its connection with it.
constexpr std::uint32_t kIdleMs = 30'000;
// An answer that came too late for its client waits so long for the client's next attempt.
constexpr milliseconds kLateAnswerKept = 30s;

Decision error(std::string text, sdk::ReasonCode reason = sdk::reason::kServerUnavailable)
{
    Decision decision;
    decision.text = std::move(text);
    decision.reason = reason;
    return decision;
}

} // namespace

Desk::Desk(const Settings& settings, Listener& listener, sdk::Host& host, sdk::Tasks& tasks,
           Figures& figures)
    : _settings(settings),
      _listener(listener),
      _host(host),
      _tasks(tasks),
      _figures(figures),
      _servers(settings),
      _cache(settings.cacheEntries),
      _breaker(settings.breakerFailures, settings.breakerPause, settings.breakerLongestPause),
      _tokens(settings.rate)
{
}

void Desk::stop() noexcept
{
    {
        const std::lock_guard lock(_mutex);
        _stopped = true;
    }
    _cancellation.cancel();
}

// --- questions come in -----------------------------------------------------------------------

std::optional<Decision> Desk::known(Kind kind, const std::string& key)
{
    const std::lock_guard lock(_mutex);
    return recall(kind, key, steady_clock::now());
}

std::optional<Decision> Desk::recall(Kind kind, const std::string& key, Time now)
{
    if (const Decision* fresh = _cache.fresh(key, now))
    {
        _figures.count(Figures::Settled::Cached);
        return *fresh;
    }
    if (_breaker.state(now) != Breaker::State::Open) return {};
    _figures.count(Figures::Settled::Refused);
    return fallBack(kind, key, error("the server does not work: " + _lastError), now);
}

Decision Desk::fallBack(Kind, const std::string& key, Decision error, Time now)
{
    const Decision* const stale = _cache.stale(key, now);
    if (!stale) return error;
    _figures.count(Figures::Settled::Stale);
    return *stale;
}

bool Desk::submit(Errand&& errand)
{
    std::vector<News> news;
    bool taken = false;
    {
        const std::lock_guard lock(_mutex);
        taken = board(std::move(errand), steady_clock::now() + _settings.deadline, news);
    }
    tell(std::move(news));
    return taken;
}

/// Requires: the lock. The errand is moved from only when it was taken.
bool Desk::board(Errand&& errand, Time deadline, std::vector<News>& news)
{
    const Kind kind = errand.question.kind;
    const std::string key = errand.question.key;
    if (auto decision = recall(kind, key, steady_clock::now()))
    {
        news.push_back({std::move(errand), kind, std::move(*decision)});
        return true;
    }
    auto found = _flights.find(key);
    if (found != _flights.end()) _figures.count(Figures::Settled::Joined);
    else
    {
        if (_queued >= _settings.queue)
        {
            _figures.count(Figures::Settled::Busy);
            return false;
        }
        auto flight = std::make_shared<Flight>();
        flight->question = std::move(errand.question);
        found = _flights.emplace(key, flight).first;
        _queue.push_back(std::move(flight));
        ++_queued;
        wantThread();
    }
    const FlightRef flight = found->second;
    errand.question = {};
    flight->waiters.push_back(_waiters.emplace(deadline, Waiter{std::move(errand), flight.get()}));
    return true;
}

// --- and are settled -------------------------------------------------------------------------

/// Requires: the lock. Everybody on the flight learns the decision, or has another question.
void Desk::land(const FlightRef& flight, const Decision& decision, std::vector<News>& news)
{
    _flights.erase(flight->question.key);
    for (const auto waiter : std::exchange(flight->waiters, {}))
    {
        Errand errand = std::move(waiter->second.errand);
        const Time deadline = waiter->first;
        _waiters.erase(waiter);
        const Kind kind = flight->question.kind;
        if (kind != Kind::Super || decision.kind == Decision::Kind::Allow || !errand.otherwise)
        {
            news.push_back({std::move(errand), kind, decision});
            continue;
        }
        errand.question = std::move(*errand.otherwise);
        errand.otherwise.reset();
        if (!board(std::move(errand), deadline, news))
            news.push_back({std::move(errand), Kind::Rights,
                            error("too many questions wait already", sdk::reason::kServerBusy)});
    }
}

void Desk::tell(std::vector<News>&& news)
{
    for (const News& one : news) _listener.settled(one.errand, one.kind, one.decision);
}

/// Requires: the lock.
void Desk::dropQueue(const Decision& why, std::vector<News>& news)
{
    const Time now = steady_clock::now();
    for (const FlightRef& flight : std::exchange(_queue, {}))
    {
        if (flight->abandoned) continue;
        --_queued;
        _figures.count(Figures::Settled::Refused);
        land(flight, fallBack(flight->question.kind, flight->question.key, why, now), news);
    }
}

/// Requires: the lock.
void Desk::remember(const Question& question, const Decision& decision, bool anybodyWaits, Time now)
{
    using Is = Decision::Kind;
    if (decision.kind == Is::Error) return; // what was known stays
    const Settings::Lifetimes& lifetimes = _settings.lifetimes(question.kind);
    milliseconds lifetime = decision.kind == Is::Allow ? lifetimes.allow : lifetimes.deny;
    if (decision.lifetime) lifetime = *decision.lifetime;
    milliseconds staleFor = decision.staleFor.value_or(_settings.stale);
    auto use = AnswerCache::Use::Often;
    if (!anybodyWaits && lifetime == 0ms && !decision.lifetime)
    {
        lifetime = kLateAnswerKept;
        use = AnswerCache::Use::Once;
    }
    if (const auto expiresAt = decision.grant.expiresAt; expiresAt != 0)
    {
        const auto left = std::chrono::duration_cast<milliseconds>(
            std::chrono::seconds(expiresAt) - std::chrono::system_clock::now().time_since_epoch());
        lifetime = std::clamp(left, 0ms, lifetime);
        staleFor = std::clamp(left - lifetime, 0ms, staleFor);
    }
    if (lifetime + staleFor == 0ms) _cache.drop(question.key);
    else _cache.put(question.key, decision, now + lifetime, now + lifetime + staleFor, use);
}

/// Requires: the lock. Returns what the log should say, if anything.
std::string Desk::noteAnswer(const Flight& flight, const Decision& decision, bool failure,
                             std::vector<News>& news)
{
    const Time now = steady_clock::now();
    if (flight.tries) _trying = false;
    if (!failure)
    {
        const bool worked = _breaker.state(now) == Breaker::State::Closed;
        _breaker.succeeded();
        if (worked) return {};
        wakeAll();
        return "the server works again";
    }
    _lastError = decision.text;
    _lastErrorMs = static_cast<std::uint64_t>(Poco::Timestamp().epochMicroseconds() / 1000);
    if (!_breaker.failed(flight.sentAt, now)) return {};
    const auto pause = std::chrono::ceil<milliseconds>(_breaker.until() - now).count();
    std::string text = "the server does not work: " + decision.text + "; it is left alone for " +
                       std::to_string(pause) + " ms, and " + std::to_string(_queued) +
                       " questions that wait are settled without it";
    dropQueue(error("the server does not work: " + decision.text), news);
    return text;
}

void Desk::answered(const FlightRef& flight, const http::Answer& answer)
{
    Decision decision = decisionOf(_settings.dialect, flight->question.kind, answer);
    _figures.count(flight->question.kind, decision.kind);
    const bool failure = isFailure(answer);
    std::vector<News> news;
    std::string toLog;
    {
        const std::lock_guard lock(_mutex);
        --_inFlight;
        if (answer.outcome != http::Answer::Outcome::Cancelled)
            toLog = noteAnswer(*flight, decision, failure, news);
        const Time now = steady_clock::now();
        remember(flight->question, decision, !flight->waiters.empty(), now);
        if (decision.kind == Decision::Kind::Error)
            decision = fallBack(flight->question.kind, flight->question.key, decision, now);
        land(flight, decision, news);
    }
    if (!toLog.empty())
        _host.log(failure ? sdk::LogLevel::Warning : sdk::LogLevel::Information, toLog);
    tell(std::move(news));
}

void Desk::removeFromFlight(Waiters::iterator waiter)
{
    Flight& flight = *waiter->second.flight;
    // The first, as a rule.
    flight.waiters.erase(std::find(flight.waiters.begin(), flight.waiters.end(), waiter));
    if (!flight.waiters.empty() || flight.onTheWire) return;
    flight.abandoned = true;
    --_queued;
    _flights.erase(std::string(flight.question.key)); // may be the last reference but the queue's
}

void Desk::sweep()
{
    std::vector<News> news;
    {
        const std::lock_guard lock(_mutex);
        const Time now = steady_clock::now();
        while (!_waiters.empty() && _waiters.begin()->first <= now)
        {
            const auto waiter = _waiters.begin();
            const Question& question = waiter->second.flight->question;
            const Kind kind = question.kind;
            Decision decision = fallBack(kind, question.key,
                                         error("no answer within the deadline; " +
                                               std::to_string(_waiters.size()) + " clients wait"),
                                         now);
            _figures.count(Figures::Settled::Late);
            removeFromFlight(waiter);
            news.push_back({std::move(waiter->second.errand), kind, std::move(decision)});
            _waiters.erase(waiter);
        }
        while (!_queue.empty() && _queue.front()->abandoned) _queue.pop_front();
        if (_queued > 0 && _threads == 0) wantThread(); // one could not be started
        _figures.inFlight.set(static_cast<std::int64_t>(_inFlight));
        _figures.queued.set(static_cast<std::int64_t>(_queued));
        _figures.waiting.set(static_cast<std::int64_t>(_waiters.size()));
        _figures.connections.set(static_cast<std::int64_t>(_threads));
        _figures.breakerOpen.set(_breaker.state(now) != Breaker::State::Closed);
    }
    tell(std::move(news));
}

http::Answer Desk::tryOut(Kind kind, const RequestForm::Filled& filled) const
{
    return Member(_servers, _settings, _cancellation).ask(kind, filled);
}

Desk::Status Desk::status()
{
    const std::lock_guard lock(_mutex);
    return {_breaker.state(steady_clock::now()),
            _lastError,
            _lastErrorMs,
            _inFlight,
            _queued,
            _waiters.size(),
            _threads,
            _cache.size(),
            _mostInFlight};
}

// --- the threads -----------------------------------------------------------------------------

/// Requires: the lock. Threads are started on the executor: this may be a worker.
void Desk::wantThread()
{
    if (!_idle.empty())
    {
        _idle.back()->notify();
        _idle.pop_back();
    }
    else if (_threads < _settings.poolSize && !_stopped &&
             _tasks.post(&Desk::startThread, this) == 0)
        ++_threads;
}

/// Requires: the lock.
void Desk::wakeAll()
{
    for (Stop* const stop : std::exchange(_idle, {})) stop->notify();
}

void Desk::startThread(void* self)
{
    Desk& desk = *static_cast<Desk*>(self);
    const sdk::Status status = desk._tasks.thread("auth_http", &Desk::run, self);
    if (status == 0) return;
    {
        const std::lock_guard lock(desk._mutex);
        --desk._threads;
    }
    desk._host.error("thread", "no thread for a connection (error " + std::to_string(-status) +
                                   "); the questions wait for another");
}

void Desk::run(void* self, Stop* stop)
{
    static_cast<Desk*>(self)->serve(*stop);
}

void Desk::serve(Stop& stop)
{
    Member member(_servers, _settings, _cancellation);
    Time quietSince = steady_clock::now();
    while (!stop.requested() && !_cancellation.cancelled())
    {
        std::uint32_t pauseMs = 0;
        bool left = false;
        const bool mayLeave = steady_clock::now() - quietSince >= milliseconds(kIdleMs);
        const FlightRef flight = take(stop, pauseMs, mayLeave, left);
        if (left) return;
        if (!flight)
        {
            stop.wait(pauseMs);
            continue;
        }
        answered(flight, member.ask(flight->question.kind, flight->question.filled));
        quietSince = steady_clock::now();
    }
    const std::lock_guard lock(_mutex);
    std::erase(_idle, &stop);
    if (_tokenWaiter == &stop) _tokenWaiter = nullptr;
    --_threads;
}

/// The next question. Null: there is none, or not yet; to be tried again after a pause, or when
/// notified.
Desk::FlightRef Desk::take(Stop& stop, std::uint32_t& pauseMs, bool mayLeave, bool& left)
{
    const std::lock_guard lock(_mutex);
    std::erase(_idle, &stop);
    while (!_queue.empty() && _queue.front()->abandoned) _queue.pop_front();
    const Time now = steady_clock::now();
    const bool tries = _breaker.state(now) != Breaker::State::Closed; // one request at a time
    if (_queue.empty())
    {
        if (mayLeave)
        {
            left = true;
            if (_tokenWaiter == &stop) _tokenWaiter = nullptr;
            --_threads;
            return {};
        }
        pauseMs = kIdleMs;
    }
    else if (tries && _trying) pauseMs = kIdleMs;
    else if (const auto wait = _tokens.take(now); wait > 0ms)
    {
        // One thread looks out for the next token; it wakes another when it has got it.
        if (!_tokenWaiter) _tokenWaiter = &stop;
        pauseMs = _tokenWaiter == &stop ? static_cast<std::uint32_t>(wait.count()) : kIdleMs;
    }
    if (pauseMs > 0)
    {
        _idle.push_back(&stop);
        return {};
    }
    if (_tokenWaiter == &stop) _tokenWaiter = nullptr;
    FlightRef flight = std::move(_queue.front());
    _queue.pop_front();
    --_queued;
    flight->onTheWire = true;
    flight->sentAt = now;
    flight->tries = _trying = tries;
    _mostInFlight = std::max(_mostInFlight, ++_inFlight);
    if (_queued > 0) wantThread();
    return flight;
}

} // namespace auth_http
