#include "hook/HookWitness.h"

#include "hook/HookBus.h"

namespace nanomq
{

std::string describeChanges(HookChanges changes, const HookOutcome& outcome)
{
    std::string all;
    const auto add = [&](HookChange which, const char* name, const auto& value) {
        if ((changes & static_cast<HookChanges>(which)) == 0) return;
        all += (all.empty() ? "" : ", ") + std::string(name) + ' ' + value();
    };
    const auto quoted = [](const std::optional<std::string>& text) {
        return '"' + text.value_or("") + '"';
    };
    add(HookChange::Topic, "topic", [&] { return quoted(outcome.topic); });
    add(HookChange::Payload, "payload",
        [&] { return "of " + std::to_string(outcome.payload->size()) + " bytes"; });
    add(HookChange::QoS, "qos", [&] { return std::to_string(*outcome.qos); });
    add(HookChange::UserProperty, "user property",
        [&] { return '"' + outcome.userProperties.back().first + '"'; });
    add(HookChange::ClientId, "client id", [&] { return quoted(outcome.clientId); });
    add(HookChange::UserName, "user name", [&] { return quoted(outcome.userName); });
    return all;
}

std::string_view verdictName(sdk::Verdict verdict) noexcept
{
    switch (verdict)
    {
    case sdk::Verdict::Next: return "next";
    case sdk::Verdict::Allow: return "allow";
    case sdk::Verdict::Deny: return "deny";
    case sdk::Verdict::Drop: return "drop";
    case sdk::Verdict::Pending: return "pending";
    case sdk::Verdict::Continue: return "continue";
    case sdk::Verdict::Error: return "error";
    }
    return "";
}

} // namespace nanomq
