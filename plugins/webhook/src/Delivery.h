#pragma once

#include "EndpointSettings.h"
#include "Health.h"
#include "HttpPoster.h"
#include "Journal.h"
#include "Keeper.h"
#include "Outbox.h"
#include "http/Endpoint.h"
#include "http/Patience.h"
#include "nanomq/services.h"

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace webhook
{

/// Takes events to one endpoint: an Outbox, `pool_size` senders that are started when their lane
/// first has work, and a Keeper for what finds no room in memory. A sender makes one request at a
/// time, in order, and does not go on to the next before it is settled: delivered, or given up.
class Delivery
{
public:
    /// @param settings  has an address; outlives the delivery, as does the host.
    /// Throws Poco::Net::SSLContextException for certificates that cannot be used.
    Delivery(const EndpointSettings& settings, nanomq::sdk::Host& host);
    /// Requires: stop() has been called, and the senders' threads are joined. What still waits in
    /// memory goes to disk; where it cannot, it is counted and logged as dropped.
    ~Delivery();
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    /// Hands an event over; never waits for the endpoint. Thread: [any].
    /// @param facts  requests with the same Client Identifier are made in the order they came.
    /// @param size   about how many bytes the body will have, at least.
    /// @param body   makes the body; not called when there is no room for it.
    template <class Body>
    void submit(EventKind kind, const HeaderFacts& facts, std::size_t size, Body body)
    {
        if (_outbox.hasRoomFor(size)) enqueue(kind, facts, body());
        else refuse(size);
    }

    /// Lets the senders begin; events that came earlier have waited. Thread: [host].
    void start();
    /// From now on delivers what is in memory, and nothing is tried again. Thread: [host].
    void drain();
    /// After drain(): ends the senders, breaks off attempts that hang, writes what goes to disk.
    /// What is left waits for takeAll(). Thread: [host].
    /// @param deadline  until `end`, since drain().
    void stop(SteadyTime end, std::chrono::milliseconds deadline);

    /// For a hand-over, after stop(). Thread: [host].
    Outbox::Contents takeAll() { return _outbox.takeAll(); }
    /// Before start(). Thread: [host].
    void adopt(Outbox::Contents&& contents) { _outbox.adopt(std::move(contents)); }

    const EndpointSettings& settings() const noexcept { return _settings; }
    const http::Endpoint& endpoint() const noexcept { return _endpoint; }
    const http::Cancellation& cancellation() const noexcept { return _cancellation; }
    Keeper* keeper() noexcept { return _keeper.get(); }         ///< null without a spool
    Counts counts() const { return _outbox.counts(); }          ///< [any]
    Health::Report health() const { return _health.report(); }  ///< [any]
    std::optional<Keeper::Status> spool() const;                ///< [any]

private:
    /// What Tasks::thread() gets for a lane.
    struct Lane
    {
        Delivery* delivery;
        std::size_t index;
        std::minstd_rand random;          // its sender's
        std::uint32_t failuresInARow = 0; // its sender's
    };
    using Stop = nanomq::sdk::Tasks::Stop;
    using Batch = std::vector<Event>;

    void makeKeeper(nanomq::sdk::Host& host, nanomq::sdk::Metrics* metrics);
    void enqueue(EventKind kind, const HeaderFacts& facts, std::string body);
    void refuse(std::size_t size);
    void requestSender(Lane& lane);
    void startSender(Lane& lane);
    void send(Lane& lane, Stop& stop);
    void sendNext(Lane& lane, HttpPoster& poster, Stop& stop, bool& goOn);
    bool settle(Lane& lane, const Batch& batch, const Answer& answer, Stop& stop);
    void refused(Lane& lane, const Batch& batch, const Answer& answer);
    bool retryLater(Lane& lane, const Batch& batch, const Answer& answer, Stop& stop);
    void putBackOrGiveUp(Lane& lane, const Batch& batch, const Answer& answer);
    void noteSuccess(Lane& lane);
    void noteFailure(Lane& lane, const Answer& answer);
    void pauseUntil(SteadyTime end, Stop& stop) const;
    std::string post() const { return "POST " + _settings.address->shown + " "; }
    std::string waiting() const;
    std::string queueFull() const;

    const EndpointSettings& _settings;
    nanomq::sdk::Tasks& _tasks;
    Journal _journal;
    http::Cancellation _cancellation;
    const http::Endpoint _endpoint;
    Outbox _outbox;
    std::unique_ptr<Keeper> _keeper;
    Health _health;
    std::vector<Lane> _lanes;
};

} // namespace webhook
