#include "broker/RetainedReplay.h"

#include <algorithm>

namespace nanomq
{

namespace
{

constexpr int kScansPerSlice = 16;
constexpr std::size_t kStepsPerScan = 64;
/// With more than this to send, the client first takes what it has got.
constexpr std::size_t kMuchUnsent = 1024 * 1024;

} // namespace

RetainedReplay::~RetainedReplay()
{
    _worker.cancel(*this);
}

void RetainedReplay::add(FilterId id, const TopicFilter& filter, SubscriptionOptions options)
{
    remove(id);
    _byId[id] = _waiting.insert(_waiting.end(), {id, RetainedScan(filter), options});
}

void RetainedReplay::remove(FilterId id)
{
    const auto found = _byId.find(id);
    if (found == _byId.end()) return;
    if (found->second == _waiting.begin()) _found.clear();
    _waiting.erase(found->second);
    _byId.erase(found);
}

void RetainedReplay::start()
{
    if (_running) return;
    _running = true;
    goOn();
}

void RetainedReplay::goOn()
{
    if (runSlice()) _worker.begin(*this);
}

void RetainedReplay::expired(MonotonicMs)
{
    goOn();
}

bool RetainedReplay::runSlice()
{
    int scans = 0;
    while (!_waiting.empty())
    {
        Subscription& current = _waiting.front();
        for (; !_found.empty(); _found.pop_front())
            if (!send(_found.front(), current.options)) return waitForClient();
        if (current.scanned) remove(FilterId{current.id});
        else if (scans++ == kScansPerSlice) return true;
        else
            current.scanned = !current.scan.next(
                _worker.broker().retained, kStepsPerScan,
                [this](const Message& message) { _found.push_back(MessageRef::share(&message)); });
    }
    _running = false;
    return false;
}

bool RetainedReplay::waitForClient()
{
    _worker.loop().timers().schedule(*this, _worker.loop().now() + TimerWheel::kTickMs);
    return false;
}

/// False when the client has to take other messages first.
bool RetainedReplay::send(const MessageRef& message, SubscriptionOptions options)
{
    Outbound& outbound = _session.outbound();
    const auto load = outbound.load();
    if (load.queued > 0 || load.unsent > kMuchUnsent) return false;
    if (message->expiresAt() <= _worker.loop().now()) return true;
    Publication publication(message, _worker.frames());
    Routed routed;
    _worker.deliver(publication, outbound,
                    {std::min(message->qos(), options.maximumQoS()), true,
                     options.subscriptionIdentifier()},
                    _worker.hooks(), routed);
    return true;
}

} // namespace nanomq
