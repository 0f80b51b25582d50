// What does a hook cost the worker that meets it, beside what the plugin does in it?
//
// A bus with one worker, played by this program; hooks that do nothing. Best of several rounds of
// a million calls each: ns of one event with 0, 1 and 4 hooks of message.publish, with an observer
// that runs at once, and with one whose events go through the ring to an executor.

#include "hook/HookRegistry.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

using namespace nanomq;

namespace
{

constexpr int kRounds = 9;
constexpr int kCalls = 1'000'000;

class NoFilters final : public TopicFilters
{
public:
    bool insert(std::string_view, std::uint32_t) override { return true; }
    void remove(std::string_view, std::uint32_t) override {}
    bool matches(std::string_view, std::string_view) const override { return true; }
};

class Bench
{
public:
    Bench()
    {
        const HookBus::Worker workers[] = {{&_mailbox, &_timers}};
        _bus.attach(workers, _filters);
    }
    ~Bench() { _bus.detach(); }

    Ref<HookSet> load(sdk::HookPoint point, unsigned hooks, std::uint32_t flags)
    {
        auto set = _registry.make(1, "bench", nullptr);
        for (unsigned i = 0; i < hooks; ++i)
        {
            sdk::HookSpec spec{};
            spec.size = sizeof spec;
            spec.point = point;
            spec.flags = flags;
            spec.function = [](void*, const sdk::EventHeader*, sdk::HookContext*) {
                return sdk::Verdict::Next;
            };
            if (set->add(spec) != 0) std::fprintf(stderr, "a hook was refused\n");
        }
        if (!_registry.exchange(nullptr, set.get())) std::fprintf(stderr, "no exchange\n");
        return set;
    }
    void unload(const Ref<HookSet>& set)
    {
        if (!_registry.exchange(set.get(), nullptr)) std::fprintf(stderr, "no exchange\n");
        set->executor().stop(std::chrono::seconds(10));
        _quiescence.reclaim();
    }

    void ask()
    {
        const HookTable& table = _bus.table();
        if (!table.any(sdk::HookPoint::MessagePublish)) return;
        sdk::MessagePublish event{};
        event.topic = "bench/topic";
        _bus.ask(table, 0, event, {}, _outcome);
    }
    void tell()
    {
        sdk::ClientConnack event{};
        _bus.tell(_bus.table(), 0, event, {});
    }
    void tellMessage()
    {
        sdk::MessageDelivered event{};
        _bus.tell(_bus.table(), 0, event, {});
    }
    void endOfTurn() { _bus.endOfTurn(0); }

private:
    Quiescence _quiescence;
    Mailbox _mailbox;
    TimerWheel _timers{monotonicNow()};
    NoFilters _filters;
    HookBus _bus{_quiescence};
    HookRegistry _registry{_bus};
    HookOutcome _outcome;
};

void measure(const char* what, const std::function<void()>& manyCalls, int calls)
{
    using Clock = std::chrono::steady_clock;
    double best = 1e18;
    for (int round = 0; round < kRounds; ++round)
    {
        const auto begin = Clock::now();
        manyCalls();
        const std::chrono::duration<double, std::nano> took = Clock::now() - begin;
        best = std::min(best, took.count() / calls);
    }
    std::printf("%-44s %8.1f ns/event\n", what, best);
}

} // namespace

int main()
{
    std::printf("g++ %s, %s, %u cores; best of %d rounds of %d events\n", __VERSION__,
                NANOMQ_BUILD_TYPE, std::thread::hardware_concurrency(), kRounds, kCalls);
    Bench bench;
    const auto asks = [&] {
        for (int i = 0; i < kCalls; ++i) bench.ask();
    };
    measure("message.publish, no hook", asks, kCalls);
    for (const unsigned hooks : {1u, 4u})
    {
        const auto set = bench.load(sdk::HookPoint::MessagePublish, hooks, 0);
        measure(hooks == 1 ? "message.publish, 1 hook" : "message.publish, 4 hooks", asks, kCalls);
        bench.unload(set);
    }
    {
        const auto set = bench.load(sdk::HookPoint::MessageDelivered, 1, sdk::kInline);
        measure("message.delivered, 1 observer, at once",
                [&] {
                    for (int i = 0; i < kCalls; ++i) bench.tellMessage();
                },
                kCalls);
        bench.unload(set);
    }
    {
        const auto set = bench.load(sdk::HookPoint::ClientConnack, 1, sdk::kInline);
        measure("client.connack, 1 observer, at once",
                [&] {
                    for (int i = 0; i < kCalls; ++i) bench.tell();
                },
                kCalls);
        bench.unload(set);
    }
    {
        // In turns of 100 events; the worker's share only, so a turn begins when the ring is empty.
        constexpr int kTurn = 100, kTurns = 2'000;
        const auto set = bench.load(sdk::HookPoint::MessageDelivered, 1, 0);
        using Clock = std::chrono::steady_clock;
        double best = 1e18;
        for (int round = 0; round < kRounds; ++round)
        {
            Clock::duration spent{};
            for (int turn = 0; turn < kTurns; ++turn)
            {
                while (!set->drained()) std::this_thread::yield();
                const auto begin = Clock::now();
                for (int i = 0; i < kTurn; ++i) bench.tellMessage();
                bench.endOfTurn();
                spent += Clock::now() - begin;
            }
            best = std::min(best, std::chrono::duration<double, std::nano>(spent).count() /
                                      (kTurn * kTurns));
        }
        std::printf("%-44s %8.1f ns/event\n", "message.delivered, 1 observer, by the ring", best);
        bench.unload(set);
    }
    return 0;
}
