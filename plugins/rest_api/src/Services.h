#pragma once

#include "Figures.h"
#include "nanomq/services.h"

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace rest_api
{

/// What the operations work with: the broker's interfaces. All outlive the server.
struct Services
{
    nanomq::sdk::Query& query;
    nanomq::sdk::Broker& broker;
    nanomq::sdk::ClientAdmin& clients;
    nanomq::sdk::PluginAdmin& plugins;
    nanomq::sdk::BrokerAdmin& admin;
    nanomq::sdk::MetricsReader& metrics;
    nanomq::sdk::Bans* bans;     ///< null: the broker has none
    nanomq::sdk::Alarms* alarms; ///< null: the broker has none
    Peaks& peaks;
    const std::atomic<bool>& stopping; ///< the plugin ends: nobody waits any longer
    /// Our own keys, for who reads the configuration.
    std::vector<std::pair<std::string, std::string>> ownSettings;

    static constexpr const char* kNode = "nanomq@127.0.0.1";
};

/// Throws ApiError (500) for a walk of Query that came to no good end.
void check(nanomq::sdk::Status status);

} // namespace rest_api
