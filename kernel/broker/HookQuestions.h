#pragma once

#include "hook/HookBus.h"

#include <deque>

namespace nanomq
{

/// The questions that one packet puts to hooks, and their answers so far.
///
/// A packet first asks everything it has to ask, and only then does something. When a hook
/// answers later, the packet stays where it is, unread, and the client waits. When the answer has
/// come the packet is handled again from its start: it asks the same questions in the same order,
/// and those that were answered are answered from here. So nothing of a packet is copied, and no
/// path through the broker is cut in two.
///
/// Thread: [worker].
class HookQuestions final : private Parked
{
public:
    /// @param answered  called when the awaited answer is there; handle the packet again then.
    class Waiting
    {
    public:
        virtual void answered() = 0;

    protected:
        ~Waiting() = default;
    };

    HookQuestions(HookBus& bus, unsigned worker, Waiting& waiting) noexcept
        : _bus(bus), _worker(worker), _waiting(waiting)
    {
    }
    ~HookQuestions() { forget(); }
    HookQuestions(const HookQuestions&) = delete;
    HookQuestions& operator=(const HookQuestions&) = delete;

    /// The packet begins, or begins again.
    void begin() noexcept { _next = 0; }
    /// The packet is done.
    void end() noexcept { _entries.clear(); }
    /// Whether the next question has been asked before.
    bool replaying() const noexcept { return _next < _entries.size(); }
    /// Whether the packet puts a question at this point: when it was asked before, or when there
    /// is somebody to ask. Plugins that come or go meanwhile do not change the order.
    bool wants(const HookTable& table, sdk::HookPoint point) const noexcept
    {
        return replaying() ? _entries[_next].point == point : table.any(point);
    }
    bool waiting() const noexcept { return _deferral != 0; }
    /// Stops waiting: the client has gone.
    void forget() noexcept;

    /// Asks the chain. Null: the answer comes later, and the packet must stop here.
    template <class Event>
    const HookOutcome* ask(const HookTable& table, Event& event, const EventOwners& owners)
    {
        if (!replaying()) return fresh(table, event, owners);
        Entry& entry = _entries[_next];
        if (!entry.settled)
        {
            _bus.tellAnswered(_worker, event, _answer);
            if (_answer.verdict == sdk::Verdict::Next)
            {
                const HookPosition after = _answer.position;
                entry.outcome.verdict = sdk::Verdict::Next;
                _bus.ask(table, _worker, event, owners, entry.outcome, &after);
            }
            else
            {
                entry.outcome.verdict = _answer.verdict;
                entry.outcome.reason = _answer.reason;
                entry.outcome.reasonText = _answer.reasonText;
                entry.outcome.plugin = _answer.plugin;
            }
            if (!settle(entry)) return nullptr;
        }
        ++_next;
        return &entry.outcome;
    }

private:
    struct Entry
    {
        sdk::HookPoint point;
        HookOutcome outcome;
        bool settled = false;
    };

    template <class Event>
    const HookOutcome* fresh(const HookTable& table, Event& event, const EventOwners& owners)
    {
        Entry& entry = _entries.emplace_back();
        entry.point = Event::kPoint;
        _bus.ask(table, _worker, event, owners, entry.outcome);
        if (!settle(entry)) return nullptr;
        ++_next;
        return &entry.outcome;
    }
    bool settle(Entry& entry);
    void resume(const HookAnswer& answer) override;

    HookBus& _bus;
    const unsigned _worker;
    Waiting& _waiting;
    std::deque<Entry> _entries; // outcomes stay in place
    std::size_t _next = 0;
    std::uint64_t _deferral = 0;
    HookAnswer _answer;
};

} // namespace nanomq
