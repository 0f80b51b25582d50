#include "nanomq/plugin_base.h"

#include <Poco/Exception.h>

#include <atomic>
#include <stdexcept>

namespace storm
{

using namespace nanomq::sdk;

/// Throws wherever it may.
class Throwing final : public PluginBase
{
    void onInit() override
    {
        hook<&Throwing::onPublish>(10, {"storm/#"});
        hook<&Throwing::onPublished>(0, {"storm/#"});
        get<Tasks>().timer(1, 5, &Throwing::fail, this, nullptr);
        get<Tasks>().thread("storm throws", [](void* self, Tasks::Stop*) { fail(self); }, this);
    }
    void onQuiesce(std::uint32_t) override { throw std::runtime_error("out of quiesce()"); }

    Verdict onPublish(const MessagePublish&, HookContext& context)
    {
        switch (++_asked % 16)
        {
        case 3: throw std::runtime_error("a standard exception");
        case 7: throw Poco::TimeoutException("one of Poco's");
        case 11: throw 42; // one of neither
        case 15:
            context.defer(60'000, Verdict::Deny);
            throw std::runtime_error("with a deferral open");
        default: return Verdict::Next;
        }
    }
    void onPublished(const MessagePublished&)
    {
        if (++_told % 4 == 0) throw std::logic_error("out of an observer");
    }
    static void fail(void*) { throw std::runtime_error("out of a task"); }

    std::atomic<std::uint64_t> _asked{0}, _told{0};
};

} // namespace storm

NANOMQ_PLUGIN(storm::Throwing, "storm_throwing", STORM_VERSION, NANOMQ_PLUGIN_RELOAD_OVERLAP)
