#pragma once

#include "load/Client.h"
#include "load/Frame.h"
#include "load/Histogram.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace nanomq::load
{

/// Who publishes to whom.
enum class Shape : std::uint8_t
{
    Pair,   // each publisher to a topic of its own; subscribers are dealt out to the topics
    FanOut, // all to one topic, which every subscriber has
    FanIn,  // each to a topic of its own; every subscriber has them all, by a wildcard
    Shared, // all to one topic; the subscribers share it (§4.8.2)
};

/// A load of messages whose sender and receiver are the same program, so that every message can
/// be accounted for.
struct TrafficPlan
{
    Shape shape = Shape::Pair;
    unsigned publishers = 1;
    unsigned subscribers = 1;
    QoS qos = QoS::AtMostOnce;
    QoS subscriberQos = QoS::AtMostOnce;
    std::size_t payloadBytes = 64; // at least kStampSize
    std::string topic = "nanomq/bench";
    /// Messages a second that all publishers send together; 0: as fast as they are received.
    double rate = 0;
    /// With rate 0: messages of one publisher that may be on their way; 0: chosen such that about
    /// 20,000 deliveries are in all.
    unsigned window = 0;
    unsigned inflight = 100; // of one publisher, with QoS 1 and 2: not acknowledged yet
    double warmUpSeconds = 1;
    double seconds = 5;      // that are measured
    double drainSeconds = 2; // without progress, after which what is missing is lost
    unsigned stalled = 0; // subscribers, beyond the others, that stop reading when it is measured
    bool naps = true;   // waits a little between looks, so that the broker's work comes in batches
    bool spins = false; // never sleeps: latencies without the time it takes to wake this program
};

/// Counters of a load, at one time.
struct TrafficCounts
{
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
};

/// What came of it.
struct TrafficResult
{
    double seconds = 0;         // measured
    TrafficCounts measured;     // within them
    TrafficCounts whole;        // of the whole run
    std::uint64_t expected = 0; // deliveries, of the whole run
    std::uint64_t duplicates = 0;
    std::uint64_t reordered = 0;
    std::uint64_t strange = 0;   // messages that are none of ours, or came to the wrong one
    std::uint64_t refused = 0;   // PUBLISH that the broker answered with a failure
    std::uint64_t unsentDue = 0; // with a rate: messages that were due and could not be sent

    std::uint64_t lost() const noexcept
    {
        return expected > whole.received ? expected - whole.received : 0;
    }
};

/// Runs a TrafficPlan: connects, subscribes, warms up, measures, and waits for the rest.
///
/// With rate 0 a publisher sends when a quarter of its window is free, and the loop naps a
/// sixteenth of the mean latency between two looks (4 ms at most): the broker then always has
/// work, and neither side pays for a wake-up per message. With a rate, latency counts from the
/// time a message was due, so that a stall is charged to all that it delays. Thread: the owner's.
class Traffic final : private ClientOwner
{
public:
    Traffic(const TrafficPlan& plan, Dialer& dialer, const ClientTerms& terms,
            const std::string& idPrefix);
    ~Traffic();

    /// Connects everybody and subscribes. Throws StreamError with what went wrong.
    void prepare();
    /// Called at both ends of the measured time: where a caller reads its meters.
    void onMeasure(std::function<void(bool begins)> call) { _onMeasure = std::move(call); }
    /// Called some times a second.
    void onProgress(std::function<void(const TrafficCounts&, const Histogram&)> call)
    {
        _onProgress = std::move(call);
    }
    /// Asked once a turn: whether to end early.
    void endWhen(std::function<bool()> call) { _endWhen = std::move(call); }
    /// Throws StreamError when a client loses its connection.
    TrafficResult run();

    /// Nanoseconds from due to received, of the messages within the measured time.
    const Histogram& latency() const noexcept { return _latency; }

private:
    struct Publisher
    {
        std::unique_ptr<Client> client;
        std::unique_ptr<Frame> frame;
        std::uint64_t sequence = 0; // of the next message
        std::uint64_t received = 0; // deliveries of its messages
        std::uint64_t sum = 0;      // of their sequence numbers, for Shape::Shared
        unsigned inflight = 0;
        bool listed = false; // in _toServe
    };
    struct Subscriber
    {
        std::unique_ptr<Client> client;
        std::uint32_t firstStream = 0;
        std::vector<std::uint64_t> next; // sequence numbers, by stream from the first
        bool counts = true;              // false: it stalls
    };

    void connected(Client& client) override;
    void received(Client& client, const Publish& publish) override;
    void acknowledged(Client& client, ReasonCode reason) override;
    void subscribed(Client& client, std::span<const ReasonCode> reasons) override;
    void failed(Client& client, const std::string& why) override;

    void addPublishers();
    void addSubscribers();
    Client& clientAt(std::size_t place);
    std::vector<std::string> filtersOf(const Subscriber& subscriber) const;
    unsigned receiversOf(std::uint32_t stream) const noexcept;
    void account(Subscriber& subscriber, const Stamp& stamp);
    void serve(Publisher& publisher);
    void list(Publisher& publisher);
    void sendWhatIsDue();
    bool mayGo(const Publisher& publisher) const noexcept;
    void sendOne(Publisher& publisher, std::uint64_t dueNs);
    void runUntil(std::uint64_t untilNs);
    void turn(std::uint64_t untilNs);
    void forgiveLosses();
    void drain();

    const TrafficPlan _plan;
    Dialer& _dialer;
    const ClientTerms& _terms;
    const std::string _idPrefix;
    const std::uint32_t _mark;
    Loop _loop;
    std::vector<Publisher> _publishers;
    std::vector<Subscriber> _subscribers;
    std::vector<Publisher*> _toServe;
    std::size_t _begun = 0; // clients that have begun to connect, subscribers first
    std::size_t _ready = 0; // clients that are connected, and subscribed where they should be
    unsigned _window = 0;
    unsigned _inflight = 0;
    std::string _failure;
    TrafficResult _result;
    TrafficCounts _counts;
    Histogram _latency;
    double _meanLatencyNs = 0; // of late, for naps
    bool _measures = false;
    std::uint64_t _rateBeganNs = 0;
    std::uint64_t _dueCount = 0;
    std::uint64_t _nextReportNs = 0;
    std::function<void(bool)> _onMeasure;
    std::function<void(const TrafficCounts&, const Histogram&)> _onProgress;
    std::function<bool()> _endWhen;
    bool _ended = false;
};

} // namespace nanomq::load
