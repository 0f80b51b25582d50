#include "nanomq/plugin_base.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>

namespace storm
{

using namespace nanomq::sdk;

/// Threads, timers, and answers that come later; and now and then it keeps its worker for a
/// moment, so that an unload always meets somebody inside.
class Busy final : public PluginBase
{
    void onInit() override
    {
        hook<&Busy::onPublish>(0, {"storm/#"});
        hook<&Busy::onDelivered>();
        get<Tasks>().thread("storm answers", &Busy::answer, this);
        get<Tasks>().timer(1, 1, &Busy::tick, this, nullptr);
    }

    Verdict onPublish(const MessagePublish&, HookContext& context)
    {
        const auto count = ++_asked;
        if (count % 64 == 0) spin();
        if (count % 8 != 0) return Verdict::Next;
        const Deferral deferral = context.defer(60'000, Verdict::Deny);
        if (deferral.token == 0) return Verdict::Next;
        {
            std::lock_guard lock(_mutex);
            _owed.push_back(deferral);
        }
        if (Tasks::Stop* const stop = _stop) stop->notify();
        return Verdict::Pending;
    }
    void onDelivered(const MessageDelivered&) { ++_delivered; }

    static void spin()
    {
        using Clock = std::chrono::steady_clock;
        const auto end = Clock::now() + std::chrono::milliseconds(2);
        while (Clock::now() < end) {}
    }
    static void tick(void* self) { ++static_cast<Busy*>(self)->_ticks; }
    static void answer(void* self, Tasks::Stop* stop)
    {
        auto& busy = *static_cast<Busy*>(self);
        busy._stop = stop;
        while (!stop->requested())
        {
            std::deque<Deferral> owed;
            {
                std::lock_guard lock(busy._mutex);
                owed.swap(busy._owed);
            }
            for (const Deferral deferral : owed)
                busy.host().complete(deferral, Verdict::Next, 0, {});
            if (owed.empty()) stop->wait(60'000);
        }
    }

    std::atomic<std::uint64_t> _asked{0}, _delivered{0}, _ticks{0};
    std::mutex _mutex; // guards _owed
    std::deque<Deferral> _owed;
    std::atomic<Tasks::Stop*> _stop{nullptr};
};

} // namespace storm

NANOMQ_PLUGIN(storm::Busy, "storm_busy", STORM_VERSION, STORM_FLAGS)
