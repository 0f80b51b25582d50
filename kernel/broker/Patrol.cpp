#include "broker/Patrol.h"

#include "base/HeldMemory.h"
#include "broker/Client.h"

#include <string>

namespace nanomq
{

namespace
{

constexpr MonotonicMs kTickMs = 500;
constexpr MonotonicMs kRoundMs = 5'000; // between rounds that nothing calls for
constexpr MonotonicMs kLookMs = 20;
constexpr std::size_t kClientsPerSlice = 256;

/// What sessions and connections take beside their messages: objects, identity, tables.
constexpr std::size_t kSessionBytes = 1'024;
constexpr std::size_t kConnectionBytes = 1'024;

} // namespace

void Patrol::start()
{
    _bansSeen = _worker.broker().bans.changes();
    _worker.loop().timers().schedule(*this, monotonicNow() + kTickMs);
}

void Patrol::stop() noexcept
{
    cancel();
    _worker.cancel(*this);
    _inRound = false;
}

void Patrol::left(const Client& client) noexcept
{
    if (_next == &client) _next = client.next;
}

void Patrol::expired(MonotonicMs now)
{
    _worker.loop().timers().schedule(*this, now + kTickMs);
    BrokerState& broker = _worker.broker();
    look(now);
    if (_worker.number() == 0) broker.alarms.expire(now);
    const auto bans = broker.bans.changes();
    const bool isCalledFor = bans != _bansSeen || _level >= MemoryLevel::Wait || _heldBack;
    if (_inRound || (!isCalledFor && now < _nextRound)) return;
    _checksBans = bans != _bansSeen;
    _bansSeen = bans;
    _nextRound = now + kRoundMs;
    beginRound();
}

void Patrol::lookNow()
{
    look(_worker.loop().now());
}

void Patrol::look(MonotonicMs now)
{
    _nextLook = now + kLookMs;
    BrokerState& broker = _worker.broker();
    if (broker.memory.limit() == 0) return;
    std::size_t sessions = 0;
    for (const auto& worker : broker.workers) sessions += worker->counters().sessions.value();
    const std::size_t used =
        HeldMemory::bytes() + broker.subscriptions.bytes() + broker.retained.indexBytes() +
        sessions * kSessionBytes +
        broker.connections.load(std::memory_order_relaxed) * kConnectionBytes +
        broker.connectMemory.load(std::memory_order_relaxed);
    const MemoryLevel before = broker.memory.update(used);
    // Those that sleep act on it, too.
    if (broker.memory.level() != before)
        for (const auto& worker : broker.workers)
            if (worker.get() != &_worker) worker->lookAtMemory();
    if (const MemoryLevel level = broker.memory.level(); level != _level) react(level);
}

void Patrol::react(MemoryLevel level)
{
    const MemoryLevel before = _level;
    _level = level;
    _worker.holdAccepting(level >= MemoryLevel::NoNewcomers);
    BrokerState& broker = _worker.broker();
    broker.outbound.shedAtMostOnce(level >= MemoryLevel::NoExtras);
    if (level == MemoryLevel::Fine)
    {
        broker.alarms.clear("memory");
        return;
    }
    const std::string details =
        std::to_string(broker.memory.used() >> 20) + " of " +
        std::to_string(broker.memory.limit() >> 20) + " MB: " +
        std::string(memoryLevelName(level));
    if (level > before) _worker.limitReached(Limit::Memory, "the broker", memoryLevelName(level));
    broker.alarms.raise("memory",
                        level >= MemoryLevel::Wait ? AlarmSeverity::Error : AlarmSeverity::Warning,
                        details);
}

void Patrol::beginRound()
{
    _next = _worker.firstClient();
    _heldBack = false;
    _inRound = true;
    _worker.begin(*this);
}

bool Patrol::runSlice()
{
    for (std::size_t seen = 0; _next && seen < kClientsPerSlice; ++seen)
    {
        Client& client = *_next;
        _next = client.next; // who leaves meanwhile moves it on
        _heldBack = client.lookAfter(_level, _checksBans) || _heldBack;
    }
    _inRound = _next != nullptr;
    return _inRound;
}

} // namespace nanomq
