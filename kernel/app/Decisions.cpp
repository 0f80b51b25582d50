#include "app/Decisions.h"

#include "hook/EventViews.h"
#include "hook/HookBus.h"

#include <Poco/Logger.h>

#include <algorithm>
#include <cstdio>
#include <exception>

namespace nanomq
{

void Decisions::add(Listener& listener)
{
    const std::lock_guard lock(_mutex);
    _listeners.push_back(&listener);
    _heard = true;
}

void Decisions::remove(Listener& listener)
{
    const std::lock_guard lock(_mutex);
    std::erase(_listeners, &listener);
    _heard = !_listeners.empty();
}

void Decisions::decided(const HookDecision& decision) noexcept
{
    try
    {
        const bool stopped =
            decision.verdict == sdk::Verdict::Deny || decision.verdict == sdk::Verdict::Drop;
        if (stopped && _logger.debug()) _logger.debug(describe(decision));
        else if (!stopped && _logger.trace()) _logger.trace(describe(decision));
        if (!_heard.load(std::memory_order_relaxed)) return;
        const std::lock_guard lock(_mutex);
        for (Listener* const listener : _listeners) listener->decided(decision);
    }
    catch (const std::exception&)
    {
        // A line less is all that no memory may cost here.
    }
}

std::string_view Decisions::kindOf(const HookDecision& decision) noexcept
{
    switch (decision.verdict)
    {
    case sdk::Verdict::Deny: return "refused";
    case sdk::Verdict::Drop: return "dropped";
    case sdk::Verdict::Pending: return "delayed";
    default: return decision.late ? "answered late" : "changed";
    }
}

std::string Decisions::describe(const HookDecision& decision)
{
    std::string text;
    const sdk::ClientInfo* const client = eventAs<sdk::ClientConnected>(decision.event).client;
    if (client) text = "client " + std::string(client->clientId.view()) + ", ";
    text += sdk::hookPointName(decision.event.point);
    if (const auto topic = topicOf(decision.event); !topic.empty()) text += ' ' + std::string(topic);
    text += ": " + std::string(kindOf(decision)) + " by " + std::string(decision.plugin);
    if (decision.reason != 0)
    {
        char code[8];
        std::snprintf(code, sizeof code, "0x%02X", decision.reason);
        text += " (" + std::string(code) + ')';
    }
    if (decision.outcome && decision.changes != 0)
        text += ": " + describeChanges(decision.changes, *decision.outcome);
    if (!decision.reasonText.empty()) text += ": " + std::string(decision.reasonText);
    if (decision.late)
        text += (decision.timedOut ? ", no answer within " : ", after ") +
                std::to_string(decision.waitedMs) + " ms";
    return text;
}

} // namespace nanomq
