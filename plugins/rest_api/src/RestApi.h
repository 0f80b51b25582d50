#pragma once

#include "Api.h"
#include "Server.h"

#include "nanomq/plugin_base.h"

#include <atomic>
#include <memory>
#include <optional>

namespace rest_api
{

/// The REST API: NanoMQ's /api/v4 and /api/v1, Prometheus' /metrics, and routes of other plugins.
/// It listens on a port, so a reload closes the old version before the new one opens.
class RestApi final : public nanomq::sdk::PluginBase
{
public:
    /// The port that was bound. Requires: started.
    std::uint16_t port() const { return _server->port(); }

private:
    void onInit() override;
    void onStart() override;
    void onQuiesce(std::uint32_t deadlineMs) override;
    void lookAround();

    Settings _settings;
    Peaks _peaks;
    std::atomic<bool> _stopping{false};
    std::optional<Services> _services;
    std::optional<Api> _api;
    std::unique_ptr<Server> _server;
};

} // namespace rest_api
