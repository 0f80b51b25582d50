#pragma once

#include "AnswerCache.h"
#include "Breaker.h"
#include "Figures.h"
#include "Pool.h"
#include "Settings.h"
#include "http/Patience.h"
#include "nanomq/services.h"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace auth_http
{

/// One request to be made.
struct Question
{
    Kind kind = Kind::Login;
    std::string key; ///< RequestForm::identify()
    RequestForm::Filled filled;
};

/// A client's packet that waits, and what it is about.
struct Errand
{
    nanomq::sdk::Deferral deferral{};
    std::string clientId;
    std::uint64_t connectedAtMs = 0;
    Question question;
    std::optional<Question> otherwise; ///< asked when the answer to a Kind::Super is not "yes"
};

/// Where questions are asked and answered: the same question is asked once at a time, by at most
/// `pool_size` threads with a kept-alive connection each, which begin and end with the work there
/// is. Bounded queue, deadline, rate, breaker, and memory of answers. No call but serve() waits for
/// anything.
class Desk
{
public:
    using Time = std::chrono::steady_clock::time_point;

    /// Told what became of an errand, on any thread and under no lock.
    class Listener
    {
    public:
        virtual void settled(const Errand& errand, Kind kind, const Decision& decision) = 0;

    protected:
        ~Listener() = default;
    };

    /// All outlive the desk. Throws what Servers does.
    Desk(const Settings& settings, Listener& listener, nanomq::sdk::Host& host,
         nanomq::sdk::Tasks& tasks, Figures& figures);
    /// Requires: stop(), and the threads are joined.
    ~Desk() = default;
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    /// What can be said without asking: from memory, or that the breaker is open. [any]
    std::optional<Decision> known(Kind kind, const std::string& key);
    /// Takes an errand, whose deferral is open. False, and nothing happens, when too many wait.
    /// The listener may be told before this returns. [any]
    bool submit(Errand&& errand);

    /// Ends what waits too long; to be called a few times a second. [executor]
    void sweep();
    /// Breaks off all requests. [host]
    void stop() noexcept;

    /// Makes a request on a connection of its own, beside pool, memory and breaker: for trying out.
    /// Waits for the answer. [any]
    http::Answer tryOut(Kind kind, const RequestForm::Filled& filled) const;

    const Servers& servers() const noexcept { return _servers; }

    struct Status
    {
        Breaker::State breaker = Breaker::State::Closed;
        std::string lastError;
        std::uint64_t lastErrorMs = 0; ///< Unix time
        std::size_t inFlight = 0, queued = 0, waiting = 0, threads = 0, remembered = 0;
        std::size_t mostInFlight = 0; ///< at a time, so far
    };
    Status status(); ///< [any]

private:
    using Stop = nanomq::sdk::Tasks::Stop;

    struct Flight;
    /// An errand on a flight.
    struct Waiter
    {
        Errand errand;
        Flight* flight = nullptr;
    };
    using Waiters = std::multimap<Time, Waiter>; // by deadline
    /// A question that is being asked, or waits for that.
    struct Flight
    {
        Question question;
        std::deque<Waiters::iterator> waiters; // in the order in which they came
        Time sentAt{};
        bool onTheWire = false;
        bool tries = false;     // whether the server works again
        bool abandoned = false; // nobody waits, and it was not sent
    };
    using FlightRef = std::shared_ptr<Flight>;
    /// What is to be told when the lock is open again.
    struct News
    {
        Errand errand;
        Kind kind;
        Decision decision;
    };

    bool board(Errand&& errand, Time deadline, std::vector<News>& news);
    std::optional<Decision> recall(Kind kind, const std::string& key, Time now);
    Decision fallBack(Kind kind, const std::string& key, Decision error, Time now);
    void land(const FlightRef& flight, const Decision& decision, std::vector<News>& news);
    void dropQueue(const Decision& why, std::vector<News>& news);
    void remember(const Question& question, const Decision& decision, bool anybodyWaits, Time now);
    std::string noteAnswer(const Flight& flight, const Decision& decision, bool failure,
                           std::vector<News>& news);
    void tell(std::vector<News>&& news);
    void removeFromFlight(Waiters::iterator waiter);

    // the threads
    static void startThread(void* self);
    static void run(void* self, Stop* stop);
    void serve(Stop& stop);
    FlightRef take(Stop& stop, std::uint32_t& pauseMs, bool mayLeave, bool& left);
    void answered(const FlightRef& flight, const http::Answer& answer);
    void wantThread();
    void wakeAll();

    const Settings& _settings;
    Listener& _listener;
    nanomq::sdk::Host& _host;
    nanomq::sdk::Tasks& _tasks;
    Figures& _figures;
    const Servers _servers;
    http::Cancellation _cancellation;

    std::mutex _mutex; // guards all below; held for a few lines, also on workers
    AnswerCache _cache;
    Breaker _breaker;
    TokenBucket _tokens;
    std::unordered_map<std::string, FlightRef> _flights; // by key
    std::deque<FlightRef> _queue;
    Waiters _waiters;
    std::vector<Stop*> _idle; // threads that wait for work
    Stop* _tokenWaiter = nullptr;
    bool _trying = false;    // a request that tries is on the wire
    std::size_t _queued = 0; // in _queue and not abandoned
    std::size_t _inFlight = 0;
    std::size_t _mostInFlight = 0;
    std::size_t _threads = 0;
    std::string _lastError;
    std::uint64_t _lastErrorMs = 0;
    bool _stopped = false;
};

} // namespace auth_http
