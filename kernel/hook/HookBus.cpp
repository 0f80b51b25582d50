#include "hook/HookBus.h"

#include "hook/EventViews.h"
#include "hook/ObserverContext.h"
#include "hook/TopicRules.h"
#include "hook/WorkerState.h"

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace nanomq
{

namespace
{

/// Answers to deferrals that a plugin may have on the way: each wait has one, the rest is noise.
constexpr std::uint32_t kMaxAnswersOnTheWay = 4 * HookSet::kMaxOpenDeferrals;

/// What a connection keeps for the mechanism that authenticates it.
constexpr std::uint64_t kMaxAuthenticationState = 4'096;

/// The largest packet there can be (§2.1.4).
constexpr std::uint64_t kMaxPayload = 268'435'455;

} // namespace

/// HookContext of a chain: writes what hooks change into the outcome, and shows it to the next.
class ChainContext final : public sdk::HookContext
{
public:
    ChainContext(Deferrals& deferrals, HookMark& mark, sdk::EventHeader& event,
                 const EventOwners& owners, HookOutcome& outcome) noexcept
        : _deferrals(deferrals),
          _mark(mark),
          _event(event),
          _owners(owners),
          _outcome(outcome)
    {
    }

    /// Shows the changes of hooks that were asked before a deferral.
    void showChanges();
    /// Calls one hook; what it answers is one of Next, Allow, Deny, Drop, Pending.
    sdk::Verdict ask(const HookEntry& entry, unsigned worker);

    /// The same in a dry run: not counted, and what it answers may be anything.
    sdk::Verdict askDry(const HookEntry& entry);
    /// What the hook asked last has changed.
    HookChanges changes() const noexcept { return _changes; }

    sdk::Deferral defer(std::uint32_t timeoutMs, sdk::Verdict onTimeout) override;
    sdk::Status setTopic(sdk::Str topic) override;
    sdk::Status setPayload(sdk::Bytes payload) override;
    sdk::Status setQoS(std::uint8_t qos) override;
    sdk::Status addUserProperty(sdk::Str name, sdk::Str value) override;
    sdk::Status setClientId(sdk::Str clientId) override;
    sdk::Status setUserName(sdk::Str userName) override;
    sdk::Status setAuthenticationData(sdk::Bytes data) override;
    void setReason(sdk::ReasonCode code, sdk::Str text) override;
    sdk::Message* retain() override { return keepMessage(_owners.message); }
    sdk::Status setAuthenticationState(sdk::Bytes state) override;
    sdk::Status setServerReference(sdk::Str reference) override;

private:
    bool at(sdk::HookPoint point) const noexcept { return _event.point == point; }
    sdk::Verdict judge(const HookEntry& entry, HookCell& cell, sdk::Verdict verdict);
    sdk::Verdict failure(const HookEntry& entry);
    sdk::ClientInfo& changedClient() noexcept;
    void showTopic() noexcept;
    void showPayload() noexcept;
    void showQoS() noexcept;
    void showUserName() noexcept;
    void changed(HookChange what) noexcept { _changes |= static_cast<HookChanges>(what); }

    Deferrals& _deferrals;
    HookMark& _mark;
    sdk::EventHeader& _event;
    const EventOwners& _owners;
    HookOutcome& _outcome;
    const HookEntry* _entry = nullptr;
    std::uint64_t _deferral = 0;
    HookChanges _changes = 0;
    sdk::ClientInfo _client{}; // the event's, once a hook has changed it
    bool _clientChanged = false;
};

void ChainContext::showChanges()
{
    if (_outcome.topic) showTopic();
    if (_outcome.payload) showPayload();
    if (_outcome.qos) showQoS();
    if (_outcome.clientId) changedClient().clientId = *_outcome.clientId;
    if (_outcome.userName) showUserName();
}

sdk::Verdict ChainContext::ask(const HookEntry& entry, unsigned worker)
{
    HookRecord& record = *entry.record;
    HookCell& cell = record.cells[worker];
    _entry = &entry;
    _deferral = 0;
    _changes = 0;
    _outcome.reason = 0;
    _outcome.reasonText.clear();
    if (!record.breaker.admits()) [[unlikely]]
    {
        cell.skipped.add();
        return failure(entry);
    }
    const auto verdict = judge(entry, cell, callHook(record, worker, _mark, _event, *this));
    if (verdict != sdk::Verdict::Pending && _deferral != 0) _deferrals.abandon(_deferral);
    return verdict;
}

sdk::Verdict ChainContext::askDry(const HookEntry& entry)
{
    _entry = &entry;
    _changes = 0;
    _outcome.reason = 0;
    _outcome.reasonText.clear();
    try
    {
        return entry.record->function(entry.record->self, &_event, this);
    }
    catch (const std::exception& error)
    {
        _outcome.reasonText = error.what();
    }
    catch (...)
    {
        _outcome.reasonText = "an exception of unknown type";
    }
    return sdk::Verdict::Error;
}

sdk::Verdict ChainContext::judge(const HookEntry& entry, HookCell& cell, sdk::Verdict verdict)
{
    using sdk::Verdict;
    switch (verdict)
    {
    case Verdict::Next:
    case Verdict::Allow:
    case Verdict::Deny: return verdict;
    case Verdict::Drop:
        if (at(sdk::HookPoint::MessagePublish)) return verdict;
        break;
    case Verdict::Continue:
        if (at(sdk::HookPoint::ClientEnhancedAuth)) return verdict;
        break;
    case Verdict::Pending:
        if (_deferral != 0)
        {
            cell.deferrals.add();
            _outcome.deferral = _deferral;
            return verdict;
        }
        break;
    case Verdict::Error: return failure(entry); // counted by callHook()
    }
    cell.errors.add();
    entry.record->set.hookFailed(*entry.record, verdict == Verdict::Pending
                                                    ? "Pending without a deferral"
                                                    : "no verdict for this point");
    return failure(entry);
}

sdk::Verdict ChainContext::failure(const HookEntry& entry)
{
    if ((entry.flags & sdk::kFailClosed) == 0) return sdk::Verdict::Next;
    _outcome.reason = 0;
    _outcome.reasonText = "the plugin " + entry.record->set.name() + " failed";
    return sdk::Verdict::Deny;
}

sdk::Deferral ChainContext::defer(std::uint32_t timeoutMs, sdk::Verdict onTimeout)
{
    // Nobody waits for the answer.
    if ((_event.flags & sdk::kDryRun) != 0) return {0};
    if (_deferral == 0) _deferral = _deferrals.open(*_entry->record, timeoutMs, onTimeout);
    return {_deferral};
}

sdk::Status ChainContext::setTopic(sdk::Str topic)
{
    const bool publish = at(sdk::HookPoint::MessagePublish);
    if (!publish && !at(sdk::HookPoint::ClientSubscribe) && !at(sdk::HookPoint::ClientUnsubscribe))
        return -EPERM;
    if (publish ? !isTopicName(topic.view()) : !isTopicFilter(topic.view())) return -EINVAL;
    _outcome.topic = topic.view();
    changed(HookChange::Topic);
    showTopic();
    return 0;
}

void ChainContext::showTopic() noexcept
{
    if (at(sdk::HookPoint::MessagePublish))
        eventAs<sdk::MessagePublish>(_event).topic = *_outcome.topic;
    else if (at(sdk::HookPoint::ClientSubscribe))
        eventAs<sdk::ClientSubscribe>(_event).topicFilter = *_outcome.topic;
    else eventAs<sdk::ClientUnsubscribe>(_event).topicFilter = *_outcome.topic;
}

sdk::Status ChainContext::setPayload(sdk::Bytes payload)
{
    if (!at(sdk::HookPoint::MessagePublish)) return -EPERM;
    if (payload.size > kMaxPayload) return -EINVAL;
    _outcome.payload = payload.view();
    changed(HookChange::Payload);
    showPayload();
    return 0;
}

void ChainContext::showPayload() noexcept
{
    eventAs<sdk::MessagePublish>(_event).payload = {_outcome.payload->data(),
                                                    _outcome.payload->size()};
}

sdk::Status ChainContext::setQoS(std::uint8_t qos)
{
    if (!at(sdk::HookPoint::MessagePublish) && !at(sdk::HookPoint::ClientSubscribe)) return -EPERM;
    if (qos > 2) return -EINVAL;
    _outcome.qos = qos;
    changed(HookChange::QoS);
    showQoS();
    return 0;
}

void ChainContext::showQoS() noexcept
{
    if (at(sdk::HookPoint::MessagePublish))
        eventAs<sdk::MessagePublish>(_event).qos = *_outcome.qos;
    else eventAs<sdk::ClientSubscribe>(_event).options.qos = *_outcome.qos;
}

sdk::Status ChainContext::addUserProperty(sdk::Str name, sdk::Str value)
{
    if (!at(sdk::HookPoint::MessagePublish)) return -EPERM;
    if (!isMqttText(name.view()) || !isMqttText(value.view())) return -EINVAL;
    _outcome.userProperties.emplace_back(name.view(), value.view());
    changed(HookChange::UserProperty);
    return 0;
}

sdk::ClientInfo& ChainContext::changedClient() noexcept
{
    auto& shown = clientOf(_event);
    if (!_clientChanged)
    {
        if (shown) _client = *shown;
        shown = &_client;
        _clientChanged = true;
    }
    return _client;
}

sdk::Status ChainContext::setClientId(sdk::Str clientId)
{
    if (!at(sdk::HookPoint::ClientConnect)) return -EPERM;
    if (clientId.size == 0 || !isMqttText(clientId.view())) return -EINVAL;
    _outcome.clientId = clientId.view();
    changed(HookChange::ClientId);
    changedClient().clientId = *_outcome.clientId;
    return 0;
}

sdk::Status ChainContext::setUserName(sdk::Str userName)
{
    if (!at(sdk::HookPoint::ClientConnect) && !at(sdk::HookPoint::ClientEnhancedAuth))
        return -EPERM;
    if (!isMqttText(userName.view())) return -EINVAL;
    _outcome.userName = userName.view();
    changed(HookChange::UserName);
    showUserName();
    return 0;
}

void ChainContext::showUserName() noexcept
{
    changedClient().userName = *_outcome.userName;
    changedClient().hasUserName = 1;
}

sdk::Status ChainContext::setAuthenticationData(sdk::Bytes data)
{
    if (!at(sdk::HookPoint::ClientEnhancedAuth)) return -EPERM;
    if (data.size > 65535) return -EINVAL; // Binary Data (§1.5.6)
    _outcome.authenticationData = data.view();
    return 0;
}

sdk::Status ChainContext::setAuthenticationState(sdk::Bytes state)
{
    if (!at(sdk::HookPoint::ClientEnhancedAuth)) return -EPERM;
    if (state.size > kMaxAuthenticationState) return -EINVAL;
    _outcome.authenticationState = state.view();
    return 0;
}

sdk::Status ChainContext::setServerReference(sdk::Str reference)
{
    if (!at(sdk::HookPoint::ClientConnect) && !at(sdk::HookPoint::ClientAuthenticate) &&
        !at(sdk::HookPoint::ClientEnhancedAuth))
        return -EPERM;
    if (!isMqttText(reference.view())) return -EINVAL;
    _outcome.serverReference = reference.view();
    return 0;
}

void ChainContext::setReason(sdk::ReasonCode code, sdk::Str text)
{
    _outcome.reason = code;
    // It may go out as a Reason String: rather none than one that is not well formed.
    _outcome.reasonText = isMqttText(text.view()) ? text.view() : std::string_view();
}

HookBus::HookBus(Quiescence& quiescence)
    : _quiescence(quiescence),
      _table(std::make_unique<HookTable>().release())
{
}

HookBus::~HookBus()
{
    const std::unique_ptr<const HookTable> table(_table.load(std::memory_order_acquire));
}

void HookBus::attach(std::span<const Worker> workers, TopicFilters& filters)
{
    assert(workers.size() <= Quiescence::kMaxReaders);
    _workers.clear();
    for (const Worker& worker : workers)
        _workers.push_back(
            std::make_unique<WorkerState>(static_cast<unsigned>(_workers.size()), worker));
    _filters = &filters;
}

void HookBus::detach()
{
    _detached.store(true, std::memory_order_release);
    for (const auto& worker : _workers)
    {
        worker->deferrals.clear();
        worker->dirty.clear();
    }
}

void HookBus::prepare(unsigned worker, sdk::EventHeader& header, sdk::HookPoint point,
                      std::size_t size) noexcept
{
    header.size = static_cast<std::uint32_t>(size);
    header.point = point;
    header.worker = static_cast<std::uint16_t>(worker);
    header.flags = 0;
    header.reserved = 0;
    header.timeMs = static_cast<std::uint64_t>(unixNow());
    header.id = std::uint64_t{worker} << 56 | ++_workers[worker]->events;
}

void HookBus::askChain(const HookTable& table, unsigned worker, sdk::EventHeader& event,
                       const EventOwners& owners, HookOutcome& outcome, const HookPosition* after)
{
    outcome.verdict = sdk::Verdict::Next;
    outcome.reason = 0;
    outcome.reasonText.clear();
    outcome.plugin.clear();
    outcome.deferral = 0;

    const auto chain = table.on(event.point);
    auto entry = chain.begin();
    if (after)
        entry = std::upper_bound(chain.begin(), chain.end(), *after,
                                 [](const HookPosition& position, const HookEntry& candidate) {
                                     return position < candidate.position;
                                 });
    const sdk::ClientInfo* const client = clientOf(event);
    WorkerState& state = *_workers[worker];
    ChainContext context(state.deferrals, state.mark, event, owners, outcome);
    if (after) context.showChanges();
    for (; entry != chain.end() && outcome.verdict == sdk::Verdict::Next; ++entry)
    {
        if (!entry->record->wants(topicOf(event), *_filters)) continue;
        outcome.verdict = context.ask(*entry, worker);
        const bool stopped =
            outcome.verdict == sdk::Verdict::Deny || outcome.verdict == sdk::Verdict::Drop;
        if (stopped) outcome.plugin = entry->record->set.name();
        if (_witness &&
            (stopped || context.changes() != 0 || outcome.verdict == sdk::Verdict::Pending))
            _witness->decided({entry->record->set.name(), event, outcome.verdict, outcome.reason,
                               outcome.reasonText, context.changes(), &outcome});
    }
    clientOf(event) = client;
}

void HookBus::askDryChain(const HookTable& table, unsigned worker, sdk::EventHeader& event,
                          HookOutcome& outcome, std::vector<HookOpinion>& opinions)
{
    const sdk::ClientInfo* const client = clientOf(event);
    const EventOwners nobody;
    ChainContext context(_workers[worker]->deferrals, _workers[worker]->mark, event, nobody,
                         outcome);
    for (const HookEntry& entry : table.on(event.point))
    {
        if (!entry.record->wants(topicOf(event), *_filters)) continue;
        HookOpinion& opinion = opinions.emplace_back();
        opinion.plugin = entry.record->set.name();
        opinion.point = event.point;
        opinion.priority = entry.position.priority;
        if (entry.record->breaker.state() != HookBreaker::State::Closed)
        {
            opinion.verdict = sdk::Verdict::Error;
            opinion.reasonText = "not called: it fails all the time, its breaker is open";
        }
        else if ((entry.flags & sdk::kDryRunAware) == 0)
        {
            opinion.reasonText = "not asked: it does not declare kDryRunAware";
            continue;
        }
        else
        {
            opinion.asked = true;
            opinion.verdict = context.askDry(entry);
            opinion.reason = outcome.reason;
            opinion.reasonText = outcome.reasonText;
            opinion.changes = describeChanges(context.changes(), outcome);
        }
        outcome.verdict = opinion.verdict;
        if (opinion.verdict == sdk::Verdict::Error)
            outcome.verdict = (entry.flags & sdk::kFailClosed) != 0 ? sdk::Verdict::Deny
                                                                    : sdk::Verdict::Next;
        if (outcome.verdict == sdk::Verdict::Next) continue;
        outcome.plugin = opinion.plugin;
        break;
    }
    clientOf(event) = client;
}

bool HookBus::park(std::uint64_t deferral, Parked& parked)
{
    const unsigned worker = Deferrals::workerOf(deferral);
    return worker < _workers.size() && _workers[worker]->deferrals.park(deferral, parked);
}

void HookBus::forget(std::uint64_t deferral) noexcept
{
    const unsigned worker = Deferrals::workerOf(deferral);
    if (worker < _workers.size()) _workers[worker]->deferrals.abandon(deferral);
}

void HookBus::complete(HookSet& by, std::uint64_t deferral, sdk::Verdict verdict,
                       sdk::ReasonCode reason, std::string_view text)
{
    const unsigned worker = Deferrals::workerOf(deferral);
    const bool possible =
        deferral != 0 && worker < _workers.size() && !_detached.load(std::memory_order_acquire);
    if (!possible ||
        by._answersOnTheWay.fetch_add(1, std::memory_order_relaxed) >= kMaxAnswersOnTheWay)
    {
        if (possible) by._answersOnTheWay.fetch_sub(1, std::memory_order_relaxed);
        by._lateAnswers.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    HookAnswer answer;
    answer.verdict = verdict;
    answer.reason = reason;
    if (isMqttText(text)) answer.reasonText = text;
    WorkerState& state = *_workers[worker];
    state.mailbox.post(
        [&state, set = Ref<HookSet>::share(&by), deferral, answer = std::move(answer)]() mutable {
            set->_answersOnTheWay.fetch_sub(1, std::memory_order_relaxed);
            if (!state.deferrals.answer(*set, deferral, std::move(answer)))
                set->_lateAnswers.fetch_add(1, std::memory_order_relaxed);
        });
}

void HookBus::tellObservers(const HookTable& table, unsigned worker, const sdk::EventHeader& event,
                            const EventOwners& owners, std::string_view topic)
{
    for (const HookEntry& entry : table.on(event.point))
        if (entry.record->wants(topic, *_filters)) tellOne(entry, worker, event, owners);
}

void HookBus::tellPublished(const HookTable& table, unsigned worker, sdk::MessagePublished& event,
                            const EventOwners& owners, std::span<const std::uint32_t> observers)
{
    prepare(worker, event.header, sdk::HookPoint::MessagePublished, sizeof event);
    for (const HookEntry& entry : table.on(sdk::HookPoint::MessagePublished))
        tellOne(entry, worker, event.header, owners);

    auto ids = observers;
    if (ids.size() > 1)
    {
        auto& distinct = _workers[worker]->observers;
        distinct.assign(observers.begin(), observers.end());
        std::sort(distinct.begin(), distinct.end());
        distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
        ids = distinct;
    }
    for (const std::uint32_t id : ids)
        if (const HookEntry* entry = table.observer(id))
            tellOne(*entry, worker, event.header, owners);
}

void HookBus::tellOne(const HookEntry& entry, unsigned worker, const sdk::EventHeader& event,
                      const EventOwners& owners)
{
    HookRecord& record = *entry.record;
    if (!record.breaker.admits()) [[unlikely]]
    {
        record.cells[worker].skipped.add();
        return;
    }
    if (!record.offloaded())
    {
        ObserverContext context(owners.message);
        callHook(record, worker, _workers[worker]->mark, event, context);
        return;
    }
    HookSet& set = record.set;
    OffloadRing& ring = *set._rings[worker];
    if (ring.push(record, event, owners) && ring.markDirty())
        _workers[worker]->dirty.push_back(Ref<HookSet>::share(&set));
}

void HookBus::endOfTurn(unsigned worker)
{
    auto& dirty = _workers[worker]->dirty;
    for (const auto& set : dirty)
    {
        set->_rings[worker]->clean();
        set->_executor.wake();
    }
    dirty.clear();
}

} // namespace nanomq
