// Refuses messages to some topics: an interceptor with filters and errors of the configuration.

#include "nanomq/plugin_base.h"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace nanomq::sdk;

class TopicGuard final : public PluginBase
{
    /// Collects topic_guard.deny.1, topic_guard.deny.2, …
    class Filters final : public Config::Visitor
    {
    public:
        void key(Str /*key*/, Str value, Str where) override
        {
            if (value.size == 0)
                throw std::runtime_error(std::string(where.view()) + ": a Topic Filter is missing");
            texts.emplace_back(value.view());
        }
        std::vector<std::string> texts;
    };

    void onInit() override
    {
        Filters filters;
        get<Config>().keys("topic_guard.deny.", &filters);
        _reasonText = configText("topic_guard.reason", "this topic is guarded");
        // Without a filter the hook would see every topic; then there is nothing to guard.
        if (!filters.texts.empty())
            hook<&TopicGuard::onPublish>(100, filters.texts, kFailClosed | kDryRunAware);
    }

    /// [worker]: the broker has compared the filters, only guarded topics come here.
    Verdict onPublish(const MessagePublish&, HookContext& context)
    {
        context.setReason(reason::kNotAuthorized, _reasonText);
        return Verdict::Deny;
    }

    std::string _reasonText;
};

NANOMQ_PLUGIN(TopicGuard, "topic_guard", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)
