#pragma once

#include "Page.h"
#include "Services.h"

#include <exception>
#include <functional>

namespace rest_api
{

/// Walks of nanomq.query/1 with functions for visitors. What a function throws ends the walk and
/// comes out here: it never crosses the border. Each item is a chance for the plugin's end.
class Walks
{
public:
    using Query = nanomq::sdk::Query;

    explicit Walks(const Services& services) noexcept : _services(services) {}

    void clients(const Query::ClientFilter& filter,
                 const std::function<bool(const Query::Client&)>& visit) const;
    void subscriptions(const Query::ClientFilter& filter,
                       const std::function<bool(const Query::Subscription&)>& visit) const;
    void routes(std::string_view part,
                const std::function<bool(const Query::Route&)>& visit) const;
    void retained(std::string_view topicFilter,
                  const std::function<bool(const Query::Retained&)>& visit) const;
    void listeners(const std::function<bool(const Query::Listener&)>& visit) const;

private:
    const Services& _services;
};

} // namespace rest_api
