#include "Walks.h"

#include <cerrno>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

/// A visitor of any kind: calls the function, and keeps what it throws on our side.
template <class Item> class Guarded
{
public:
    Guarded(const std::atomic<bool>& stopping, const std::function<bool(const Item&)>& visit)
        : _stop(stopping), _visit(visit)
    {
    }

    bool call(const Item& item) noexcept
    {
        try
        {
            _stop();
            return _visit(item);
        }
        catch (...)
        {
            _thrown = std::current_exception();
            return false;
        }
    }
    void finish(sdk::Status status) const
    {
        if (_thrown) std::rethrow_exception(_thrown);
        check(status);
    }

private:
    const StopCheck _stop;
    const std::function<bool(const Item&)>& _visit;
    std::exception_ptr _thrown;
};

} // namespace

void check(sdk::Status status)
{
    if (status == -EINVAL) throw ApiError::badParameter("not a Topic Filter");
    if (status == -ESHUTDOWN) throw ApiError(500, Code::RpcError, "the broker does not run");
    if (status != 0) throw ApiError(500, Code::RpcError, "a worker did not answer in time");
}

void Walks::clients(const Query::ClientFilter& filter,
                    const std::function<bool(const Query::Client&)>& visit) const
{
    struct Visitor final : Query::ClientVisitor, Guarded<Query::Client>
    {
        using Guarded::Guarded;
        bool client(const Query::Client& one) override { return call(one); }
    } visitor(_services.stopping, visit);
    visitor.finish(_services.query.clients(&filter, &visitor));
}

void Walks::subscriptions(const Query::ClientFilter& filter,
                          const std::function<bool(const Query::Subscription&)>& visit) const
{
    struct Visitor final : Query::SubscriptionVisitor, Guarded<Query::Subscription>
    {
        using Guarded::Guarded;
        bool subscription(const Query::Subscription& one) override { return call(one); }
    } visitor(_services.stopping, visit);
    visitor.finish(_services.query.subscriptions(&filter, &visitor));
}

void Walks::routes(std::string_view part,
                   const std::function<bool(const Query::Route&)>& visit) const
{
    struct Visitor final : Query::RouteVisitor, Guarded<Query::Route>
    {
        using Guarded::Guarded;
        bool route(const Query::Route& one) override { return call(one); }
    } visitor(_services.stopping, visit);
    visitor.finish(_services.query.routes(part, &visitor));
}

void Walks::retained(std::string_view topicFilter,
                     const std::function<bool(const Query::Retained&)>& visit) const
{
    struct Visitor final : Query::RetainedVisitor, Guarded<Query::Retained>
    {
        using Guarded::Guarded;
        bool retained(const Query::Retained& one) override { return call(one); }
    } visitor(_services.stopping, visit);
    visitor.finish(_services.query.retained(topicFilter, &visitor));
}

void Walks::listeners(const std::function<bool(const Query::Listener&)>& visit) const
{
    struct Visitor final : Query::ListenerVisitor, Guarded<Query::Listener>
    {
        using Guarded::Guarded;
        bool listener(const Query::Listener& one) override { return call(one); }
    } visitor(_services.stopping, visit);
    visitor.finish(_services.query.listeners(&visitor));
}

} // namespace rest_api
