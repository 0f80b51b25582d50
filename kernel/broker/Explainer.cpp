#include "broker/Explainer.h"

#include "broker/Client.h"
#include "broker/PublishHook.h"
#include "broker/WorkerWalk.h"
#include "hook/HookSet.h"
#include "topic/TopicName.h"
#include "wire/ListedReasons.h"

#include <algorithm>
#include <cstdio>

namespace nanomq
{

namespace
{

constexpr std::size_t kFiltersAtOnce = 1'000;

std::string hexOf(ReasonCode reason)
{
    char text[8];
    std::snprintf(text, sizeof text, "0x%02X", static_cast<unsigned>(reason));
    return text;
}

/// The part of an explanation that a worker finds out, in one turn.
class Question
{
public:
    Question(Worker& worker, const ExplainRequest& request)
        : _worker(worker),
          _request(request)
    {
        _explanation.topic = request.topic;
        _explanation.qos = std::min(request.qos, worker.broker().settings.maximumQoS);
    }

    /// @param recipients  become the sessions that match, in the order of the explanation's.
    Explanation answer(std::vector<SubscriberId>& recipients)
    {
        findClient();
        if (_request.subscribe) askSubscribe();
        else if (askPublish()) findRecipients(recipients);
        for (const auto& opinion : _explanation.opinions)
            if (!opinion.asked && opinion.verdict == sdk::Verdict::Next) ++_explanation.notAsked;
        return std::move(_explanation);
    }

private:
    using Access = sdk::Access;

    void findClient()
    {
        Session* const session = _worker.find(_request.clientId);
        _explanation.hasSession = session != nullptr;
        _explanation.connected = session && session->client;
        _publisherId = session ? session->outbound().id() : kNoSubscriber;
        if (session) _known = session->outbound().identity();
        if (const auto* const known = ClientIdentity::infoOf(_known.get())) _client = *known;
        else
        {
            _client.size = sizeof _client;
            _client.protocolVersion = 5;
            _client.cleanStart = 1;
        }
        _client.clientId = _request.clientId;
        if (_request.userName && !_explanation.connected)
        {
            _client.userName = *_request.userName;
            _client.hasUserName = 1;
        }
        _explanation.userName = std::string(_client.userName.view());
    }

    bool refuse(ReasonCode reason, std::string why)
    {
        _explanation.reason = reason;
        _explanation.outcome = "refused (" + hexOf(reason) + "): " + std::move(why);
        return false;
    }

    /// What comes of a chain: true when the packet goes on behind it.
    bool settle(const HookOutcome& outcome, PacketType answer)
    {
        const std::string why =
            outcome.plugin + (outcome.reasonText.empty() ? "" : ": " + outcome.reasonText);
        switch (outcome.verdict)
        {
        case sdk::Verdict::Deny:
            return refuse(refusalFor(answer, static_cast<ReasonCode>(outcome.reason),
                                     ReasonCode::NotAuthorized),
                          why);
        case sdk::Verdict::Drop:
            _explanation.outcome = "acknowledged and dropped: " + why;
            return false;
        case sdk::Verdict::Pending:
            _explanation.outcome = "not known: " + outcome.plugin + " would answer later";
            return false;
        default: return true;
        }
    }

    template <class Event> HookOutcome ask(Event& event)
    {
        HookOutcome outcome;
        event.client = &_client;
        _worker.broker().hooks.askDry(_worker.hooks(), _worker.number(), event, outcome,
                                      _explanation.opinions);
        return outcome;
    }

    bool authorize(Access access, PacketType answer)
    {
        auto event = newEvent<sdk::ClientAuthorize>();
        event.topic = _explanation.topic;
        event.access = access;
        event.qos = static_cast<std::uint8_t>(_request.qos);
        event.retain = _request.retain;
        return settle(ask(event), answer);
    }

    bool askPublish()
    {
        const auto& settings = _worker.broker().settings;
        if (!isValidTopicName(_request.topic) || _worker.broker().tooDeep(_request.topic))
            return refuse(ReasonCode::TopicNameInvalid, "this is no Topic Name here");
        if (_request.qos > settings.maximumQoS)
            return refuse(ReasonCode::QoSNotSupported, "the broker takes no such QoS");
        if (_request.retain && !settings.retainAvailable)
            return refuse(ReasonCode::RetainNotSupported, "the broker retains nothing");
        if (_request.topic.starts_with("$SYS/"))
            return refuse(ReasonCode::NotAuthorized, "only the broker speaks on $SYS/");
        if (!authorize(Access::Publish, PacketType::Puback)) return false;

        MessageView view;
        view.topicName = _request.topic;
        view.qos = _request.qos;
        view.retain = _request.retain;
        auto event = publishEvent(view, &_client, _worker.loop().now());
        const HookOutcome outcome = ask(event);
        if (!settle(outcome, PacketType::Puback)) return false;
        if (outcome.topic) _explanation.topic = *outcome.topic;
        if (outcome.qos) _explanation.qos = static_cast<QoS>(*outcome.qos);
        _explanation.allowed = true;
        return true;
    }

    void askSubscribe()
    {
        if (const auto filter = TopicFilter::parse(_request.topic);
            !filter || _worker.broker().tooDeep(filter->filter()))
        {
            refuse(ReasonCode::TopicFilterInvalid, "this is no Topic Filter here");
            return;
        }
        if (!authorize(Access::Subscribe, PacketType::Suback)) return;
        auto event = newEvent<sdk::ClientSubscribe>();
        event.topicFilter = _request.topic;
        event.options.qos = static_cast<std::uint8_t>(_request.qos);
        const HookOutcome outcome = ask(event);
        if (!settle(outcome, PacketType::Suback)) return;
        if (outcome.topic) _explanation.topic = *outcome.topic;
        if (outcome.qos) _explanation.qos = static_cast<QoS>(*outcome.qos);
        _explanation.allowed = true;
        _explanation.outcome =
            "subscribed with QoS " + std::to_string(static_cast<int>(_explanation.qos));
    }

    void findRecipients(std::vector<SubscriberId>& recipients)
    {
        MatchSet matches;
        _worker.broker().subscriptions.match(_explanation.topic, matches);
        std::vector<std::uint32_t> observers;
        for (const auto& list : matches.lists())
            for (const Subscriber subscriber : list)
            {
                if (subscriber.id == kNoSubscriber) continue;
                if (subscriber.options.noLocal() && subscriber.id == _publisherId) continue;
                if ((subscriber.id & kObserverBit) != 0) observers.push_back(subscriber.id);
                else add(subscriber, "", recipients);
            }
        for (const SharedGroup* const group : matches.groups())
            for (const Subscriber member : group->members())
                if (member.id != kNoSubscriber)
                    add(member, ", if it is the turn of this member of " +
                                    std::string(group->shareName()),
                        recipients);
        nameObservers(observers);
        _explanation.reason = recipients.empty() ? ReasonCode::NoMatchingSubscribers
                                                 : ReasonCode::Success;
        _explanation.outcome =
            recipients.empty() ? "routed to nobody" : "routed";
    }

    /// A session that matches more than once gets the message once (§3.3.4).
    void add(Subscriber subscriber, const std::string& condition,
             std::vector<SubscriberId>& recipients)
    {
        Outbound* const outbound = _worker.broker().slots.find(subscriber.id);
        if (!outbound) return;
        if (recipients.size() == Explanation::kMaximumRecipients)
        {
            ++_explanation.recipientCount; // a worker has no time to tell them apart
            return;
        }
        const QoS qos = std::min(_explanation.qos, subscriber.options.maximumQoS());
        const auto [place, isNew] = _places.try_emplace(subscriber.id, recipients.size());
        if (!isNew)
        {
            auto& before = _explanation.recipients[place->second];
            before.qos = std::max(before.qos, qos);
            return;
        }
        recipients.push_back(subscriber.id);
        ++_explanation.recipientCount;
        auto& recipient = _explanation.recipients.emplace_back();
        const auto identity = outbound->identity();
        if (const auto* const info = ClientIdentity::infoOf(identity.get()))
            recipient.clientId = std::string(info->clientId.view());
        recipient.qos = qos;
        recipient.fate = fateOf(outbound->standing(qos), qos) + condition;
    }

    static std::string fateOf(Outbound::Standing standing, QoS qos)
    {
        switch (standing)
        {
        case Outbound::Standing::Ready: return "sent";
        case Outbound::Standing::Connected:
            return qos == QoS::AtMostOnce ? "queued or dropped: slow reader" : "queued: it is busy";
        case Outbound::Standing::Away: break;
        }
        return qos == QoS::AtMostOnce ? "dropped: not connected" : "queued: not connected";
    }

    void nameObservers(const std::vector<std::uint32_t>& ids)
    {
        auto& names = _explanation.observers;
        const HookTable& table = _worker.hooks();
        for (const auto& entry : table.on(sdk::HookPoint::MessagePublished))
            names.push_back(entry.record->set.name());
        for (const auto id : ids)
            if (const auto* const entry = table.observer(id))
                names.push_back(entry->record->set.name());
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
    }

    Worker& _worker;
    const ExplainRequest& _request;
    Ref<const Counted> _known; // keeps what _client shows
    sdk::ClientInfo _client{};
    SubscriberId _publisherId = kNoSubscriber;
    std::unordered_map<SubscriberId, std::size_t> _places; // in recipients
    Explanation _explanation;
};

} // namespace

Explanation Explainer::explain(const ExplainRequest& request)
{
    struct Answer
    {
        Explanation explanation;
        std::vector<SubscriberId> recipients;
    };
    Worker& worker = _broker.workerOf(request.clientId);
    auto asked = askWorker(worker, [request](Worker& owner) {
        Answer found;
        found.explanation = Question(owner, request).answer(found.recipients);
        return found;
    });
    Answer answer = awaitWorker(asked, worker);
    if (answer.explanation.allowed && !request.subscribe)
        nameFilters(answer.explanation, answer.recipients);
    return std::move(answer.explanation);
}

/// The index finds subscribers by topic, not filters; so the names are looked up one by one, in
/// small steps, by this thread.
void Explainer::nameFilters(Explanation& explanation, const std::vector<SubscriberId>& recipients)
{
    FilterCursor cursor;
    std::vector<FilterSummary> filters;
    for (bool more = true; more;)
    {
        filters.clear();
        more = _broker.subscriptions.list(cursor, kFiltersAtOnce, filters);
        for (const auto& found : filters)
        {
            const auto filter = TopicFilter::parse(found.text);
            if (!filter || !matches(*filter, explanation.topic)) continue;
            explanation.topicFilters.push_back(found.text);
            for (std::size_t i = 0; i < explanation.recipients.size(); ++i)
                if (_broker.subscriptions.options(found.id, recipients[i]))
                    explanation.recipients[i].topicFilters.push_back(found.text);
        }
    }
}

} // namespace nanomq
