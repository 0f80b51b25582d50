#pragma once

#include "base/Clock.h"
#include "base/Counted.h"
#include "base/Mailbox.h"
#include "base/Quiescence.h"
#include "base/TimerWheel.h"
#include "hook/HookTable.h"
#include "hook/HookWatch.h"
#include "hook/HookWitness.h"
#include "nanomq/hooks.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nanomq
{

/// What a deferred hook finally said, or what stands for it after its deadline.
struct HookAnswer
{
    sdk::Verdict verdict = sdk::Verdict::Next;
    sdk::ReasonCode reason = 0;
    std::string reasonText;
    bool timedOut = false;
    HookPosition position;
    std::string plugin;         // who answers
    std::uint64_t waitedMs = 0; // since the hook was asked
};

/// A packet, will or plugin message that waits for a HookAnswer; see HookBus::park().
class Parked
{
public:
    /// Called once, on the worker that parked it. Thread: [worker].
    virtual void resume(const HookAnswer& answer) = 0;

protected:
    ~Parked() = default;
};

/// The changes hooks made on their way along one chain, and its end. The broker makes one for
/// each packet that meets a hook; the bus fills it in. Only what has_value() was changed.
struct HookOutcome
{
    sdk::Verdict verdict = sdk::Verdict::Next; // never Error: that became Next or Deny
    sdk::ReasonCode reason = 0;                // with Deny; 0 when the hook gave none
    std::string reasonText;
    std::string plugin; // with Deny and Drop: whose hook it was
    std::optional<std::string> topic;
    std::optional<std::string> payload;
    std::optional<std::uint8_t> qos;
    std::optional<std::string> clientId;
    std::optional<std::string> userName;
    std::optional<std::string> authenticationData;
    std::optional<std::string> serverReference; // with Deny
    std::optional<std::string> authenticationState;
    std::vector<std::pair<std::string, std::string>> userProperties; // added ones
    std::uint64_t deferral = 0; // with Pending: to be given to park()
};

/// What keeps the views of an event alive when it is told later. Views of the event must point
/// into these two objects; a Str that does not (topic filter, reason text) is copied by the bus.
struct EventOwners
{
    const Counted* client = nullptr;    // holds the sdk::ClientInfo
    const Counted* message = nullptr;   // holds topic, payload and properties
    const Counted* publisher = nullptr; // MessageOfReceiver::publisher
};

/// How topics meet filters. The broker implements it on the subscription index, where observers
/// are subscribers with an id of their own.
class TopicFilters
{
public:
    /// Puts an observer's filter into the index. False for a filter that is not well formed.
    virtual bool insert(std::string_view topicFilter, std::uint32_t observer) = 0;
    virtual void remove(std::string_view topicFilter, std::uint32_t observer) = 0;
    /// The plain test, for points whose topics do not pass through the index.
    virtual bool matches(std::string_view topicFilter, std::string_view topic) const = 0;

protected:
    ~TopicFilters() = default;
};

/// The typed hook bus.
///
/// Entries stand in one immutable HookTable behind one atomic pointer. Workers load it once per
/// packet while online in Quiescence; a plugin comes, goes or is exchanged by storing a new
/// table and waiting for a grace period. No hook registered costs one load and one branch:
///
///     const HookTable& hooks = bus.table();
///     if (hooks.any(HookPoint::MessagePublish)) …
///
/// Intercept and decide hooks run on the worker, by priority. Observers go into a bounded ring
/// per worker and plugin, drained by the plugin's executor, unless they are registered kInline.
class HookBus
{
public:
    struct Worker
    {
        Mailbox* mailbox;
        TimerWheel* timers;
    };

    explicit HookBus(Quiescence& quiescence);
    ~HookBus();
    HookBus(const HookBus&) = delete;
    HookBus& operator=(const HookBus&) = delete;

    /// Names the workers and the index, before the workers run. Thread: [main].
    void attach(std::span<const Worker> workers, TopicFilters& filters);

    /// The current table, valid until the reader's next quiescent point. Thread: [worker].
    const HookTable& table() const noexcept { return *_table.load(std::memory_order_acquire); }

    /// Was a hook registered at this point in any table so far? Never forgotten: what was guarded
    /// once is known to have been. Thread: [any].
    bool everHad(sdk::HookPoint point) const noexcept
    {
        return (_everHad.load(std::memory_order_relaxed) >> static_cast<unsigned>(point)) & 1;
    }

    /// Asks the chain of an intercept or decide point. The bus fills in `event.header`. `after`: go
    /// on behind it, after an answer of `Next`. With outcome.verdict == Pending the caller parks
    /// what waits. Thread: [worker].
    ///
    /// A change that one hook makes is what the next one sees: `event` then points into `outcome`.
    /// Changes of a hook that fails afterwards stay.
    template <class Event>
    void ask(const HookTable& table, unsigned worker, Event& event, const EventOwners& owners,
             HookOutcome& outcome, const HookPosition* after = nullptr)
    {
        static_assert(sdk::hookKind(Event::kPoint) != sdk::HookKind::Observe);
        prepare(worker, event.header, Event::kPoint, sizeof event);
        askChain(table, worker, event.header, owners, outcome, after);
    }

    /// Asks what the chain would say, and changes nothing: hooks see kDryRun, and those that do not
    /// declare kDryRunAware are not asked. Nothing is counted or deferred. One opinion for each
    /// hook that the question concerns, in order, up to the one that decides. Thread: [worker].
    template <class Event>
    void askDry(const HookTable& table, unsigned worker, Event& event, HookOutcome& outcome,
                std::vector<HookOpinion>& opinions)
    {
        static_assert(sdk::hookKind(Event::kPoint) != sdk::HookKind::Observe);
        prepare(worker, event.header, Event::kPoint, sizeof event);
        event.header.flags = sdk::kDryRun;
        askDryChain(table, worker, event.header, outcome, opinions);
    }

    /// Who is told what hooks decide, the answers to deferrals included (tellAnswered()). Without
    /// one it costs a branch a decision. Before the workers run. Thread: [main].
    void setWitness(HookWitness* witness) noexcept { _witness = witness; }
    /// The answer to a deferral is used for this event. Thread: [worker].
    template <class Event>
    void tellAnswered(unsigned worker, Event& event, const HookAnswer& answer)
    {
        if (!_witness) return;
        prepare(worker, event.header, Event::kPoint, sizeof event);
        _witness->decided({answer.plugin, event.header, answer.verdict, answer.reason,
                           answer.reasonText, 0, nullptr, true, answer.timedOut, answer.waitedMs});
    }

    /// Waits for the answer to outcome.deferral: `parked.resume()` will be called once, from the
    /// worker's mailbox or timer, never from within this call. Returns false when the deferral is
    /// not open (then nothing will be called). Thread: the worker that asked.
    bool park(std::uint64_t deferral, Parked& parked);
    /// The waiting object goes away: resume() will not be called. Thread: the worker that parked.
    void forget(std::uint64_t deferral) noexcept;

    /// Tells observers without topic filters (and, for points other than `message.published`,
    /// those with filters that match `topic`). Thread: [worker].
    template <class Event>
    void tell(const HookTable& table, unsigned worker, Event& event, const EventOwners& owners,
              std::string_view topic = {})
    {
        static_assert(sdk::hookKind(Event::kPoint) == sdk::HookKind::Observe);
        static_assert(Event::kPoint != sdk::HookPoint::MessagePublished, "see tellPublished()");
        prepare(worker, event.header, Event::kPoint, sizeof event);
        tellObservers(table, worker, event.header, owners, topic);
    }
    /// `message.published`: tells observers without filters, and those the index found for the
    /// topic; each once, however many of its filters matched. Thread: [worker].
    void tellPublished(const HookTable& table, unsigned worker, sdk::MessagePublished& event,
                       const EventOwners& owners, std::span<const std::uint32_t> observers);

    /// End of a turn of the worker's loop: wakes executors whose rings got something. [worker]
    void endOfTurn(unsigned worker);

    /// Answers a deferral of `by`, as Host::complete(). Late, second and foreign answers are
    /// counted in `by` and ignored. Thread: [any].
    void complete(HookSet& by, std::uint64_t deferral, sdk::Verdict verdict, sdk::ReasonCode reason,
                  std::string_view text);

    /// The workers have stopped for good: open deferrals are forgotten, so that plugins can be
    /// unloaded without anybody to answer to. Thread: [main].
    void detach();

    // What the plugin host needs stands in HookRegistry.h.
private:
    friend class HookRegistry;
    struct WorkerState;

    void prepare(unsigned worker, sdk::EventHeader& header, sdk::HookPoint point,
                 std::size_t size) noexcept;
    void askChain(const HookTable& table, unsigned worker, sdk::EventHeader& event,
                  const EventOwners& owners, HookOutcome& outcome, const HookPosition* after);
    void askDryChain(const HookTable& table, unsigned worker, sdk::EventHeader& event,
                     HookOutcome& outcome, std::vector<HookOpinion>& opinions);
    void tellObservers(const HookTable& table, unsigned worker, const sdk::EventHeader& event,
                       const EventOwners& owners, std::string_view topic);
    void tellOne(const HookEntry& entry, unsigned worker, const sdk::EventHeader& event,
                 const EventOwners& owners);

    Quiescence& _quiescence;
    HookNames _names;
    std::atomic<const HookTable*> _table;
    std::atomic<std::uint64_t> _everHad{0}; // a bit for each point
    std::vector<std::unique_ptr<WorkerState>> _workers;
    TopicFilters* _filters = nullptr;
    HookWitness* _witness = nullptr;
    std::atomic<bool> _detached{false};
};

} // namespace nanomq
