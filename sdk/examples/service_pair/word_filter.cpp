// Uses a service of another plugin, which may come and go.

#include "nanomq/plugin_base.h"
#include "word_list_service.h"

#include <string>
#include <vector>

using namespace nanomq::sdk;

class WordFilter final : public PluginBase
{
    void onInit() override
    {
        _registry = &get<Registry>();
        _registry->watch(WordListService::kService, &WordFilter::changed, this);
        hook<&WordFilter::onPublish>(50, std::vector<std::string>{configText("word_filter.topic", "#")});
    }

    /// [host]: only told here; each call below takes a reference of its own, so there is nothing to
    /// give back.
    static void changed(void* self, Str /*name*/, std::uint8_t available)
    {
        static_cast<WordFilter*>(self)->host().log(
            LogLevel::Information, available != 0 ? "the word list is there"
                                                  : "the word list goes: nothing is filtered");
    }

    /// [worker]
    Verdict onPublish(const MessagePublish& event, HookContext& context)
    {
        const ServicePin<WordListService> words(*_registry);
        if (!words || !words->hasListedWord(event.payload)) return Verdict::Next;
        context.setReason(0x99, "a listed word"); // Payload format invalid
        return Verdict::Deny;
    }

    Registry* _registry = nullptr;
};

NANOMQ_PLUGIN(WordFilter, "word_filter", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)
