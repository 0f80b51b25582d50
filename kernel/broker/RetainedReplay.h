#pragma once

#include "base/TimerWheel.h"
#include "broker/Worker.h"
#include "topic/RetainedStore.h"

#include <deque>
#include <list>
#include <unordered_map>

namespace nanomq
{

/// Sends a client the retained messages of its new subscriptions (§3.3.1.3): one subscription
/// after the other, a slice per turn, and no faster than the client takes them, so that none is
/// dropped however slow it is. Thread: [worker].
class RetainedReplay final : public Worker::Recurring, private Timer
{
public:
    RetainedReplay(Worker& worker, Session& session) noexcept : _worker(worker), _session(session)
    {
    }
    ~RetainedReplay();

    /// A subscription was made, or made again: then what waits of it begins anew.
    void add(FilterId id, const TopicFilter& filter, SubscriptionOptions options);
    /// The subscription has ended.
    void remove(FilterId id);
    /// Sends the first slice, and goes on in later turns if there is more.
    void start();

private:
    struct Subscription
    {
        FilterId id;
        RetainedScan scan;
        SubscriptionOptions options;
        bool scanned = false;
    };

    bool runSlice() override;
    void expired(MonotonicMs now) override;
    void goOn();
    bool waitForClient();
    bool send(const MessageRef& message, SubscriptionOptions options);

    Worker& _worker;
    Session& _session;
    std::list<Subscription> _waiting; // the first is at work
    std::unordered_map<FilterId, std::list<Subscription>::iterator> _byId;
    std::deque<MessageRef> _found; // by the first one's scan, and not sent yet
    bool _running = false; // begun, and not at the end of what waits
};

} // namespace nanomq
