#include "Api.h"

#include "Routes.h"

#include <Poco/Exception.h>

namespace rest_api
{

namespace sdk = nanomq::sdk;

Api::Api(const Settings& settings, sdk::HttpRoutes* others, const Services& services,
         sdk::Host& host, sdk::Metrics& metrics)
    : _settings(settings),
      _host(host),
      _router(others),
      _access(settings),
      _rateLimit(settings.requestsPerSecond),
      _requests(metrics.counter("rest_api_requests_total", "", "Requests answered")),
      _refused(metrics.counter("rest_api_requests_refused_total", "", "Of them, those with 4xx")),
      _failed(metrics.counter("rest_api_requests_failed_total", "", "Of them, those with 5xx"))
{
    addDescriptions(_router, services);
    addBrokerRoutes(_router, services);
    addConfigurationRoutes(_router, services);
    addClientRoutes(_router, services);
    addTopicRoutes(_router, services);
    addMessageRoutes(_router, services);
    addPluginRoutes(_router, services);
    addBanRoutes(_router, services.bans);
    addAlarmRoutes(_router, services.alarms);
    addMetricsRoutes(_router, services);
    addFirstVersion(_router, services);
}

void Api::handle(Input input, Reply::Sink& sink)
{
    Reply reply(sink);
    addCommonHeaders(reply);
    try
    {
        if (!_rateLimit.take(input.address, Access::Clock::now()))
            throw ApiError(429, Code::Unknown, "too many requests from this address");
        if (input.method == "OPTIONS" && !_settings.corsOrigin.empty()) preflight(input, reply);
        else
        {
            if (input.method == "HEAD") input.method = "GET"; // the server leaves the body out
            const std::string target = input.target;
            Request request(input.method, target, std::move(input.headers), std::move(input.body),
                            std::move(input.address));
            serve(request, target, reply);
        }
    }
    catch (const ApiError& error)
    {
        if (reply.begun()) throw;
        answerError(error, reply);
    }
    _requests->add(1);
    reply.finish();
}

void Api::serve(Request& request, const std::string& target, Reply& reply)
{
    const auto path = std::string_view(target).substr(0, target.find('?'));
    try
    {
        _router.serve(request, path, reply, [this](Request& caller) { _access.login(caller); });
    }
    catch (const Poco::DataException& error) // a value of another kind in the body's JSON
    {
        if (reply.begun()) throw;
        throw ApiError::badParameter(error.displayText());
    }
    catch (const Poco::BadCastException&)
    {
        if (reply.begun()) throw;
        throw ApiError::badParameter("a value in the body is of another kind than expected");
    }
    // Who changed what is worth a line.
    if (request.verb() != "GET" && request.pathText() != "/api/v1")
        _host.log(sdk::LogLevel::Information,
                  std::string(request.user().view()) + " at " + request.address() + ": " +
                      request.verb() + ' ' + std::string(path));
}

void Api::refuse(const ApiError& error, Reply::Sink& sink)
{
    Reply reply(sink);
    addCommonHeaders(reply);
    answerError(error, reply);
    _requests->add(1);
    reply.finish();
}

void Api::answerError(const ApiError& error, Reply& reply)
{
    if (error.status == 401)
        reply.addHeader("WWW-Authenticate", _settings.login == Settings::Login::Basic
                                                ? "Basic realm=\"NanoMQ\""
                                                : "Bearer realm=\"NanoMQ\"");
    (error.status >= 500 ? _failed : _refused)->add(1);
    reply.fail(error);
}

void Api::preflight(const Input& input, Reply& reply) const
{
    const auto target = std::string_view(input.target);
    std::string allowed = "OPTIONS";
    for (const auto& method : _router.methods(target.substr(0, target.find('?'))))
        if (allowed.find(method) == std::string::npos) allowed += ", " + method;
    reply.setStatus(204);
    reply.addHeader("Access-Control-Allow-Methods", allowed);
    reply.addHeader("Access-Control-Allow-Headers", "Authorization, Content-Type");
    reply.addHeader("Access-Control-Max-Age", "600");
}

void Api::addCommonHeaders(Reply& reply) const
{
    reply.addHeader("Cache-Control", "no-store");
    if (_settings.corsOrigin.empty()) return;
    reply.addHeader("Access-Control-Allow-Origin", _settings.corsOrigin);
    reply.addHeader("Vary", "Origin");
}

} // namespace rest_api
