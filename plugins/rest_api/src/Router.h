#pragma once

#include "Reply.h"
#include "Request.h"
#include "nanomq/http_routes.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rest_api
{

/// One operation of our own API: a path, what may be done with it, and how that is documented.
struct Operation
{
    using Role = nanomq::sdk::HttpRole;

    std::string method;
    std::string path; // "/api/v4/clients/{clientid}"
    Role role = Role::Admin;
    std::string summary;
    /// Members of the operation in the OpenAPI document, without braces; may be empty.
    std::string openapi;
    std::function<void(const Request&, Reply&)> run;
};

/// Our operations, and beside them those of other plugins (nanomq.http_routes/1).
///
/// Built before the first request, then immutable. Thread: [any].
class Router
{
public:
    /// @param others  null: there are none, as in tests.
    explicit Router(nanomq::sdk::HttpRoutes* others) noexcept : _others(others) {}
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    void add(Operation operation) { _operations.push_back(std::move(operation)); }
    const std::vector<Operation>& operations() const noexcept { return _operations; }
    nanomq::sdk::HttpRoutes* others() const noexcept { return _others; }

    /// Who the caller is: throws ApiError (401) when that cannot be told, and gives the request
    /// its user and role. Called for routes that are not for anybody.
    using Login = std::function<void(Request&)>;

    /// Runs what the request asks for. Throws ApiError: 404 for an unknown path, 405 for an
    /// unknown method, 403 for a role that may not, and what the operation throws.
    /// @param path  as it stands in the request line: levels are decoded one by one.
    void serve(Request& request, std::string_view path, Reply& reply, const Login& login) const;

    /// Methods that a path has, for OPTIONS; empty: no such path of ours.
    std::vector<std::string> methods(std::string_view path) const;

private:
    class Foreign;

    std::vector<Operation> _operations;
    nanomq::sdk::HttpRoutes* const _others;
};

/// Logs in unless the role is Anybody. Throws ApiError (403) when the caller's role is too low.
void admit(Request& request, nanomq::sdk::HttpRole needed, const Router::Login& login);

} // namespace rest_api
