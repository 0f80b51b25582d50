#include "broker/Listing.h"

#include "broker/Client.h"
#include "broker/WorkerWalk.h"

namespace nanomq
{

namespace
{

/// What a worker looks at in one slice: some ten microseconds.
constexpr std::size_t kSessionsPerSlice = 128;
constexpr std::size_t kSubscriptionsPerSlice = 128;
constexpr std::size_t kFiltersPerSlice = 256;
constexpr std::size_t kRetainedPerSlice = 128;

SessionSummary summaryOf(Worker& worker, Session& session)
{
    SessionSummary summary;
    summary.clientId = session.clientId();
    summary.connected = session.client != nullptr;
    summary.worker = worker.number();
    summary.expirySeconds = session.expiryInterval;
    summary.subscriptions = session.subscriptions().size();
    if (session.client) summary.received = session.client->published();
    if (session.will) summary.will = session.will->message;
    const auto load = session.outbound().load();
    summary.queued = load.queued;
    summary.inFlight = load.inFlight;
    const auto identity = session.outbound().identity();
    if (const auto* const info = ClientIdentity::infoOf(identity.get()))
    {
        if (info->hasUserName) summary.userName = std::string(info->userName.view());
        summary.peerAddress = info->peerAddress.view();
        summary.peerPort = info->peerPort;
        summary.listener = info->listener.view();
        summary.cleanStart = info->cleanStart;
        summary.protocolVersion = info->protocolVersion;
        summary.keepAliveSeconds = info->keepAliveSeconds;
        summary.connectedAtMs = info->connectedAtMs;
    }
    return summary;
}

bool contains(std::string_view text, std::string_view part) noexcept
{
    return text.find(part) != std::string_view::npos;
}

/// Sessions of one worker, slice by slice.
struct SessionStep
{
    using Item = SessionSummary;

    SessionFilter filter; // `after` moves along

    WalkSlice<Item> operator()(Worker& worker)
    {
        WalkSlice<Item> slice;
        slice.ended = true;
        if (!filter.clientId.empty())
        {
            Session* const session = worker.find(filter.clientId);
            if (session && filter.matches(*session))
                slice.items.push_back(summaryOf(worker, *session));
            return slice;
        }
        std::size_t looked = 0;
        const Session* last = nullptr;
        worker.visitSessions(filter.after, [&](Session& session) {
            if (looked++ == kSessionsPerSlice) return slice.ended = false;
            last = &session;
            if (filter.matches(session)) slice.items.push_back(summaryOf(worker, session));
            return true;
        });
        if (last) filter.after = last->clientId();
        return slice;
    }
};

/// Subscriptions of one worker's sessions, slice by slice. A session may have more than fit into
/// one: its table of them is then gone through bucket by bucket.
struct SubscriptionStep
{
    using Item = SubscriptionSummary;

    SessionFilter filter; // `after` moves along
    std::string inside{}; // the session whose subscriptions are listed; empty: between sessions
    std::size_t bucket = 0;
    std::size_t buckets = 0;

    WalkSlice<Item> operator()(Worker& worker)
    {
        WalkSlice<Item> slice;
        slice.ended = true;
        std::size_t budget = kSubscriptionsPerSlice;
        const auto enter = [&](Session& session) {
            if (inside != session.clientId())
            {
                inside = session.clientId();
                bucket = buckets = 0;
            }
            if (!goThrough(worker, session, budget, slice.items)) return false;
            filter.after = std::exchange(inside, {});
            return true;
        };
        if (!filter.clientId.empty() && inside.empty()) inside = filter.clientId;
        if (!inside.empty())
        {
            Session* const session = worker.find(inside);
            if (!session || !filter.matches(*session)) filter.after = std::exchange(inside, {});
            else if (!enter(*session)) slice.ended = false;
        }
        if (!slice.ended || !filter.clientId.empty()) return slice;
        std::string passed = filter.after;
        worker.visitSessions(passed, [&](Session& session) {
            if (budget == 0) return slice.ended = false;
            --budget;
            if (!filter.matches(session))
            {
                filter.after = session.clientId();
                return true;
            }
            return slice.ended = enter(session);
        });
        return slice;
    }

    /// False when there is more for the next slice.
    bool goThrough(Worker& worker, Session& session, std::size_t& budget,
                   std::vector<Item>& items)
    {
        const auto& all = session.subscriptions();
        if (buckets != all.bucket_count()) bucket = 0; // they stand elsewhere now
        buckets = all.bucket_count();
        for (; bucket < buckets; ++bucket)
        {
            if (budget == 0) return false;
            --budget;
            for (auto at = all.begin(bucket); at != all.end(bucket); ++at)
                add(worker, session, *at, items);
        }
        return true;
    }

    static void add(Worker& worker, Session& session, FilterId filter, std::vector<Item>& items)
    {
        const auto& index = worker.broker().subscriptions;
        const auto options = index.options(filter, session.outbound().id());
        if (!options) return;
        items.push_back({session.clientId(), index.text(filter),
                         static_cast<unsigned>(options->maximumQoS()), options->noLocal(),
                         options->retainAsPublished(), session.client != nullptr,
                         options->subscriptionIdentifier()});
    }
};

} // namespace

bool SessionFilter::matches(Session& session) const
{
    if (connected && *connected != (session.client != nullptr)) return false;
    if (!clientId.empty() && session.clientId() != clientId) return false;
    if (!contains(session.clientId(), clientIdPart)) return false;
    if (userName.empty() && userNamePart.empty()) return true;
    const auto identity = session.outbound().identity();
    const auto* const info = ClientIdentity::infoOf(identity.get());
    if (!info || !info->hasUserName) return false;
    return (userName.empty() || info->userName.view() == userName) &&
           contains(info->userName.view(), userNamePart);
}

std::vector<Worker*> Listing::workersFor(const SessionFilter& filter) const
{
    if (!filter.clientId.empty()) return {&_broker.workerOf(filter.clientId)};
    std::vector<Worker*> all;
    for (const auto& worker : _broker.workers) all.push_back(worker.get());
    return all;
}

void Listing::visitSessions(const SessionFilter& filter,
                            const std::function<bool(const SessionSummary&)>& visitor)
{
    WorkerWalk<SessionStep> walk(workersFor(filter), SessionStep{filter});
    while (const SessionSummary* const session = walk.next())
        if (!visitor(*session)) return;
}

void Listing::visitSubscriptions(const SessionFilter& filter,
                                 const std::function<bool(const SubscriptionSummary&)>& visitor)
{
    WorkerWalk<SubscriptionStep> walk(workersFor(filter), SubscriptionStep{filter});
    while (const SubscriptionSummary* const subscription = walk.next())
        if (!visitor(*subscription)) return;
}

void Listing::visitFilters(std::string_view part,
                           const std::function<bool(const FilterSummary&)>& visitor)
{
    FilterCursor cursor;
    std::vector<FilterSummary> slice;
    for (bool more = true; more;)
    {
        slice.clear();
        more = _broker.subscriptions.list(cursor, kFiltersPerSlice, slice);
        for (const auto& filter : slice)
            if (contains(filter.text, part) && !visitor(filter)) return;
    }
}

void Listing::visitRetained(const TopicFilter& filter,
                            const std::function<bool(const MessageRef&)>& visitor)
{
    // Any worker may look: it is online in the Quiescence.
    Worker& worker = *_broker.workers.front();
    const auto scan = std::make_shared<RetainedScan>(filter);
    WalkSlice<MessageRef> slice;
    while (!slice.ended)
    {
        auto answer = askWorker(worker, [scan](Worker& owner) {
            WalkSlice<MessageRef> found;
            found.ended = !scan->next(owner.broker().retained, kRetainedPerSlice,
                                      [&found](const Message& message) {
                                          found.items.push_back(MessageRef::share(&message));
                                      });
            return found;
        });
        slice = awaitWorker(answer, worker);
        for (const auto& message : slice.items)
            if (!visitor(message)) return;
    }
}

std::vector<SessionSummary> Listing::sessions(const std::string& after, std::size_t limit)
{
    std::vector<SessionSummary> page;
    SessionFilter filter;
    filter.after = after;
    if (limit == 0) return page;
    visitSessions(filter, [&page, limit](const SessionSummary& session) {
        page.push_back(session);
        return page.size() < limit;
    });
    return page;
}

std::optional<SessionSummary> Listing::session(const std::string& clientId)
{
    std::optional<SessionSummary> found;
    if (clientId.empty()) return found;
    SessionFilter filter;
    filter.clientId = clientId;
    visitSessions(filter, [&found](const SessionSummary& session) {
        found = session;
        return false;
    });
    return found;
}

std::vector<SubscriptionSummary> Listing::subscriptions(const std::string& after,
                                                        std::size_t limit, std::string& last)
{
    std::vector<SubscriptionSummary> page;
    SessionFilter filter;
    filter.after = after;
    last.clear();
    std::size_t clients = 0;
    visitSubscriptions(filter, [&](const SubscriptionSummary& subscription) {
        if (page.empty() || page.back().clientId != subscription.clientId)
        {
            if (clients == limit)
            {
                last = page.empty() ? after : page.back().clientId;
                return false;
            }
            ++clients;
        }
        page.push_back(subscription);
        return true;
    });
    return page;
}

std::vector<SubscriptionSummary> Listing::subscriptionsOf(const std::string& clientId)
{
    std::vector<SubscriptionSummary> found;
    SessionFilter filter;
    filter.clientId = clientId;
    if (clientId.empty()) return found;
    visitSubscriptions(filter, [&found](const SubscriptionSummary& subscription) {
        found.push_back(subscription);
        return true;
    });
    return found;
}

} // namespace nanomq
