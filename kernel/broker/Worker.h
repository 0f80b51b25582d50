#pragma once

#include "base/AlarmList.h"
#include "broker/AddressCounts.h"
#include "broker/BanList.h"
#include "broker/BrokerSettings.h"
#include "broker/ClientIdentity.h"
#include "broker/Counters.h"
#include "broker/Latency.h"
#include "broker/Limits.h"
#include "broker/MemoryBudget.h"
#include "broker/RecentCounts.h"
#include "hook/HookBus.h"
#include "net/Connection.h"
#include "net/EventLoop.h"
#include "net/Listener.h"
#include "session/Publication.h"
#include "session/Session.h"
#include "session/SessionSlots.h"
#include "topic/RetainedStore.h"
#include "topic/SubscriptionIndex.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nanomq
{

class Client;
class ConnectionPlace;
class LooseMessage;
class Patrol;
class RightsRound;
class SharedHandBack;
class Worker;

/// An event of its kind, with nothing in it yet.
template <class Event> Event newEvent() noexcept
{
    Event event{};
    event.header.size = sizeof event;
    event.header.point = Event::kPoint;
    return event;
}

/// What all workers share. Each member says for itself how it may be used by many.
struct BrokerState
{
    explicit BrokerState(const BrokerSettings& brokerSettings, HookBus& hookBus,
                         Quiescence& sharedQuiescence);

    const BrokerSettings settings;
    Quiescence& quiescence;
    HookBus& hooks;
    SubscriptionIndex subscriptions;
    RetainedStore retained;
    SessionSlots slots;
    OutboundPolicy outbound;
    std::atomic<std::size_t> connections{0};   // now, for the limit
    std::atomic<std::size_t> connectMemory{0}; // of those whose CONNECT was not accepted yet
    std::atomic<bool> running{false};        // workers look into their mailboxes
    AddressCounts addresses;
    AlarmList alarms;
    BanList bans;
    RecentCounts failedLogins;
    RecentCounts flapping;
    MemoryBudget memory;
    std::vector<std::unique_ptr<Worker>> workers;

    /// A plugin has checked who comes in, and none does any more. Thread: [worker].
    bool deserted() const noexcept
    {
        constexpr auto kPoint = sdk::HookPoint::ClientAuthenticate;
        return hooks.everHad(kPoint) && !hooks.table().any(kPoint);
    }
    /// The broker's own rule about subscribing with and receiving by a Topic Filter, for when no
    /// plugin has an opinion: clients may, but not everybody may read below `$SYS/`.
    bool mayReceive(const ClientIdentity& client, std::string_view topicFilter) const noexcept;
    /// Whether a Topic Name or Topic Filter has more levels than the settings allow.
    bool tooDeep(std::string_view topic) const noexcept;
    /// The worker that a Client Identifier belongs to.
    Worker& workerOf(std::string_view clientId) noexcept;
};

/// What became of a message that was routed.
struct Routed
{
    std::uint32_t recipients = 0; // sessions whose subscriptions matched
    std::uint32_t taken = 0;      // of them, those that it was sent to or queued for
    std::uint32_t overQuota = 0;  // of them, those whose queue was full
};

/// One worker: an event loop, and the clients and sessions whose Client Identifiers fall to it.
/// Thread: [worker], but for the constructor and what says otherwise.
class Worker
{
public:
    Worker(BrokerState& broker, unsigned number);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    unsigned number() const noexcept { return _loop.number(); }
    BrokerState& broker() noexcept { return _broker; }
    EventLoop& loop() noexcept { return _loop; }
    OutputTurn& turn() noexcept { return _loop.turn(); }
    WorkerCounters& counters() noexcept { return _counters; } ///< reading: [any]
    Latency& latency() noexcept { return _latency; }          ///< reading: [any]
    const HookTable& hooks() const noexcept { return _broker.hooks.table(); }

    /// Accepts from a listener from now on. Thread: [main], before the loop runs.
    void listen(const Listener& listener);
    /// A connection has come in by a listener or a door: it is the worker's from here on. [worker]
    void accepted(int descriptor, const Listener& listener, PeerAddress peer);
    /// Accepts no more. [worker]
    void stopAccepting() noexcept;
    /// Disconnects every client, those that arrive later included: the broker stops. [worker]
    void disconnectAll();
    bool stopping() const noexcept { return _stopping; }

    /// Rights have changed: reviews those of a client that is connected; empty: of all of them.
    void reauthorize(std::string_view clientId);

    // Sessions. A session's outbound side may be in use by other workers until a grace period
    // after end() or forget().
    Session* find(std::string_view clientId) noexcept;
    /// A new session; null when the broker holds as many as it can.
    Session* create(std::string_view clientId);
    /// The connection has ended: the session stays for its expiry interval, and its Will goes out
    /// when its delay is over (§3.1.2.5), or at once.
    void disconnected(Session& session);
    /// Ends a session: sends its Will if one is pending, takes its subscriptions out, forgets it.
    void end(Session& session, ReasonCode reason, std::string_view why);
    /// Publishes the session's Will now. Requires: it has one.
    void sendWill(Session& session);
    /// The sessions behind a Client Identifier, in their order, until `visit` returns false.
    template <class Visitor> void visitSessions(std::string_view after, Visitor&& visit)
    {
        for (auto at = _sessions.upper_bound(after); at != _sessions.end(); ++at)
            if (!visit(*at->second)) return;
    }

    /// Every client of this worker is in its list, from the accept to the connection's end.
    void enter(Client& client) noexcept;
    void leave(Client& client) noexcept;
    Client* firstClient() noexcept { return _clients; }

    /// Counts that somebody ran into a limit, and tells so in the log, now and then.
    /// @param who   "client 'a' at 192.0.2.7", or an address.
    /// @param what  what happens to it.
    void limitReached(Limit limit, const std::string& who, std::string_view what);
    /// Bans somebody for a time, on the broker's own account.
    void ban(Ban ban, std::chrono::milliseconds duration);
    /// Whether a message may take a new place in the retained store.
    bool mayRetain(const MessageView& message) const;
    /// Acts on the memory level soon. Thread: [any].
    void lookAtMemory();
    /// Accepting pauses while memory is short.
    void holdAccepting(bool hold);

    /// Routes a message to all its recipients and observers: the trip's steps from retained
    /// store to output buffers. See PublishPath.cpp.
    Routed route(Publication& publication, const HookTable& hooks, bool isWill = false);
    /// The last step for one recipient: sends, queues or drops, and counts and tells which.
    void deliver(Publication& publication, Outbound& outbound, DeliveryOptions options,
                 const HookTable& hooks, Routed& routed);
    /// Counts and tells what became of a delivery.
    void settle(Publication& publication, Outbound& outbound, DeliveryOptions options,
                DeliveryResult result, const HookTable& hooks, Routed& routed);
    /// Publishes a message that no connection waits for: a Will, a plugin's. Asks the
    /// `message.publish` hooks first, and waits for them if they answer later.
    void publishLoose(MessageRef message, bool isWill);
    /// Delivers to another member what came through a Shared Subscription and was left by a
    /// session that ended (§4.8.2). Nobody may be left to take it.
    void handBack(const Delivery& left);
    /// A loose message is done.
    void forget(const LooseMessage& message);
    /// Scratch for Publications of this worker.
    Publication::Frames& frames() noexcept { return _frames; }
    /// Scratch for forwarded properties, likewise.
    std::vector<std::uint8_t>& propertyScratch() noexcept { return _propertyScratch; }

    /// Tells observers of one point; costs a load and a branch when there are none.
    template <class Event> void tell(Event event, const EventOwners& owners, std::string_view topic = {})
    {
        const HookTable& table = hooks();
        if (!table.any(Event::kPoint)) return;
        event.header = newEvent<Event>().header;
        _broker.hooks.tell(table, number(), event, owners, topic);
    }
    /// Tells what Outbound noted while it emptied a queue.
    void tellNotes(Session& session);
    /// Counts and tells deliveries that were taken out of the session's queue.
    void tellDropped(Session& session, const std::vector<Delivery>& dropped, DeliveryResult why);
    /// Counts and tells that a hook refused or dropped a message before it was routed.
    void tellRefused(const MessageView& view, const Counted* publisher,
                     const HookOutcome& outcome);
    /// Tells that a delivery was acknowledged.
    void tellAcknowledged(Session& session, const Delivery& delivery);

    /// Runs `work` once per turn until it returns false. [worker]
    class Recurring
    {
    public:
        /// Returns whether there is more to do next turn.
        virtual bool runSlice() = 0;

    protected:
        ~Recurring() = default;
    };
    void begin(Recurring& work);
    void cancel(Recurring& work) noexcept;

private:
    struct Target
    {
        SubscriberId id;
        DeliveryOptions options;
        /// Subscription Identifiers beyond the first; seldom any.
        std::vector<std::uint32_t> moreIdentifiers;
    };
    /// Merges overlapping subscriptions of one session.
    struct Stamp
    {
        std::uint32_t route = 0;
        std::uint32_t target = 0;
    };

    std::optional<Limit> mayEnter(ConnectionPlace& place, const Listener& listener,
                                  const PeerAddress& peer) const;
    void acceptingPauses(const Listener& listener, Acceptor::Pause why);
    void failed(std::string_view what);
    void queueIsFull(Outbound& outbound);
    void endOfTurn();
    /// What one worker does for all of them, once per turn.
    void keepHouse();

    void deliverList(Publication& publication, SubscriberSpan list, const HookTable& hooks,
                     Routed& routed);
    /// One message for many recipients is sent to some before the others get it: no turn holds
    /// more buffers than those that are flushed at once.
    void flushInLongLists(std::size_t place)
    {
        if (place % EventLoop::kEarlyFlushBuffers == 0) _loop.flushIfMuch();
    }
    void collectList(const Publication& publication, SubscriberSpan list);
    void addTarget(Subscriber subscriber, DeliveryOptions options);
    void deliverTargets(Publication& publication, const HookTable& hooks, Routed& routed);
    /// False: no member is left, and nothing was counted.
    bool deliverShared(Publication& publication, const SharedGroup& group, const HookTable& hooks,
                       Routed& routed);
    /// Offers it to members in turn, at most so many; whether one has taken it.
    struct SharedOffer;
    bool offerShared(Publication& publication, const SharedGroup& group, SharedOffer& offer,
                     const HookTable& hooks, Routed& routed);
    void tellPublished(Publication& publication, const HookTable& hooks, bool isWill);
    template <class Event>
    void tellMessage(const MessageRef& message, const Ref<const Counted>& receiver,
                     DeliveryOptions options, std::string_view reason);
    void retain(Publication& publication, const HookTable& hooks);
    void countSent(const Publication& publication) noexcept
    {
        _counters.messagesSent.add();
        _counters.payloadBytesSent.add(publication.view().payload.size());
    }
    void schedule(Session& session);
    void deadline(Session& session);

    BrokerState& _broker;
    EventLoop _loop;
    WorkerCounters _counters;
    Latency _latency;
    std::vector<std::unique_ptr<Acceptor>> _acceptors;
    std::map<std::string_view, std::unique_ptr<Session>> _sessions; // in order, for listings
    Client* _clients = nullptr; // an intrusive list, those before CONNECT included
    std::vector<Recurring*> _recurring;
    std::unique_ptr<RightsRound> _rightsRound; // since rights changed first
    std::unordered_map<const LooseMessage*, std::unique_ptr<LooseMessage>> _loose;
    std::vector<std::unique_ptr<SharedHandBack>> _handBacks;
    std::unique_ptr<Patrol> _patrol;
    LimitLog _limitLog;
    MonotonicMs _nextQueueAlarm = 0;
    bool _stopping = false;

    // Scratch of route(), kept for its capacity.
    Publication::Frames _frames;
    std::vector<std::uint8_t> _propertyScratch;
    Publication::Frames _otherFrames; // for a second Publication made from the first
    MatchSet _matches;
    std::vector<std::uint32_t> _observers;
    std::vector<Target> _targets;
    std::size_t _targetCount = 0; // of _targets, those in use
    std::vector<Stamp> _stamps; // by SubscriberId
    std::uint32_t _route = 0;

    class SessionDeadline;
};

} // namespace nanomq
