#include "broker/Listing.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <future>
#include <memory>

namespace nanomq
{

namespace
{

constexpr std::chrono::seconds kDeadline{5};

/// Runs `look(worker)` on a worker; the future gets its result. The state it shares outlives
/// whoever gives up waiting.
template <class Look> auto ask(Worker& worker, Look look)
{
    using Answer = decltype(look(worker));
    auto promise = std::make_shared<std::promise<Answer>>();
    auto future = promise->get_future();
    worker.loop().mailbox().post(
        [&worker, promise, look = std::move(look)]() mutable { promise->set_value(look(worker)); });
    return future;
}

template <class Answer> Answer await(std::future<Answer>& future, const Worker& worker)
{
    if (future.wait_for(kDeadline) != std::future_status::ready)
        throw Poco::TimeoutException("worker " + std::to_string(worker.number()) +
                                     " did not answer within 5 s");
    return future.get();
}

SessionSummary summaryOf(Worker& worker, Session& session)
{
    SessionSummary summary;
    summary.clientId = session.clientId();
    summary.connected = session.client != nullptr;
    summary.worker = worker.number();
    summary.subscriptions = session.subscriptions().size();
    const auto load = session.outbound().load();
    summary.queued = load.queued;
    summary.inFlight = load.inFlight;
    const auto identity = session.outbound().identity();
    if (const auto* const info = ClientIdentity::infoOf(identity.get()))
    {
        if (info->hasUserName) summary.userName = std::string(info->userName.view());
        summary.peer = std::string(info->peerAddress.view()) + ":" + std::to_string(info->peerPort);
        summary.cleanStart = info->cleanStart;
        summary.protocolVersion = info->protocolVersion;
        summary.keepAliveSeconds = info->keepAliveSeconds;
        summary.connectedAtMs = info->connectedAtMs;
    }
    return summary;
}

void subscriptionsOf(Worker& worker, Session& session, std::vector<SubscriptionSummary>& out)
{
    auto& index = worker.broker().subscriptions;
    for (const FilterId filter : session.subscriptions())
    {
        const auto options = index.options(filter, session.outbound().id());
        if (!options) continue;
        out.push_back({session.clientId(), index.text(filter),
                       static_cast<unsigned>(options->maximumQoS()), options->noLocal(),
                       options->retainAsPublished(), options->subscriptionIdentifier()});
    }
}

/// The worker's sessions behind `after`, the first `limit` of them in order.
std::vector<Session*> page(Worker& worker, const std::string& after, std::size_t limit)
{
    std::vector<Session*> found;
    worker.visitSessions(after, [&](Session& session) {
        if (found.size() == limit) return false;
        found.push_back(&session);
        return true;
    });
    return found;
}

/// Asks every worker for its page and merges them.
template <class Item, class Look>
std::vector<Item> merged(BrokerState& broker, Look look)
{
    std::vector<std::future<std::vector<Item>>> answers;
    for (auto& worker : broker.workers) answers.push_back(ask(*worker, look));
    std::vector<Item> all;
    for (std::size_t i = 0; i < answers.size(); ++i)
    {
        auto items = await(answers[i], *broker.workers[i]);
        all.insert(all.end(), std::make_move_iterator(items.begin()),
                   std::make_move_iterator(items.end()));
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Item& a, const Item& b) { return a.clientId < b.clientId; });
    return all;
}

} // namespace

std::vector<SessionSummary> Listing::sessions(const std::string& after, std::size_t limit)
{
    auto all = merged<SessionSummary>(_broker, [after, limit](Worker& worker) {
        std::vector<SessionSummary> summaries;
        for (auto* const session : page(worker, after, limit))
            summaries.push_back(summaryOf(worker, *session));
        return summaries;
    });
    if (all.size() > limit) all.resize(limit);
    return all;
}

std::optional<SessionSummary> Listing::session(const std::string& clientId)
{
    Worker& worker = _broker.workerOf(clientId);
    auto answer = ask(worker, [clientId](Worker& owner) -> std::optional<SessionSummary> {
        Session* const session = owner.find(clientId);
        if (!session) return std::nullopt;
        return summaryOf(owner, *session);
    });
    return await(answer, worker);
}

std::vector<SubscriptionSummary> Listing::subscriptions(const std::string& after,
                                                        std::size_t limit, std::string& last)
{
    // Which sessions the page holds is known once all workers have told their first ones.
    const auto sessionsOfPage = sessions(after, limit);
    last = sessionsOfPage.size() < limit ? std::string() : sessionsOfPage.back().clientId;
    if (sessionsOfPage.empty()) return {};
    const std::string end = sessionsOfPage.back().clientId;
    return merged<SubscriptionSummary>(_broker, [after, limit, end](Worker& worker) {
        std::vector<SubscriptionSummary> summaries;
        for (auto* const session : page(worker, after, limit))
            if (session->clientId() <= end) nanomq::subscriptionsOf(worker, *session, summaries);
        return summaries;
    });
}

std::vector<SubscriptionSummary> Listing::subscriptionsOf(const std::string& clientId)
{
    Worker& worker = _broker.workerOf(clientId);
    auto answer = ask(worker, [clientId](Worker& owner) {
        std::vector<SubscriptionSummary> summaries;
        if (Session* const session = owner.find(clientId))
            nanomq::subscriptionsOf(owner, *session, summaries);
        return summaries;
    });
    return await(answer, worker);
}

} // namespace nanomq
