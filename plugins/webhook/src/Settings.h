#pragma once

#include "EndpointSettings.h"
#include "EventKind.h"
#include "Json.h"
#include "nanomq/services.h"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace webhook
{

/// The rules of one event for one endpoint, joined: an event that matches several of them is sent
/// there once.
struct Route
{
    std::size_t endpoint;                  ///< of Settings::endpoints
    std::vector<std::string> topicFilters; ///< none: every topic

    bool takes(std::string_view topic) const;
};

/// The plugin's part of conf.d/webhook.conf; README.md of this folder lists every key.
struct Settings
{
    PayloadEncoding encoding = PayloadEncoding::Plain;
    EndpointSettings base; ///< what `web.hook.KEY` says, for all endpoints
    /// The default one, if it has a URL; those with a name; those of rules with a URL.
    std::vector<EndpointSettings> endpoints;
    std::array<std::vector<Route>, kEventKinds> routes;

    const std::vector<Route>& routesOf(EventKind kind) const
    {
        return routes[static_cast<std::size_t>(kind)];
    }
    /// Of all routes of an event together; none: every topic.
    std::vector<std::string> topicFiltersOf(EventKind kind) const;

    struct Outcome;
    /// Reads all keys of the plugin's file. Never throws: what is wrong stands in the outcome, one
    /// sentence each, "file:line: key: what was found, what was expected". Thread: [any].
    static Outcome read(nanomq::sdk::Config& config);
};

struct Settings::Outcome
{
    Settings settings; ///< to be used only when there are no errors
    std::vector<std::string> errors;
    std::vector<std::string> warnings;
};

} // namespace webhook
