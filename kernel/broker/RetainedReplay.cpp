#include "broker/RetainedReplay.h"

#include <algorithm>

namespace nanomq
{

namespace
{

constexpr std::size_t kStepsPerSlice = 1000;
/// With more than this to send, the client first takes what it has got.
constexpr std::size_t kMuchUnsent = 1024 * 1024;

} // namespace

RetainedReplay::RetainedReplay(Worker& worker, Session& session, const TopicFilter& filter,
                               SubscriptionOptions options)
    : _worker(worker), _session(session), _scan(filter), _options(options)
{
}

RetainedReplay::~RetainedReplay()
{
    _worker.cancel(*this);
}

void RetainedReplay::start()
{
    if (runSlice()) _worker.begin(*this);
}

bool RetainedReplay::runSlice()
{
    Outbound& outbound = _session.outbound();
    const auto load = outbound.load();
    if (load.queued > 0 || load.unsent > kMuchUnsent)
    {
        _worker.loop().timers().schedule(*this, _worker.loop().now() + TimerWheel::kTickMs);
        return false;
    }
    _done = !_scan.next(_worker.broker().retained, kStepsPerSlice, [&](const Message& message) {
        if (message.expiresAt() <= _worker.loop().now()) return;
        Publication publication(MessageRef::share(&message), _worker.frames());
        const DeliveryOptions options{std::min(message.qos(), _options.maximumQoS()), true,
                                      _options.subscriptionIdentifier()};
        if (outbound.deliver(publication, options, _worker.turn()) == DeliveryResult::Sent)
            _worker.counters().messagesSent.add();
    });
    return !_done;
}

void RetainedReplay::expired(MonotonicMs)
{
    start();
}

} // namespace nanomq
