#include "Webhook.h"

#include "EventBody.h"
#include "State.h"

#include <Poco/Exception.h>
#include <Poco/Net/SSLException.h>

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
    makeDeliveries();
    registerHooks();
    // A broker without verbs is no reason to fail.
    if (void* control = host().query(sdk::Control::kInterface))
        _verbs.registerAt(*static_cast<sdk::Control*>(control));
}

void Webhook::onStart()
{
    for (const auto& delivery : _deliveries) delivery->start();
}

void Webhook::onQuiesce(std::uint32_t deadlineMs)
{
    const std::chrono::milliseconds deadline(deadlineMs);
    const SteadyTime end = std::chrono::steady_clock::now() + deadline;
    for (const auto& delivery : _deliveries) delivery->drain(); // all at the same time
    for (const auto& delivery : _deliveries) delivery->stop(end, deadline);
}

void* Webhook::query(const char* interfaceId)
{
    if (std::string_view(interfaceId) == Handover::kInterface) return static_cast<Handover*>(this);
    return nullptr;
}

sdk::Status Webhook::save(Sink* sink)
{
    std::vector<Legacy> legacies;
    for (const auto& delivery : _deliveries)
        legacies.push_back({delivery->settings().name, delivery->takeAll()});
    writeState(legacies, *sink);
    return 0;
}

sdk::Status Webhook::adopt(sdk::Bytes state)
{
    auto legacies = readState(state);
    if (!legacies) return -EINVAL;
    bool lost = false;
    for (Legacy& legacy : *legacies)
    {
        const auto heir = std::find_if(
            _deliveries.begin(), _deliveries.end(),
            [&](const auto& one) { return one->settings().name == legacy.endpoint; });
        if (heir != _deliveries.end()) (*heir)->adopt(std::move(legacy.contents));
        else lost = dropUnwanted(legacy.endpoint, legacy.contents) || lost;
    }
    return lost ? -ENODEV : 0;
}

/// The configuration has lost an endpoint, and with it what waited in memory, if anything did.
bool Webhook::dropUnwanted(const std::string& endpoint, const Outbox::Contents& contents)
{
    Ledger ledger(endpoint, static_cast<sdk::Metrics*>(host().query(sdk::Metrics::kInterface)));
    ledger.adopt(contents.counts);
    ledger.drop(Place::Queued, DropReason::Unloaded, contents.events.size());
    if (contents.events.empty()) return false;
    host().log(sdk::LogLevel::Warning,
               std::to_string(contents.events.size()) + " events for " + endpoint +
                   " were not delivered and are dropped: there is no such endpoint any more");
    return true;
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

void Webhook::makeDeliveries()
{
    for (const EndpointSettings& endpoint : _settings.endpoints)
    {
        try
        {
            _deliveries.push_back(std::make_unique<Delivery>(endpoint, host()));
        }
        catch (const Poco::Net::SSLContextException& wrong)
        {
            throw Poco::InvalidArgumentException("TLS of the endpoint " + endpoint.name + ": " +
                                                 wrong.message());
        }
    }
}

void Webhook::registerHooks()
{
    const auto wanted = [this](EventKind kind) { return !_settings.routesOf(kind).empty(); };
    const auto filters = [this](EventKind kind) { return _settings.topicFiltersOf(kind); };
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

// --- hooks -----------------------------------------------------------------------------------

template <class Event> void Webhook::submit(EventKind kind, const Event& event)
{
    if (event.header.flags & sdk::kDryRun) return;
    HeaderFacts facts{actionName(kind)};
    if (event.client)
    {
        facts.clientId = event.client->clientId.view();
        if (event.client->hasUserName) facts.userName = event.client->userName.view();
    }
    std::size_t size = 0;
    if constexpr (requires { event.topicFilter; }) facts.topic = event.topicFilter.view();
    if constexpr (requires { event.payload; })
    {
        facts.topic = event.topic.view();
        size = event.payload.size;
    }
    // With one route, the broker has looked at the topic of a message already.
    const auto& routes = _settings.routesOf(kind);
    const bool isFiltered = requires { event.payload; } && routes.size() == 1;
    for (const Route& route : routes)
    {
        if (hasTopic(kind) && !isFiltered && !route.takes(facts.topic)) continue;
        _deliveries[route.endpoint]->submit(kind, facts, size, [&] {
            if constexpr (requires { event.payload; }) return bodyOf(event, _settings.encoding);
            else return bodyOf(event);
        });
    }
}

sdk::Verdict Webhook::onConnect(const sdk::ClientConnect& event, Context&)
{
    submit(EventKind::ClientConnect, event);
    return Verdict::Next;
}

sdk::Verdict Webhook::onSubscribe(const sdk::ClientSubscribe& event, Context&)
{
    submit(EventKind::ClientSubscribe, event);
    return Verdict::Next;
}

sdk::Verdict Webhook::onUnsubscribe(const sdk::ClientUnsubscribe& event, Context&)
{
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
    submit(EventKind::SessionSubscribed, event);
}

void Webhook::onUnsubscribed(const sdk::SessionUnsubscribed& event)
{
    submit(EventKind::SessionUnsubscribed, event);
}

void Webhook::onTerminated(const sdk::SessionTerminated& event)
{
    submit(EventKind::SessionTerminated, event);
}

void Webhook::onPublished(const sdk::MessagePublished& event)
{
    submit(EventKind::MessagePublish, event);
}

void Webhook::onDelivered(const sdk::MessageDelivered& event)
{
    submit(EventKind::MessageDelivered, event);
}

void Webhook::onAcked(const sdk::MessageAcked& event)
{
    submit(EventKind::MessageAcked, event);
}

} // namespace webhook
