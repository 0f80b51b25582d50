#include "Webhook.h"

#include "EventBody.h"
#include "State.h"
#include "TopicFilter.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace webhook
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::int16_t kFirst = std::numeric_limits<std::int16_t>::max();

} // namespace

// --- life ------------------------------------------------------------------------------------

void Webhook::onInit()
{
    readSettings();
    if (_settings.endpoint) _delivery.emplace(_settings, host());
    registerHooks();
    registerCommand();
}

void Webhook::onStart()
{
    if (_delivery) _delivery->start();
}

void Webhook::onQuiesce(std::uint32_t deadlineMs)
{
    if (_delivery) _delivery->stop(std::chrono::milliseconds(deadlineMs));
}

void* Webhook::query(const char* interfaceId)
{
    if (std::string_view(interfaceId) == Handover::kInterface) return static_cast<Handover*>(this);
    return nullptr;
}

sdk::Status Webhook::save(Sink* sink)
{
    if (_delivery) writeState(_delivery->takeAll(), *sink);
    return 0;
}

sdk::Status Webhook::adopt(sdk::Bytes state)
{
    if (state.size == 0) return 0; // the old one had no endpoint
    auto contents = readState(state);
    if (!contents) return -EINVAL;
    if (!_delivery) return contents->requests.empty() ? 0 : -ENODEV;
    _delivery->adopt(std::move(*contents));
    return 0;
}

void Webhook::readSettings()
{
    Settings::Outcome outcome = Settings::read(get<sdk::Config>());
    for (const std::string& warning : outcome.warnings) host().log(sdk::LogLevel::Warning, warning);
    if (!outcome.errors.empty())
    {
        std::string all;
        for (const std::string& error : outcome.errors) all += (all.empty() ? "" : "\n") + error;
        throw Poco::InvalidArgumentException(all);
    }
    _settings = std::move(outcome.settings);
}

void Webhook::registerHooks()
{
    const auto wanted = [this](EventKind kind) { return _settings.rule(kind).wanted; };
    const auto filters = [this](EventKind kind) -> const std::vector<std::string>& {
        return _settings.rule(kind).topicFilters;
    };
    if (wanted(EventKind::ClientConnect)) hook<&Webhook::onConnect>(kFirst, {}, sdk::kDryRunAware);
    if (wanted(EventKind::ClientSubscribe))
        hook<&Webhook::onSubscribe>(kFirst, {}, sdk::kDryRunAware);
    if (wanted(EventKind::ClientUnsubscribe))
        hook<&Webhook::onUnsubscribe>(kFirst, {}, sdk::kDryRunAware);
    if (wanted(EventKind::ClientConnack)) hook<&Webhook::onConnack>();
    if (wanted(EventKind::ClientConnected)) hook<&Webhook::onConnected>();
    if (wanted(EventKind::ClientDisconnected)) hook<&Webhook::onDisconnected>();
    if (wanted(EventKind::SessionSubscribed)) hook<&Webhook::onSubscribed>();
    if (wanted(EventKind::SessionUnsubscribed)) hook<&Webhook::onUnsubscribed>();
    if (wanted(EventKind::SessionTerminated)) hook<&Webhook::onTerminated>();
    if (wanted(EventKind::MessagePublish))
        hook<&Webhook::onPublished>(0, filters(EventKind::MessagePublish));
    if (wanted(EventKind::MessageDelivered))
        hook<&Webhook::onDelivered>(0, filters(EventKind::MessageDelivered));
    if (wanted(EventKind::MessageAcked))
        hook<&Webhook::onAcked>(0, filters(EventKind::MessageAcked));
}

void Webhook::registerCommand()
{
    auto* control = static_cast<sdk::Control*>(host().query(sdk::Control::kInterface));
    if (!control) return; // a broker without verbs
    const auto run = [](void* self, sdk::Str, sdk::Control::Reply* reply) {
        reply->json(static_cast<Webhook*>(self)->statusJson());
    };
    control->command("status", "where events are, and how the endpoint is doing", run, this);
}

std::string Webhook::statusJson() const
{
    return "{\"endpoints\":[" + (_delivery ? _delivery->statusJson() : std::string()) + "]}";
}

// --- hooks -----------------------------------------------------------------------------------

template <class Event> void Webhook::submit(EventKind kind, const Event& event)
{
    if (event.header.flags & sdk::kDryRun) return;
    const std::string_view client = event.client ? event.client->clientId.view() : "";
    _delivery->submit(kind, client, 0, [&event] { return bodyOf(event); });
}

template <class Event> void Webhook::submitMessage(EventKind kind, const Event& event)
{
    const std::string_view client = event.client ? event.client->clientId.view() : "";
    _delivery->submit(kind, client, event.payload.size,
                      [&] { return bodyOf(event, _settings.encoding); });
}

/// For points where the broker has no topic to filter by.
bool Webhook::wantsTopic(EventKind kind, std::string_view topicFilter) const
{
    const auto& filters = _settings.rule(kind).topicFilters;
    return filters.empty() || std::any_of(filters.begin(), filters.end(), [&](const auto& filter) {
               return matches(filter, topicFilter);
           });
}

sdk::Verdict Webhook::onConnect(const sdk::ClientConnect& event, Context&)
{
    submit(EventKind::ClientConnect, event);
    return Verdict::Next;
}

sdk::Verdict Webhook::onSubscribe(const sdk::ClientSubscribe& event, Context&)
{
    if (wantsTopic(EventKind::ClientSubscribe, event.topicFilter.view()))
        submit(EventKind::ClientSubscribe, event);
    return Verdict::Next;
}

sdk::Verdict Webhook::onUnsubscribe(const sdk::ClientUnsubscribe& event, Context&)
{
    if (wantsTopic(EventKind::ClientUnsubscribe, event.topicFilter.view()))
        submit(EventKind::ClientUnsubscribe, event);
    return Verdict::Next;
}

void Webhook::onConnack(const sdk::ClientConnack& event)
{
    submit(EventKind::ClientConnack, event);
}

void Webhook::onConnected(const sdk::ClientConnected& event)
{
    submit(EventKind::ClientConnected, event);
}

void Webhook::onDisconnected(const sdk::ClientDisconnected& event)
{
    submit(EventKind::ClientDisconnected, event);
}

void Webhook::onSubscribed(const sdk::SessionSubscribed& event)
{
    if (wantsTopic(EventKind::SessionSubscribed, event.topicFilter.view()))
        submit(EventKind::SessionSubscribed, event);
}

void Webhook::onUnsubscribed(const sdk::SessionUnsubscribed& event)
{
    if (wantsTopic(EventKind::SessionUnsubscribed, event.topicFilter.view()))
        submit(EventKind::SessionUnsubscribed, event);
}

void Webhook::onTerminated(const sdk::SessionTerminated& event)
{
    submit(EventKind::SessionTerminated, event);
}

void Webhook::onPublished(const sdk::MessagePublished& event)
{
    submitMessage(EventKind::MessagePublish, event);
}

void Webhook::onDelivered(const sdk::MessageDelivered& event)
{
    submitMessage(EventKind::MessageDelivered, event);
}

void Webhook::onAcked(const sdk::MessageAcked& event)
{
    submitMessage(EventKind::MessageAcked, event);
}

} // namespace webhook
