#pragma once

#include "Journal.h"
#include "Outbox.h"
#include "Settings.h"
#include "http/Endpoint.h"
#include "http/Patience.h"
#include "nanomq/services.h"

#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace webhook
{

struct Answer;

/// Takes events to the endpoint: an Outbox, and `pool_size` senders that are started when their
/// lane first has work. A sender makes one request at a time, in order, and does not go on to the
/// next before it is settled: delivered, or dropped with a reason.
class Delivery
{
public:
    /// @param settings  has an endpoint; outlives the delivery, as does the host.
    Delivery(const Settings& settings, nanomq::sdk::Host& host);
    /// Requires: stop() has been called, and the senders' threads are joined. What still waits is
    /// counted and logged as dropped.
    ~Delivery();
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    /// Hands an event over; never waits for the endpoint. Thread: [any].
    /// @param clientId  requests with the same one are made in the order they came.
    /// @param size      about how many bytes the body will have, at least.
    /// @param body      makes the body; not called when there is no room for it.
    template <class Body>
    void submit(EventKind kind, std::string_view clientId, std::size_t size, Body body)
    {
        if (_outbox.hasRoomFor(size)) enqueue(kind, clientId, body());
        else refuse();
    }

    /// Lets the senders begin; events that came earlier have waited. Thread: [host].
    void start();
    /// Delivers what it can before the deadline, ends the senders, breaks off attempts that hang.
    /// What is left waits for takeAll(). Thread: [host].
    void stop(std::chrono::milliseconds deadline);

    /// For a hand-over, after stop(). Thread: [host].
    Outbox::Contents takeAll() { return _outbox.takeAll(); }
    /// Before start(). Thread: [host].
    void adopt(Outbox::Contents&& contents) { _outbox.adopt(std::move(contents)); }

    Counts counts() const { return _outbox.counts(); } ///< [any]
    /// State and counters as one JSON object; see README.md. Thread: [any].
    std::string statusJson() const;

private:
    /// What Tasks::thread() gets for a lane.
    struct Lane
    {
        Delivery* delivery;
        std::size_t index;
        std::minstd_rand random;          // its sender's
        std::uint32_t failuresInARow = 0; // its sender's
    };

    /// What is known of the endpoint.
    struct Health
    {
        mutable std::mutex mutex; // guards all of it
        bool started = false;
        bool stopping = false;
        bool everAnswered = false;
        std::size_t failingSenders = 0;
        SteadyTime failingSince;
        std::string lastError;
        std::uint64_t lastErrorMs = 0; // Unix time
    };

    void enqueue(EventKind kind, std::string_view clientId, std::string body);
    void refuse();
    void requestSender(Lane& lane);
    void startSender(Lane& lane);
    void send(Lane& lane, nanomq::sdk::Tasks::Stop& stop);
    bool settle(Lane& lane, const Request& request, const Answer& answer,
                nanomq::sdk::Tasks::Stop& stop);
    bool retryLater(Lane& lane, const Request& request, const Answer& answer,
                    nanomq::sdk::Tasks::Stop& stop);
    void noteSuccess(Lane& lane);
    void noteFailure(Lane& lane, const Answer& answer);
    void noteError(const Answer& answer);
    void pause(std::chrono::milliseconds time, nanomq::sdk::Tasks::Stop& stop) const;
    std::string stateName() const; // under _health.mutex
    std::string post() const { return "POST " + _settings.endpoint->shown + " "; }
    std::string queued() const;
    std::string queueFull() const;

    const Settings& _settings;
    nanomq::sdk::Tasks& _tasks;
    Journal _journal;
    const http::Endpoint _endpoint;
    http::Cancellation _cancellation;
    Outbox _outbox;
    Health _health;
    std::vector<Lane> _lanes;
};

} // namespace webhook
