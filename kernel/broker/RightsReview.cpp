#include "broker/RightsReview.h"

#include "broker/Client.h"

#include <algorithm>
#include <unordered_set>

namespace nanomq
{

namespace
{

constexpr std::size_t kQuestionsPerSlice = 64;
constexpr std::size_t kSessionsPerSlice = 64;
constexpr std::size_t kSessionsPerLook = 64; // for the next one that has a connection

/// Topic Filters to match many topics with: those without wildcards by look-up.
class FilterSet
{
public:
    /// @param text  well formed; views it.
    void add(std::string_view text)
    {
        const auto filter = TopicFilter::parse(text);
        if (!filter) return;
        if (filter->hasWildcard()) _wildcards.push_back(filter->filter());
        else _exact.insert(filter->filter());
    }
    bool matchesTopic(std::string_view topicName) const
    {
        return _exact.contains(topicName) ||
               std::any_of(_wildcards.begin(), _wildcards.end(),
                           [&](std::string_view filter) { return matches(filter, topicName); });
    }

private:
    std::unordered_set<std::string_view> _exact;
    std::vector<std::string_view> _wildcards;
};

} // namespace

RightsReview::RightsReview(Worker& worker, Ref<const ClientIdentity> identity, Done& done)
    : _worker(worker),
      _identity(std::move(identity)),
      _done(done),
      _questions(worker.broker().hooks, worker.number(), *this)
{
}

RightsReview::~RightsReview()
{
    _worker.cancel(*this);
}

bool RightsReview::start()
{
    _progress = advance();
    if (_progress == Progress::More) _worker.begin(*this);
    return finished();
}

bool RightsReview::runSlice()
{
    _progress = advance();
    if (finished()) return _done.reviewed(), false; // nothing of this object is touched behind it
    return _progress == Progress::More;
}

void RightsReview::answered()
{
    _progress = advance();
    if (finished()) return _done.reviewed();
    if (_progress == Progress::More) _worker.begin(*this);
}

RightsReview::Progress RightsReview::advance()
{
    Session* const session = _worker.find(_identity->clientId());
    if (!session) return Progress::Finished;
    if (!_begun)
    {
        _begun = true;
        _left.assign(session->subscriptions().begin(), session->subscriptions().end());
    }
    if (!_willDone && !reviewWill(*session)) return Progress::Waits;
    for (std::size_t asked = 0; !_left.empty(); ++asked)
    {
        if (asked == kQuestionsPerSlice) return Progress::More;
        const auto allowed = askNext(*session);
        if (!allowed) return Progress::Waits;
        if (!*allowed) endSubscription(*session, _left.back());
        _left.pop_back();
        _asking.clear();
    }
    if (!_denied.empty()) dropQueued(*session);
    return Progress::Finished;
}

std::optional<bool> RightsReview::ask(sdk::Access access, std::string_view topic)
{
    auto event = newEvent<sdk::ClientAuthorize>();
    event.client = &_identity->info();
    event.topic = topic;
    event.access = access;
    _questions.begin();
    const HookOutcome* const outcome =
        _questions.ask(_worker.hooks(), event, {_identity.get(), nullptr, nullptr});
    if (!outcome) return std::nullopt;
    bool allowed = outcome->verdict != sdk::Verdict::Deny;
    if (access == sdk::Access::Receive && outcome->verdict != sdk::Verdict::Allow)
        allowed = allowed && _worker.broker().mayReceive(*_identity, topic);
    _questions.end();
    return allowed;
}

bool RightsReview::reviewWill(Session& session)
{
    // That of an earlier connection has its right from then, and goes out, or not, before this one.
    if (session.client && session.client->identity() == _identity.get() && session.will)
    {
        const MessageRef message = session.will->message;
        const auto allowed = ask(sdk::Access::Will, message->topicName());
        if (!allowed) return false;
        if (!*allowed) session.will.reset();
    }
    else _questions.end();
    return _willDone = true;
}

std::optional<bool> RightsReview::askNext(Session& session)
{
    const FilterId filter = _left.back();
    const bool there = session.subscriptions().contains(filter);
    std::string text = there ? _worker.broker().subscriptions.text(filter) : std::string();
    if (!there || (!_asking.empty() && _asking != text))
    {
        // Unsubscribed while the answer was on its way; the number may name another filter by now.
        _questions.end();
        return true;
    }
    _asking = std::move(text);
    return ask(sdk::Access::Receive, _asking);
}

void RightsReview::endSubscription(Session& session, FilterId filter)
{
    if (!session.removeSubscription(filter)) return;
    if (session.client) session.client->subscriptionEnded(filter);
    const EventOwners owners{_identity.get(), nullptr, nullptr};
    if (_worker.broker().subscriptions.remove(filter, session.outbound().id()))
    {
        sdk::RouteRemoved event{};
        event.topicFilter = _asking;
        _worker.tell(event, {}, _asking);
    }
    sdk::SessionUnsubscribed event{};
    event.client = &_identity->info();
    event.topicFilter = _asking;
    _worker.tell(event, owners, _asking);
    _denied.push_back(_asking);
}

void RightsReview::dropQueued(Session& session)
{
    if (session.outbound().load().queued == 0) return;
    FilterSet denied;
    for (const auto& text : _denied) denied.add(text);
    std::vector<std::string> texts;
    for (const FilterId filter : session.subscriptions())
        texts.push_back(_worker.broker().subscriptions.text(filter));
    FilterSet kept;
    for (const auto& text : texts) kept.add(text);
    auto dropped = session.outbound().dropQueued([&](std::string_view topicName) {
        return denied.matchesTopic(topicName) && !kept.matchesTopic(topicName);
    });
    _worker.tellDropped(session, std::move(dropped), DeliveryResult::NotAuthorized);
}

RightsRound::~RightsRound()
{
    _worker.cancel(*this);
}

void RightsRound::begin()
{
    _after.clear();
    if (_running) return;
    _running = true;
    _worker.begin(*this);
}

void RightsRound::reviewed()
{
    _worker.begin(*this);
}

bool RightsRound::runSlice()
{
    for (std::size_t sessions = 0; sessions < kSessionsPerSlice; ++sessions)
    {
        if (!reviewNext()) return _running = false;
        if (_review && !_review->finished()) return false; // reviewed() goes on
    }
    return true;
}

bool RightsRound::reviewNext()
{
    _review.reset();
    Session* last = nullptr;
    std::size_t looked = 0;
    _worker.visitSessions(_after, [&](Session& session) {
        last = &session;
        return !session.client && ++looked < kSessionsPerLook;
    });
    if (!last) return false;
    _after = last->clientId();
    if (!last->client) return true;
    RightsReview::Done& done = *this;
    _review = std::make_unique<RightsReview>(
        _worker, Ref<const ClientIdentity>::share(last->client->identity()), done);
    _review->start();
    return true;
}

} // namespace nanomq
