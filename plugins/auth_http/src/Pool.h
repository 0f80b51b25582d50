#pragma once

#include "Settings.h"
#include "http/Connection.h"
#include "http/Patience.h"

#include <array>
#include <memory>
#include <vector>

namespace auth_http
{

/// The server, or servers, that the three requests go to. Requests to one server share what belongs
/// to it. Immutable. Thread: [any].
class Servers
{
public:
    /// Reads the files of TLS; throws Poco::Net::SSLContextException.
    explicit Servers(const Settings& settings);

    const http::Endpoint& of(Kind kind) const { return *_endpoints[index(kind)]; }
    std::size_t index(Kind kind) const noexcept { return _index[static_cast<std::size_t>(kind)]; }
    std::size_t count() const noexcept { return _endpoints.size(); }

private:
    std::vector<std::unique_ptr<const http::Endpoint>> _endpoints;
    std::array<std::size_t, kKinds> _index{};
};

/// One member of the pool: a kept-alive connection, to one server at a time. Thread: one at a time.
class Member
{
public:
    Member(const Servers& servers, const Settings& settings, const http::Cancellation& cancellation)
        : _servers(servers),
          _settings(settings),
          _cancellation(cancellation)
    {
    }

    http::Answer ask(Kind kind, const RequestForm::Filled& filled);

private:
    const Servers& _servers;
    const Settings& _settings;
    const http::Cancellation& _cancellation;
    std::unique_ptr<http::Connection> _connection;
    std::size_t _server = 0; // that it goes to
};

} // namespace auth_http
