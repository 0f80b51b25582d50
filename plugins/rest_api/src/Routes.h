#pragma once

#include "Router.h"
#include "Services.h"
#include "TopicTree.h"

namespace rest_api
{

// The operations of /api/v4, by what they are about; each adds its own. `services` outlives the
// router.

void addBrokerRoutes(Router& router, const Services& services);
void addConfigurationRoutes(Router& router, const Services& services);
void addClientRoutes(Router& router, const Services& services);
void addTopicRoutes(Router& router, const Services& services);
void addMessageRoutes(Router& router, const Services& services);
void addPluginRoutes(Router& router, const Services& services);
/// These two add nothing when the broker has no such service: its paths are unknown ones then.
void addBanRoutes(Router& router, nanomq::sdk::Bans* bans);
void addAlarmRoutes(Router& router, nanomq::sdk::Alarms* alarms);
/// Prometheus, at /metrics and /api/v4/prometheus.
void addMetricsRoutes(Router& router, const Services& services);
/// /api/v1, one path with request codes.
void addFirstVersion(Router& router, const Services& services);
/// /api/v4 and /api/openapi.json: the router about itself.
void addDescriptions(Router& router, const Services& services);

/// Every subscription there is.
void fillTopicTree(const Services& services, TopicTree& tree);

} // namespace rest_api
