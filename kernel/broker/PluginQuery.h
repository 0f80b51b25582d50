#pragma once

#include "broker/Listing.h"
#include "nanomq/query.h"
#include "net/Listener.h"

#include <memory>
#include <vector>

namespace nanomq
{

/// What the broker has, as plugins see it: the interface nanomq.query/1. Thread: any but a worker.
class PluginQuery final : public sdk::Query
{
public:
    /// @param listeners  complete before plugins are loaded.
    PluginQuery(Listing& listing, const std::vector<std::unique_ptr<nanomq::Listener>>& listeners) noexcept
        : _listing(listing),
          _listeners(listeners)
    {
    }

    sdk::Status clients(const ClientFilter* filter, ClientVisitor* visitor) override;
    sdk::Status subscriptions(const ClientFilter* filter, SubscriptionVisitor* visitor) override;
    sdk::Status routes(sdk::Str part, RouteVisitor* visitor) override;
    sdk::Status retained(sdk::Str topicFilter, RetainedVisitor* visitor) override;
    sdk::Status listeners(ListenerVisitor* visitor) override;

private:
    Listing& _listing;
    const std::vector<std::unique_ptr<nanomq::Listener>>& _listeners;
};

} // namespace nanomq
