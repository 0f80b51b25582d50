// What sandbox_bench loads: an observer that counts, and a decider without an opinion.

#include "nanomq/plugin_base.h"

using namespace nanomq::sdk;

class BenchPlugin final : public PluginBase
{
    void onInit() override
    {
        _seen = get<Metrics>().counter("bench_events_total", "", "Events seen.");
        hook<&BenchPlugin::onDelivered>(0, {}, configText("bench_plugin.inline") == "true" ? kInline : 0);
        hook<&BenchPlugin::onPublish>();
    }
    void onDelivered(const MessageDelivered&) { _seen->add(1); }
    Verdict onPublish(const MessagePublish&, HookContext&) { return Verdict::Next; }

    Metrics::Counter* _seen = nullptr;
};

NANOMQ_PLUGIN(BenchPlugin, "bench_plugin", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)
