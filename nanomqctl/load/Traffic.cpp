#include "load/Traffic.h"

#include "load/Meter.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace nanomq::load
{

namespace
{

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr unsigned kConnecting = 64; // at a time

std::uint64_t nanoseconds(double seconds)
{
    return static_cast<std::uint64_t>(seconds * 1e9);
}

unsigned windowOf(const TrafficPlan& plan, unsigned receivers)
{
    constexpr unsigned kDeliveries = 20'000;
    constexpr unsigned kMost = 2'000;
    constexpr std::size_t kBytes = std::size_t{1} << 20; // far below what a broker keeps for one
    if (plan.window > 0) return plan.window;
    const unsigned each = kDeliveries / std::max(1U, plan.publishers * std::max(1U, receivers));
    const auto byBytes =
        static_cast<unsigned>(kBytes / std::max<std::size_t>(1, plan.payloadBytes));
    return std::clamp(std::min(each, byBytes), 1U, kMost);
}

} // namespace

Traffic::Traffic(const TrafficPlan& plan, Dialer& dialer, const ClientTerms& terms,
                 const std::string& idPrefix)
    : _plan(plan),
      _dialer(dialer),
      _terms(terms),
      _idPrefix(idPrefix),
      _mark(newMark()),
      _window(windowOf(plan, 1))
{
    addSubscribers();
    addPublishers();
    _window = windowOf(plan, receiversOf(0));
    _inflight = std::min(plan.inflight, _window);
}

Traffic::~Traffic() = default;

unsigned Traffic::receiversOf(std::uint32_t stream) const noexcept
{
    switch (_plan.shape)
    {
    case Shape::Pair:
        return _plan.subscribers / _plan.publishers +
               (stream < _plan.subscribers % _plan.publishers ? 1 : 0);
    case Shape::Shared: return 1;
    default: return _plan.subscribers;
    }
}

void Traffic::addSubscribers()
{
    ClientOwner& owner = *this;
    const unsigned all = _plan.subscribers + _plan.stalled;
    _subscribers.resize(all);
    for (unsigned n = 0; n < all; ++n)
    {
        Subscriber& subscriber = _subscribers[n];
        subscriber.client =
            std::make_unique<Client>(_loop, _idPrefix + "-sub-" + std::to_string(n), _terms, owner);
        subscriber.client->number = _plan.publishers + n;
        subscriber.counts = n < _plan.subscribers;
        if (_plan.shape == Shape::Pair) subscriber.firstStream = n % _plan.publishers;
        subscriber.next.resize(_plan.shape == Shape::Pair ? 1 : _plan.publishers);
    }
}

void Traffic::addPublishers()
{
    ClientOwner& owner = *this;
    const bool oneTopic = _plan.shape == Shape::FanOut || _plan.shape == Shape::Shared;
    _publishers.resize(_plan.publishers);
    for (unsigned n = 0; n < _plan.publishers; ++n)
    {
        Publisher& publisher = _publishers[n];
        publisher.client =
            std::make_unique<Client>(_loop, _idPrefix + "-pub-" + std::to_string(n), _terms, owner);
        publisher.client->number = n;
        publisher.frame =
            std::make_unique<Frame>(_plan.topic + '/' + std::to_string(oneTopic ? 0 : n),
                                    _plan.payloadBytes, _plan.qos, false, _terms.version);
    }
}

std::vector<std::string> Traffic::filtersOf(const Subscriber& subscriber) const
{
    switch (_plan.shape)
    {
    case Shape::Pair: return {_plan.topic + '/' + std::to_string(subscriber.firstStream)};
    case Shape::FanOut: return {_plan.topic + "/0"};
    case Shape::FanIn: return {_plan.topic + "/+"};
    case Shape::Shared: return {"$share/bench/" + _plan.topic + "/0"};
    }
    return {};
}

Client& Traffic::clientAt(std::size_t place)
{
    return place < _subscribers.size() ? *_subscribers[place].client
                                       : *_publishers[place - _subscribers.size()].client;
}

void Traffic::prepare()
{
    constexpr std::uint64_t kPatienceNs = 30 * kSecond;
    const std::size_t all = _subscribers.size() + _publishers.size();
    std::uint64_t until = nowNs() + kPatienceNs;
    while (_ready < all)
    {
        const std::size_t before = _ready;
        while (_begun < all && _begun - _ready < kConnecting) clientAt(_begun++).connect(_dialer);
        _loop.turn(until);
        if (!_failure.empty()) throw StreamError(_failure);
        if (_ready > before) until = nowNs() + kPatienceNs;
        else if (nowNs() > until) throw StreamError("the broker does not answer");
        if (_endWhen && _endWhen()) return;
    }
}

void Traffic::connected(Client& client)
{
    if (client.number < _plan.publishers)
    {
        if (_plan.qos != QoS::AtMostOnce)
            _inflight = std::min<unsigned>(_inflight, client.sendQuota());
        ++_ready;
        return;
    }
    client.subscribe(filtersOf(_subscribers[client.number - _plan.publishers]),
                     _plan.subscriberQos);
}

void Traffic::subscribed(Client& client, std::span<const ReasonCode> reasons)
{
    for (const ReasonCode reason : reasons)
        if (isFailure(reason))
            _failure = client.clientId() +
                       ": the broker refused the subscription: " + std::string(reasonText(reason));
    ++_ready;
}

void Traffic::failed(Client& client, const std::string& why)
{
    if (client.number >= _plan.publishers && !_subscribers[client.number - _plan.publishers].counts)
        return; // a broker may well end the connection of a client that does not read
    if (_failure.empty()) _failure = client.clientId() + ": " + why;
}

void Traffic::received(Client& client, const Publish& publish)
{
    const auto stamp = stampOf(publish.payload, _mark);
    if (!stamp || stamp->stream >= _plan.publishers || client.number < _plan.publishers)
    {
        ++_result.strange;
        return;
    }
    Subscriber& subscriber = _subscribers[client.number - _plan.publishers];
    if (!subscriber.counts) return;
    account(subscriber, *stamp);

    const std::uint64_t now = _loop.nowNs();
    const std::uint64_t latency = now > stamp->dueNs ? now - stamp->dueNs : 0;
    if (_measures) _latency.add(latency);
    constexpr double kSlowness = 1.0 / 256;
    _meanLatencyNs += (static_cast<double>(latency) - _meanLatencyNs) * kSlowness;
    list(_publishers[stamp->stream]);
}

void Traffic::account(Subscriber& subscriber, const Stamp& stamp)
{
    Publisher& publisher = _publishers[stamp.stream];
    if (_plan.shape == Shape::Shared)
    {
        // Which member gets which message is the broker's choice. That each came once shows in
        // the end: as many as were sent, and their numbers add up.
        publisher.sum += stamp.sequence;
    }
    else
    {
        const std::size_t at = stamp.stream - subscriber.firstStream;
        if (at >= subscriber.next.size())
        {
            ++_result.strange;
            return;
        }
        std::uint64_t& next = subscriber.next[at];
        if (stamp.sequence + 1 == next)
        {
            ++_result.duplicates;
            return;
        }
        if (stamp.sequence < next) ++_result.reordered;
        else next = stamp.sequence + 1;
    }
    ++publisher.received;
    ++_counts.received;
}

void Traffic::acknowledged(Client& client, ReasonCode reason)
{
    Publisher& publisher = _publishers[client.number];
    if (publisher.inflight > 0) --publisher.inflight;
    if (isFailure(reason)) ++_result.refused;
    list(publisher);
}

void Traffic::list(Publisher& publisher)
{
    if (publisher.listed) return;
    publisher.listed = true;
    _toServe.push_back(&publisher);
}

bool Traffic::mayGo(const Publisher& publisher) const noexcept
{
    constexpr std::size_t kMostUnsent = std::size_t{4} << 20;
    if (_plan.qos != QoS::AtMostOnce && publisher.inflight >= _inflight) return false;
    return publisher.client->unsent() < kMostUnsent;
}

void Traffic::sendOne(Publisher& publisher, std::uint64_t dueNs)
{
    const auto stream = publisher.client->number;
    publisher.frame->send(*publisher.client, {_mark, stream, publisher.sequence++, dueNs});
    if (_plan.qos != QoS::AtMostOnce) ++publisher.inflight;
    ++_counts.sent;
    _result.expected += receiversOf(stream);
}

void Traffic::serve(Publisher& publisher)
{
    const std::uint64_t receivers = std::max(1U, receiversOf(publisher.client->number));
    const std::uint64_t away = publisher.sequence - publisher.received / receivers;
    std::uint64_t room = away < _window ? _window - away : 0;
    unsigned window = _window;
    if (_plan.qos != QoS::AtMostOnce)
    {
        room = std::min<std::uint64_t>(
            room, _inflight > publisher.inflight ? _inflight - publisher.inflight : 0);
        window = _inflight;
    }
    if (room < std::max(1U, window / 4)) return;
    const std::uint64_t now = nowNs();
    for (; room > 0 && mayGo(publisher); --room) sendOne(publisher, now);
}

void Traffic::sendWhatIsDue()
{
    const std::uint64_t now = nowNs();
    const auto due =
        static_cast<std::uint64_t>(static_cast<double>(now - _rateBeganNs) / 1e9 * _plan.rate);
    for (; _dueCount < due; ++_dueCount)
    {
        Publisher& publisher = _publishers[_dueCount % _publishers.size()];
        if (!mayGo(publisher))
        {
            ++_result.unsentDue;
            continue;
        }
        sendOne(publisher, _rateBeganNs + static_cast<std::uint64_t>(
                                              static_cast<double>(_dueCount) / _plan.rate * 1e9));
    }
}

void Traffic::turn(std::uint64_t untilNs)
{
    constexpr double kNapShare = 1.0 / 16;
    constexpr double kLongestNapNs = 4e6;
    constexpr double kShortestNapNs = 20e3;
    if (_plan.spins) untilNs = 0;
    _loop.turn(untilNs);
    if (_plan.rate == 0 && _plan.naps && !_plan.spins)
    {
        const double napNs = std::min(_meanLatencyNs * kNapShare, kLongestNapNs);
        const timespec nap{0, static_cast<long>(napNs)};
        if (napNs > kShortestNapNs) ::nanosleep(&nap, nullptr);
    }
    if (!_failure.empty()) throw StreamError(_failure);
    if (_endWhen && _endWhen()) _ended = true;
    if (_loop.nowNs() < _nextReportNs) return;
    _nextReportNs = _loop.nowNs() + kSecond / 4;
    if (_onProgress) _onProgress(_counts, _latency);
}

void Traffic::forgiveLosses()
{
    // What is lost with QoS 0 does not come any more: its place in the window is free again.
    for (Publisher& publisher : _publishers)
    {
        publisher.received = publisher.sequence * receiversOf(publisher.client->number);
        list(publisher);
    }
}

void Traffic::runUntil(std::uint64_t untilNs)
{
    constexpr std::uint64_t kStall = kSecond;
    std::uint64_t progressNs = nowNs();
    std::uint64_t progress = _counts.received;
    while (nowNs() < untilNs && !_ended)
    {
        std::uint64_t next = untilNs;
        if (_plan.rate > 0)
        {
            sendWhatIsDue();
            next = std::min(next, _rateBeganNs +
                                      static_cast<std::uint64_t>(
                                          static_cast<double>(_dueCount + 1) / _plan.rate * 1e9));
        }
        else
        {
            // Whoever is listed meanwhile is served the next time.
            const std::vector<Publisher*> toServe = std::exchange(_toServe, {});
            for (Publisher* const publisher : toServe)
            {
                publisher->listed = false;
                serve(*publisher);
            }
            next = std::min(next, nowNs() + kStall);
        }
        _loop.flush();
        turn(next);
        if (_counts.received != progress || _plan.rate > 0)
        {
            progress = _counts.received;
            progressNs = _loop.nowNs();
        }
        else if (_loop.nowNs() > progressNs + kStall && _plan.qos == QoS::AtMostOnce)
        {
            forgiveLosses();
            progressNs = _loop.nowNs();
        }
    }
}

void Traffic::drain()
{
    const std::uint64_t patience = nanoseconds(_plan.drainSeconds);
    std::uint64_t until = nowNs() + patience;
    std::uint64_t progress = _counts.received;
    while (_counts.received < _result.expected && nowNs() < until)
    {
        turn(until);
        if (_counts.received == progress) continue;
        progress = _counts.received;
        until = nowNs() + patience;
    }
}

TrafficResult Traffic::run()
{
    _rateBeganNs = nowNs();
    _nextReportNs = _rateBeganNs;
    for (Publisher& publisher : _publishers) list(publisher);
    runUntil(nowNs() + nanoseconds(_plan.warmUpSeconds));

    for (Subscriber& subscriber : _subscribers)
        if (!subscriber.counts) subscriber.client->setReading(false);
    _latency.clear();
    _measures = true;
    const TrafficCounts before = _counts;
    if (_onMeasure) _onMeasure(true);
    const std::uint64_t began = nowNs();
    runUntil(_plan.seconds > 0 ? began + nanoseconds(_plan.seconds) : UINT64_MAX);
    _result.seconds = static_cast<double>(nowNs() - began) / 1e9;
    if (_onMeasure) _onMeasure(false);
    _measures = false;
    _result.measured = {_counts.sent - before.sent, _counts.received - before.received};

    drain();
    _result.whole = _counts;
    if (_plan.shape == Shape::Shared && _result.lost() == 0)
        for (const Publisher& publisher : _publishers)
            if (publisher.sum != publisher.sequence * (publisher.sequence - 1) / 2 &&
                publisher.sequence > 0)
                ++_result.duplicates;
    return _result;
}

} // namespace nanomq::load
