#include "Router.h"

#include <Poco/Exception.h>
#include <Poco/URI.h>

#include <algorithm>
#include <cerrno>
#include <exception>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

std::string_view takeLevel(std::string_view& path) noexcept
{
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    const auto level = path.substr(0, end);
    path.remove_prefix(end);
    return level;
}

bool isParameter(std::string_view level) noexcept
{
    return level.size() > 2 && level.front() == '{' && level.back() == '}';
}

/// Never throws for a path that Request() has decoded.
std::string decoded(std::string_view level)
{
    std::string text;
    Poco::URI::decode(std::string(level), text, false);
    return text;
}

/// How many plain levels of the pattern the path has; -1: it does not fit.
int fit(std::string_view pattern, std::string_view path)
{
    int plain = 0;
    while (!pattern.empty() && !path.empty())
    {
        const auto wanted = takeLevel(pattern);
        const auto level = takeLevel(path);
        if (isParameter(wanted))
        {
            if (level.empty()) return -1;
            continue;
        }
        if (wanted != level) return -1;
        ++plain;
    }
    return pattern.empty() && path.empty() ? plain : -1;
}

void takeParameters(std::string_view pattern, std::string_view path, Request& request)
{
    while (!pattern.empty())
    {
        const auto wanted = takeLevel(pattern);
        const auto level = takeLevel(path);
        if (isParameter(wanted))
            request.setParameter(std::string(wanted.substr(1, wanted.size() - 2)), decoded(level));
    }
}

std::string_view withoutTrailingSlash(std::string_view path) noexcept
{
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    return path;
}

} // namespace

void admit(Request& request, sdk::HttpRole needed, const Router::Login& login)
{
    if (needed == sdk::HttpRole::Anybody) return;
    login(request);
    if (request.role() < needed)
        throw ApiError(403, Code::NotAllowed, "the user's role does not allow this");
}

/// A request for a route of another plugin.
class Router::Foreign final : public sdk::HttpRoutes::Exchange
{
public:
    Foreign(Request& request, Reply& reply, const Login& login) noexcept
        : _request(request), _reply(reply), _login(login)
    {
    }

    void parameter(sdk::Str name, sdk::Str value) override
    {
        _request.setParameter(std::string(name.view()), decoded(value.view()));
    }
    bool admit(const sdk::HttpRoutes::Route& route) override
    {
        try
        {
            rest_api::admit(_request, route.role, _login);
            _reply.keepWhole();
            return true;
        }
        catch (const ApiError&)
        {
            _refused = std::current_exception(); // it must not cross the border
            return false;
        }
    }
    const sdk::HttpRoutes::Request* request() override { return &_request; }
    sdk::HttpRoutes::Answer* answer() override { return &_reply; }

    void rethrow() const
    {
        if (_refused) std::rethrow_exception(_refused);
    }

private:
    Request& _request;
    Reply& _reply;
    const Login& _login;
    std::exception_ptr _refused;
};

void Router::serve(Request& request, std::string_view path, Reply& reply, const Login& login) const
{
    path = withoutTrailingSlash(path);
    const Operation* best = nullptr;
    int bestFit = -1;
    bool pathExists = false;
    for (const auto& operation : _operations)
    {
        const int plain = fit(operation.path, path);
        if (plain < 0) continue;
        pathExists = true;
        if (operation.method != request.verb() || plain <= bestFit) continue;
        best = &operation;
        bestFit = plain;
    }
    if (best)
    {
        takeParameters(best->path, path, request);
        admit(request, best->role, login);
        best->run(request, reply);
        return;
    }
    Foreign foreign(request, reply, login);
    const sdk::Status status = _others ? _others->serve(request.verb(), path, &foreign) : -ENOENT;
    foreign.rethrow();
    if (status == 0) return;
    if (status == -EIO) throw ApiError(500, Code::RpcError, "the plugin failed");
    // Who is not logged in does not learn which paths there are.
    admit(request, sdk::HttpRole::Reader, login);
    if (pathExists || status == -EPERM)
        throw ApiError(405, Code::Unknown, request.verb() + " is not for this path");
    throw ApiError::notFound("no such path: " + request.pathText());
}

std::vector<std::string> Router::methods(std::string_view path) const
{
    std::vector<std::string> methods;
    for (const auto& operation : _operations)
        if (fit(operation.path, withoutTrailingSlash(path)) >= 0)
            methods.push_back(operation.method);
    return methods;
}

} // namespace rest_api
