// Refuses clients and topics by their names, with codes that the tests of the standard ask for.

#include "nanomq/plugin_base.h"

#include <string>
#include <string_view>

using namespace nanomq::sdk;

class Doorman final : public PluginBase
{
    void onInit() override
    {
        hook<&Doorman::onConnect>(100, {}, kFailClosed);
        hook<&Doorman::onAuthorize>(100, {}, kFailClosed);
        hook<&Doorman::onEnhancedAuth>(100, {}, kFailClosed);
    }

    Verdict onConnect(const ClientConnect& event, HookContext& context)
    {
        const std::string_view id = event.client->clientId.view();
        if (id == "id refused") return deny(context, 0x85, "not this one");
        if (id == "unlisted") return deny(context, 0x8D, "of DISCONNECT only");
        if (id != "moved" && id != "sent away") return Verdict::Next;
        context.setServerReference("other.example:1883");
        return deny(context, id == "moved" ? 0x9D : 0x9C, "over there");
    }

    /// forbidden/… is refused with a code of its own, unlisted/… with one that no answer may carry.
    Verdict onAuthorize(const ClientAuthorize& event, HookContext& context)
    {
        const std::string_view topic = event.topic.view();
        if (topic.starts_with("forbidden/")) return deny(context, 0x97, "not for you");
        if (topic.starts_with("unlisted/")) return deny(context, 0x8D, "not for you");
        return Verdict::Next;
    }

    /// The method "riddle": asks "which word?", and "the word" is the answer; every other is wrong.
    Verdict onEnhancedAuth(const ClientEnhancedAuth& event, HookContext& context)
    {
        if (event.method.view() != "riddle") return Verdict::Next;
        if (event.stage == 1)
            return event.data.view() == "the word" ? Verdict::Allow
                                                   : deny(context, 0x87, "another word");
        constexpr std::string_view question = "which word?";
        context.setAuthenticationData({question.data(), question.size()});
        return Verdict::Continue;
    }

    static Verdict deny(HookContext& context, ReasonCode code, std::string_view text)
    {
        context.setReason(code, text);
        return Verdict::Deny;
    }
};

NANOMQ_PLUGIN(Doorman, "doorman", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)
