#include "nanomq/plugin_base.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>

#ifdef STORM_CALLS_WHAT_NOBODY_HAS
__attribute__((visibility("default"))) void nobodyHasThis();
#endif

namespace storm
{

using namespace nanomq::sdk;

#ifdef STORM_CRASHES_WHEN_LOADED
const int kCrash = ::raise(SIGSEGV);
#endif

/// Counts every message three times: asked, told at once, told by the ring. Its state survives
/// reloads, so that the counts are exact however often it is exchanged.
class Counting final : public PluginBase, public Handover, public Health
{
public:
#ifdef STORM_THROWS_WHEN_MADE
    Counting() { throw std::runtime_error("told to throw"); }
#endif

    void* query(const char* interfaceId) override
    {
        const std::string_view id(interfaceId);
        if (id == Handover::kInterface) return static_cast<Handover*>(this);
        if (id == Health::kInterface) return static_cast<Health*>(this);
        return nullptr;
    }
    Status check() override
    {
#ifdef STORM_IS_UNWELL
        return -EHOSTDOWN;
#else
        return 0;
#endif
    }
    Status save(Sink* sink) override
    {
        const Counts counts{_asked, _toldAtOnce, _toldByRing};
        sink->write({counts.data(), sizeof counts});
        return 0;
    }
    Status adopt(Bytes state) override
    {
        Counts counts{};
        if (state.size != sizeof counts) return -EINVAL;
        std::memcpy(counts.data(), state.data, sizeof counts);
        _asked += counts[0];
        _toldAtOnce += counts[1];
        _toldByRing += counts[2];
        return 0;
    }

private:
    using Counts = std::array<std::uint64_t, 3>;

    void onInit() override
    {
#ifdef STORM_CALLS_WHAT_NOBODY_HAS
        nobodyHasThis();
#endif
#ifdef STORM_FAILS_IN_INIT
        throw std::runtime_error("told to fail");
#endif
        get<Control>().command("counts", "What it has counted.", &Counting::tell, this);
        hook<&Counting::onPublish>(-10, {"storm/#"});
        hook<&Counting::onPublishedAtOnce>(0, {"storm/#"}, kInline);
        hook<&Counting::onPublishedByRing>(0, {"storm/#"});
    }

    Verdict onPublish(const MessagePublish&, HookContext&)
    {
        ++_asked;
        return Verdict::Next;
    }
    void onPublishedAtOnce(const MessagePublished&) { ++_toldAtOnce; }
    void onPublishedByRing(const MessagePublished&) { ++_toldByRing; }

    static void tell(void* self, Str, Control::Reply* reply)
    {
        const auto& counting = *static_cast<const Counting*>(self);
        reply->json("{\"asked\":" + std::to_string(counting._asked) +
                    ",\"told_at_once\":" + std::to_string(counting._toldAtOnce) +
                    ",\"told_by_ring\":" + std::to_string(counting._toldByRing) + "}");
    }

    std::atomic<std::uint64_t> _asked{0}, _toldAtOnce{0}, _toldByRing{0};
};

} // namespace storm

NANOMQ_PLUGIN(storm::Counting, "storm_counting", STORM_VERSION,
              NANOMQ_PLUGIN_RELOAD_OVERLAP | NANOMQ_PLUGIN_HAS_STATE)
