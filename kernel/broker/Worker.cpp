#include "broker/Worker.h"

#include "broker/Client.h"
#include "broker/ClientIdentity.h"
#include "broker/ConnectionPlace.h"
#include "broker/LooseMessage.h"
#include "broker/Patrol.h"
#include "broker/RightsReview.h"
#include "broker/SharedHandBack.h"
#include "net/OwnedDescriptor.h"
#include "topic/SystemTopic.h"

#include <algorithm>

namespace nanomq
{

/// While a session has no connection: fires when its Will is due, and when it expires.
class Worker::SessionDeadline final : public Timer
{
public:
    SessionDeadline(Worker& worker, Session& session) noexcept : _worker(worker), _session(session)
    {
    }

private:
    void expired(MonotonicMs) override { _worker.deadline(_session); }

    Worker& _worker;
    Session& _session;
};

BrokerState::BrokerState(const BrokerSettings& brokerSettings, HookBus& hookBus,
                         Quiescence& sharedQuiescence)
    : settings(brokerSettings),
      quiescence(sharedQuiescence),
      hooks(hookBus),
      subscriptions(sharedQuiescence),
      retained(sharedQuiescence),
      slots(sharedQuiescence),
      failedLogins(settings.failedLogins),
      flapping(settings.flapping),
      memory(settings.memoryLimit)
{
    outbound.queue = settings.queue;
    outbound.maximumUnsent = settings.maximumUnsent;
}

bool BrokerState::tooDeep(std::string_view topic) const noexcept
{
    if (settings.maximumTopicLevels >= kMaxTopicLevels) return false; // checked with its syntax
    const auto levels = std::count(topic.begin(), topic.end(), '/') + 1;
    return static_cast<std::size_t>(levels) > settings.maximumTopicLevels;
}

bool BrokerState::mayReceive(const ClientIdentity& client,
                             std::string_view topicFilter) const noexcept
{
    if (!isSystemTopic(topicFilter)) return true;
    return settings.systemReaders == SystemReaders::Everybody ||
           (settings.systemReaders == SystemReaders::Loopback && client.isLocal());
}

Worker& BrokerState::workerOf(std::string_view clientId) noexcept
{
    return *workers[std::hash<std::string_view>()(clientId) % workers.size()];
}

Worker::Worker(BrokerState& broker, unsigned number)
    : _broker(broker),
      _loop(number, broker.quiescence),
      _patrol(std::make_unique<Patrol>(*this))
{
    _loop.onEndOfTurn([this] { endOfTurn(); });
    _loop.onFlushed([this] { _latency.flushed(); });
    _loop.onFailure([this](std::string_view what) { failed(what); });
    _patrol->start();
}

Worker::~Worker()
{
    // Sessions outlive their clients' connections only up to here; nobody delivers any more.
    for (auto& [id, session] : _sessions) session->deadline.reset();
}

void Worker::listen(const Listener& listener)
{
    _acceptors.push_back(std::make_unique<Acceptor>(
        _loop, listener, [this](int descriptor, const Listener& from, PeerAddress peer) {
            accepted(descriptor, from, std::move(peer));
        }));
    _acceptors.back()->onPause(
        [this, &listener](Acceptor::Pause why) { acceptingPauses(listener, why); });
    _acceptors.back()->start();
}

void Worker::stopAccepting() noexcept
{
    for (auto& acceptor : _acceptors) acceptor->stop();
}

void Worker::holdAccepting(bool hold)
{
    for (auto& acceptor : _acceptors)
        if (hold) acceptor->hold();
        else acceptor->release();
}

void Worker::lookAtMemory()
{
    _loop.mailbox().post([this] { _patrol->lookNow(); });
}

void Worker::acceptingPauses(const Listener& listener, Acceptor::Pause why)
{
    if (why == Acceptor::Pause::Rate)
        return limitReached(Limit::ConnectRate, listener.url(), "accepting pauses");
    constexpr std::chrono::seconds kStands{5};
    _broker.alarms.raiseFor(kStands, "descriptors", AlarmSeverity::Error,
                            "the process has no descriptor left; nobody new can connect");
}

void Worker::failed(std::string_view what)
{
    constexpr std::chrono::minutes kStands{5};
    _broker.alarms.raiseFor(kStands, "worker", AlarmSeverity::Error,
                            "worker " + std::to_string(number()) + ": " + std::string(what));
}

void Worker::limitReached(Limit limit, const std::string& who, std::string_view what)
{
    _counters.limits[static_cast<std::size_t>(limit)].add();
    if (_limitLog.tells(limit, _loop.now())) _limitLog.tell(limit, _loop.now(), who, what);
}

void Worker::ban(Ban ban, std::chrono::milliseconds duration)
{
    ban.until = unixNow() + duration.count();
    constexpr std::chrono::minutes kStands{1};
    _broker.alarms.raiseFor(kStands, ban.kind == BanKind::Address ? "failed_logins" : "flapping",
                            AlarmSeverity::Warning,
                            std::string(banKindName(ban.kind)) + " '" + ban.who +
                                "' is banned for " + std::to_string(duration.count() / 1000) +
                                " s: " + ban.reason);
    if (_broker.bans.add(std::move(ban)) == BanList::Added::Done) _counters.bansMade.add();
}

std::optional<Limit> Worker::mayEnter(ConnectionPlace& place, const Listener& listener,
                                      const PeerAddress& peer) const
{
    if (const auto reached = place.take()) return reached;
    // Behind a load balancer the address is its own: the client's comes with the PROXY header.
    if (listener.settings().proxyProtocol) return std::nullopt;
    if (_broker.bans.bansAddress(peer.address, unixNow())) return Limit::Banned;
    return place.takeAddress(peer.address);
}

void Worker::accepted(int descriptor, const Listener& listener, PeerAddress peer)
{
    _counters.socketsAccepted.add();
    OwnedDescriptor owned(descriptor);
    auto place = std::make_unique<ConnectionPlace>(_broker, listener);
    if (const auto reached = mayEnter(*place, listener, peer))
    {
        limitReached(*reached, peer.address, "the connection is closed at once");
        if (*reached == Limit::ConnectMemory)
            _broker.alarms.raiseFor(std::chrono::seconds(5), "connect_memory",
                                    AlarmSeverity::Warning,
                                    "clients that are not let in yet hold all the memory there is "
                                    "for them; new ones are turned away");
        return;
    }
    auto transport = listener.transports().make(descriptor);
    auto connection = std::make_unique<Connection>(_loop, descriptor, std::move(transport));
    owned.release();
    auto client = std::make_unique<Client>(*connection, *this, listener, std::move(peer),
                                           std::move(place));
    auto* const entered = client.get();
    connection->start(std::move(client));
    // The loop's from here on; it frees itself a grace period after its close().
    connection.release();
    entered->accepted();
}

void Worker::enter(Client& client) noexcept
{
    client.next = _clients;
    client.previous = nullptr;
    if (_clients) _clients->previous = &client;
    _clients = &client;
}

void Worker::leave(Client& client) noexcept
{
    _patrol->left(client);
    (client.previous ? client.previous->next : _clients) = client.next;
    if (client.next) client.next->previous = client.previous;
    client.next = client.previous = nullptr;
}

void Worker::disconnectAll()
{
    _stopping = true;
    _patrol->stop();
    while (_clients) _clients->disconnect(ReasonCode::ServerShuttingDown, kBrokerStops);
}

void Worker::reauthorize(std::string_view clientId)
{
    if (clientId.empty())
    {
        if (!_rightsRound) _rightsRound = std::make_unique<RightsRound>(*this);
        return _rightsRound->begin();
    }
    Session* const session = find(clientId);
    if (session && session->client) session->client->reviewRights();
}

void Worker::begin(Recurring& work)
{
    _recurring.push_back(&work);
    _loop.turnAgain();
}

void Worker::cancel(Recurring& work) noexcept
{
    // The place stays, so that endOfTurn() can be walking over the list.
    std::replace(_recurring.begin(), _recurring.end(), &work, static_cast<Recurring*>(nullptr));
}

void Worker::endOfTurn()
{
    const std::size_t count = _recurring.size();
    for (std::size_t i = 0; i < count; ++i)
        if (_recurring[i] && !_recurring[i]->runSlice()) _recurring[i] = nullptr;
    std::erase(_recurring, nullptr);
    if (!_recurring.empty()) _loop.turnAgain();

    _patrol->endOfTurn(_loop.now());
    if (number() == 0) keepHouse();
    _broker.hooks.endOfTurn(number());
}

void Worker::keepHouse()
{
    constexpr std::size_t kExpiredPerTurn = 100;
    _broker.retained.expire(_loop.now(), kExpiredPerTurn);

    const HookTable& table = hooks();
    const bool observed = table.any(sdk::HookPoint::MessageDelivered) ||
                          table.any(sdk::HookPoint::MessageExpired) ||
                          table.any(sdk::HookPoint::MessageDropped);
    auto& takesNotes = _broker.outbound.takesNotes;
    if (takesNotes.load(std::memory_order_relaxed) != observed)
        takesNotes.store(observed, std::memory_order_relaxed);
}

Session* Worker::find(std::string_view clientId) noexcept
{
    const auto found = _sessions.find(clientId);
    return found == _sessions.end() ? nullptr : found->second.get();
}

Session* Worker::create(std::string_view clientId)
{
    const SubscriberId id = _broker.slots.take();
    if (id == kNoSubscriber) return nullptr;
    auto session = std::make_unique<Session>(std::string(clientId), id, _broker.outbound);
    _broker.slots.set(id, session->outbound());
    _counters.sessions.add();
    const std::string_view key = session->clientId();
    return _sessions.emplace(key, std::move(session)).first->second.get();
}

void Worker::disconnected(Session& session)
{
    session.disconnectedAt = _loop.now();
    if (session.expiryInterval == 0)
        return end(session, ReasonCode::Success, "connection closed");
    if (session.will && session.will->delaySeconds == 0) sendWill(session);
    schedule(session);
}

void Worker::schedule(Session& session)
{
    MonotonicMs next = kNever;
    if (session.expiryInterval != kSessionNeverExpires)
        next = session.disconnectedAt + MonotonicMs{session.expiryInterval} * 1000;
    if (session.will)
        next = std::min(next,
                        session.disconnectedAt + MonotonicMs{session.will->delaySeconds} * 1000);
    if (next == kNever) return;
    session.deadline = std::make_unique<SessionDeadline>(*this, session);
    _loop.timers().schedule(*session.deadline, next);
}

void Worker::deadline(Session& session)
{
    const MonotonicMs waited = _loop.now() - session.disconnectedAt;
    if (session.expiryInterval != kSessionNeverExpires &&
        waited >= MonotonicMs{session.expiryInterval} * 1000)
    {
        _counters.sessionsExpired.add();
        return end(session, ReasonCode::Success, "expired");
    }
    if (session.will && waited >= MonotonicMs{session.will->delaySeconds} * 1000)
        sendWill(session);
    // The timer that fired is replaced, and ends with that; it is out of its wheel already.
    const auto fired = std::move(session.deadline);
    schedule(session);
}

void Worker::sendWill(Session& session)
{
    const auto will = std::move(session.will);
    MessageView view = will->message->view();
    view.receivedAt = unixNow();
    if (will->expirySeconds) view.expiresAt = _loop.now() + MonotonicMs{*will->expirySeconds} * 1000;
    publishLoose(Message::make(view, Ref<const Counted>::share(will->message->publisher())), true);
}

void Worker::end(Session& session, ReasonCode reason, std::string_view why)
{
    if (session.will) sendWill(session);
    for (const FilterId filter : session.subscriptions())
    {
        const bool observed = hooks().any(sdk::HookPoint::RouteRemoved);
        const std::string text = observed ? _broker.subscriptions.text(filter) : std::string();
        if (_broker.subscriptions.remove(filter, session.outbound().id()) && observed)
        {
            sdk::RouteRemoved event{};
            event.topicFilter = text;
            tell(event, {}, text);
        }
    }
    _broker.slots.giveBack(session.outbound().id());
    auto left = session.outbound().end();
    if (!left.shared.empty())
    {
        std::erase_if(_handBacks, [](const auto& handBack) { return handBack->done(); });
        _handBacks.push_back(std::make_unique<SharedHandBack>(*this, std::move(left.shared)));
        begin(*_handBacks.back());
    }
    _counters.messagesUnacknowledged.add(left.unacknowledged);
    if (!left.queued.empty()) tellDropped(session, left.queued, DeliveryResult::SessionEnded);

    const auto identity = session.outbound().identity();
    sdk::SessionTerminated event{};
    event.client = ClientIdentity::infoOf(identity.get());
    event.reason = static_cast<std::uint8_t>(reason);
    event.reasonText = why;
    tell(event, {identity.get()});

    _counters.sessions.subtract();
    auto node = _sessions.extract(std::string_view(session.clientId()));
    node.mapped()->deadline.reset();
    // Another worker may be delivering to it in this very turn.
    _broker.quiescence.retire(node.mapped().release());
}

void Worker::publishLoose(MessageRef message, bool isWill)
{
    const HookTable& table = hooks();
    // What the broker says of itself is nobody's to change.
    if (!table.any(sdk::HookPoint::MessagePublish) || message->view().fromSystem)
    {
        Publication publication(std::move(message), _frames);
        route(publication, table, isWill);
        return;
    }
    auto loose = std::make_unique<LooseMessage>(*this, std::move(message), isWill);
    if (!loose->publish()) _loose.emplace(loose.get(), std::move(loose));
}

void Worker::forget(const LooseMessage& message)
{
    _loose.erase(&message);
}

} // namespace nanomq
