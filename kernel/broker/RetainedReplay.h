#pragma once

#include "base/TimerWheel.h"
#include "broker/Worker.h"
#include "topic/RetainedStore.h"

namespace nanomq
{

/// Sends the retained messages of one new subscription (§3.3.1.3), a slice per turn, and no
/// faster than the client takes them. Thread: [worker].
class RetainedReplay final : public Worker::Recurring, private Timer
{
public:
    RetainedReplay(Worker& worker, Session& session, const TopicFilter& filter,
                   SubscriptionOptions options);
    ~RetainedReplay() override;

    /// Sends the first slice, and goes on in later turns if there is more.
    void start();
    bool done() const noexcept { return _done; }

private:
    bool runSlice() override;
    void expired(MonotonicMs now) override;

    Worker& _worker;
    Session& _session;
    RetainedScan _scan;
    const SubscriptionOptions _options;
    bool _done = false;
};

} // namespace nanomq
