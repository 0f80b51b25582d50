#include "RestApi.h"

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::uint32_t kLookMs = 250;

/// What not every broker has: null without it.
template <class Interface> Interface* find(sdk::Host& host)
{
    return static_cast<Interface*>(host.query(Interface::kInterface));
}

} // namespace

void RestApi::onInit()
{
    _settings = Settings::read(get<sdk::Config>());
    for (const auto& warning : _settings.warnings) host().log(sdk::LogLevel::Warning, warning);
    _services.emplace(Services{get<sdk::Query>(), get<sdk::Broker>(), get<sdk::ClientAdmin>(),
                               get<sdk::PluginAdmin>(), get<sdk::BrokerAdmin>(),
                               get<sdk::MetricsReader>(), find<sdk::Bans>(host()),
                               find<sdk::Alarms>(host()), _peaks, _stopping, _settings.shown});
    _api.emplace(_settings, &get<sdk::HttpRoutes>(), *_services, host(), get<sdk::Metrics>());
    _server = std::make_unique<Server>(_settings, *_api);
}

void RestApi::onStart()
{
    _server->start();
    get<sdk::Tasks>().timer(
        kLookMs, kLookMs, [](void* self) { static_cast<RestApi*>(self)->lookAround(); }, this,
        nullptr);
    host().log(sdk::LogLevel::Information,
               std::string(_settings.tls ? "https" : "http") + "://" + _settings.address + ":" +
                   std::to_string(_server->port()));
}

void RestApi::onQuiesce(std::uint32_t)
{
    _stopping = true;
    _server->stop();
}

void RestApi::lookAround()
{
    _server->enforceDeadlines();
    _peaks.look(Figures(get<sdk::MetricsReader>()));
}

} // namespace rest_api
