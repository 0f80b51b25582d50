#pragma once

#include "Access.h"
#include "Reply.h"
#include "Router.h"
#include "Services.h"

#include <atomic>
#include <string>

namespace rest_api
{

/// The API without a network: a request goes in, and whatever is wrong with it, an answer comes
/// out. Thread: [any].
class Api
{
public:
    /// A request as it came, with its whole body.
    struct Input
    {
        std::string method;
        std::string target;
        Request::Pairs headers;
        std::string body;
        std::string address;
    };

    /// @param others  routes of other plugins; null: none.
    /// Throws Poco::Exception when the public key for tokens cannot be read.
    Api(const Settings& settings, nanomq::sdk::HttpRoutes* others, const Services& services,
        nanomq::sdk::Host& host, nanomq::sdk::Metrics& metrics);

    /// Throws only what the sink throws, or when an answer that had begun cannot be finished.
    void handle(Input input, Reply::Sink& sink);
    /// Answers what could not even be read.
    void refuse(const ApiError& error, Reply::Sink& sink);

    const Router& router() const noexcept { return _router; }

private:
    void serve(Request& request, const std::string& target, Reply& reply);
    void preflight(const Input& input, Reply& reply) const;
    void addCommonHeaders(Reply& reply) const;
    void answerError(const ApiError& error, Reply& reply);

    const Settings& _settings;
    nanomq::sdk::Host& _host;
    Router _router;
    Access _access;
    RateLimit _rateLimit;
    nanomq::sdk::Metrics::Counter* _requests;
    nanomq::sdk::Metrics::Counter* _refused;
    nanomq::sdk::Metrics::Counter* _failed;
};

} // namespace rest_api
