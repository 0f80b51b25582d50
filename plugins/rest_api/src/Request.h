#pragma once

#include "nanomq/http_routes.h"

#include <Poco/JSON/Object.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rest_api
{

/// A request whose body has been read, and of whoever may be its sender.
class Request final : public nanomq::sdk::HttpRoutes::Request
{
public:
    using Pairs = std::vector<std::pair<std::string, std::string>>;

    static constexpr std::size_t kMaximumTarget = 8'192;
    static constexpr std::size_t kMaximumQuery = 64; // parameters

    /// @param target  as it stands in the request line: "/api/v4/clients/a%20b?_page=1".
    /// Throws ApiError when it is none: too long, bad escapes, a NUL, no UTF-8.
    Request(std::string method, std::string_view target, Pairs headers, std::string body,
            std::string address);

    const std::string& verb() const noexcept { return _method; }
    const std::string& pathText() const noexcept { return _path; } ///< decoded
    const std::string& bodyText() const noexcept { return _body; }
    const std::string& address() const noexcept { return _address; }
    const Pairs& queries() const noexcept { return _query; }

    /// Null when there is none.
    const std::string* headerText(std::string_view name) const noexcept;
    const std::string* queryText(std::string_view name) const noexcept;
    /// What stands for {name} in the route's path.
    const std::string& parameterText(std::string_view name) const;
    /// A whole number of the query. Throws ApiError when it is none, or outside of the range.
    std::uint64_t number(std::string_view name, std::uint64_t absent, std::uint64_t minimum,
                         std::uint64_t maximum) const;
    /// Throws ApiError when the query has another parameter than these; those that begin with '_'
    /// must be named, too.
    void allowQuery(std::initializer_list<std::string_view> names) const;

    /// The body, a JSON object or any value. Throws ApiError (400, 109) when it is not.
    Poco::JSON::Object::Ptr object() const;
    Poco::Dynamic::Var json() const;

    void setParameter(std::string name, std::string value);
    void setCaller(std::string user, nanomq::sdk::HttpRole role);

    // nanomq::sdk::HttpRoutes::Request
    nanomq::sdk::Str method() const override { return _method; }
    nanomq::sdk::Str path() const override { return _path; }
    bool parameter(nanomq::sdk::Str name, nanomq::sdk::Str* value) const override;
    bool query(nanomq::sdk::Str name, nanomq::sdk::Str* value) const override;
    bool header(nanomq::sdk::Str name, nanomq::sdk::Str* value) const override;
    nanomq::sdk::Bytes body() const override { return {_body.data(), _body.size()}; }
    nanomq::sdk::Str user() const override { return _user; }
    nanomq::sdk::HttpRole role() const override { return _role; }

private:
    const std::string _method;
    std::string _path;
    Pairs _query;
    const Pairs _headers;
    const std::string _body;
    const std::string _address;
    Pairs _parameters;
    std::string _user;
    nanomq::sdk::HttpRole _role = nanomq::sdk::HttpRole::Anybody;
};

/// Parses JSON of a stranger: at most 32 levels deep, else ApiError (400, 109).
Poco::Dynamic::Var parseJson(const std::string& text);

} // namespace rest_api
