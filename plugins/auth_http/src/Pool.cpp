#include "Pool.h"

#include <algorithm>

namespace auth_http
{

Servers::Servers(const Settings& settings)
{
    for (std::size_t kind = 0; kind < kKinds; ++kind)
    {
        const auto& form = settings.forms[kind];
        if (!form) continue;
        const http::Address& address = form->address;
        const auto same =
            std::find_if(_endpoints.begin(), _endpoints.end(), [&address](const auto& endpoint) {
                const http::Address& other = endpoint->address();
                return other.secure == address.secure && other.host == address.host &&
                       other.port == address.port;
            });
        _index[kind] = static_cast<std::size_t>(same - _endpoints.begin());
        if (same == _endpoints.end())
            _endpoints.push_back(std::make_unique<const http::Endpoint>(http::Endpoint::Settings{
                address, settings.connectTimeout, settings.timeout, settings.tls}));
    }
}

http::Answer Member::ask(Kind kind, const RequestForm::Filled& filled)
{
    const RequestForm& form = *_settings.form(kind);
    if (!_connection || _server != _servers.index(kind))
    {
        _connection = std::make_unique<http::Connection>(_servers.of(kind), _cancellation);
        _server = _servers.index(kind);
    }
    http::Request request;
    request.method = form.get ? "GET" : "POST";
    request.target = filled.target;
    request.headers = &form.headers;
    if (!form.get) request.contentType = "application/x-www-form-urlencoded";
    request.content = filled.content;
    if (_settings.dialect != Dialect::NanoMQ) request.body = http::Request::Body::Wanted;
    return _connection->ask(request);
}

} // namespace auth_http
