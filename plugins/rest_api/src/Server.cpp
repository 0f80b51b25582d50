#include "Server.h"

#include <Poco/Crypto/EVPPKey.h>
#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerConnection.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include <array>
#include <sys/socket.h>

namespace rest_api
{

namespace
{

using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerResponse;

constexpr int kQueuedConnections = 64;
constexpr std::chrono::seconds kKeepAlive{15};
/// For one read or write; the deadlines are for all of them.
constexpr std::chrono::seconds kSocketTimeout{10};

Poco::Timespan timespan(std::chrono::milliseconds time)
{
    return {static_cast<Poco::Timespan::TimeDiff>(time.count()) * 1'000};
}

/// Where an answer goes.
class HttpSink final : public Reply::Sink
{
public:
    HttpSink(HTTPServerResponse& response, bool isHead) noexcept
        : _response(response), _isHead(isHead)
    {
    }

    void begin(int status, const Reply::Headers& headers,
               std::optional<std::size_t> length) override
    {
        _response.setStatusAndReason(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(status));
        for (const auto& [name, value] : headers) _response.set(name, value);
        if (length) _response.setContentLength64(static_cast<Poco::Int64>(*length));
        else if (_response.getVersion() == Poco::Net::HTTPMessage::HTTP_1_1)
            _response.setChunkedTransferEncoding(true);
        else _response.setKeepAlive(false); // 1.0: the end of the connection ends the body
        _out = &_response.send();
    }
    void send(std::string_view body) override
    {
        if (_isHead) return;
        _out->write(body.data(), static_cast<std::streamsize>(body.size()));
        if (!_out->good()) throw Poco::Net::NetException("the connection is gone");
    }

private:
    HTTPServerResponse& _response;
    const bool _isHead;
    std::ostream* _out = nullptr;
};

/// The body, or ApiError when it is too large or does not come.
std::string bodyOf(HTTPServerRequest& request, std::size_t limit)
{
    if (request.hasContentLength() &&
        (request.getContentLength64() < 0 ||
         static_cast<std::uint64_t>(request.getContentLength64()) > limit))
        throw ApiError(413, Code::BadParameter, "the body is larger than " + std::to_string(limit) + " bytes");
    std::string body;
    // Poco would wait for the connection's end (RFC 9112 §6.3: there is no body).
    if (!request.hasContentLength() && !request.getChunkedTransferEncoding()) return body;
    std::array<char, 16'384> piece{};
    auto& in = request.stream();
    while (in.read(piece.data(), piece.size()), in.gcount() > 0)
    {
        body.append(piece.data(), static_cast<std::size_t>(in.gcount()));
        if (body.size() > limit)
            throw ApiError(413, Code::BadParameter,
                           "the body is larger than " + std::to_string(limit) + " bytes");
    }
    if (request.hasContentLength() &&
        body.size() != static_cast<std::size_t>(request.getContentLength64()))
        throw Poco::Net::NetException("the body is not complete");
    return body;
}

/// One request of one connection.
class Handler final : public Poco::Net::HTTPRequestHandler
{
public:
    Handler(Api& api, const Settings& settings, Deadlines::Entry& deadline, int descriptor) noexcept
        : _api(api), _settings(settings), _deadline(deadline), _descriptor(descriptor)
    {
    }

    void handleRequest(HTTPServerRequest& request, HTTPServerResponse& response) override
    {
        const auto now = Deadlines::Clock::now;
        _deadline.extend(now() + _settings.requestDeadline);
        HttpSink sink(response, request.getMethod() == "HEAD");
        std::optional<Api::Input> input;
        try
        {
            input = read(request);
        }
        catch (const ApiError& error)
        {
            response.setKeepAlive(false); // what is left of the body is not read
            return _api.refuse(error, sink);
        }
        _deadline.extend(now() + _settings.answerDeadline);
        try
        {
            _api.handle(std::move(*input), sink);
        }
        catch (...)
        {
            // Poco would end the chunks in order, and half an answer would look whole.
            if (response.sent()) ::shutdown(_descriptor, SHUT_RDWR);
            throw;
        }
        _deadline.extend(now() + kKeepAlive + _settings.requestDeadline);
    }

private:
    Api::Input read(HTTPServerRequest& request) const
    {
        Api::Input input;
        input.method = request.getMethod();
        input.target = request.getURI();
        input.address = request.clientAddress().host().toString();
        for (const auto& [name, value] : request) input.headers.emplace_back(name, value);
        input.body = bodyOf(request, _settings.maximumBody);
        return input;
    }

    Api& _api;
    const Settings& _settings;
    Deadlines::Entry& _deadline;
    const int _descriptor;
};

class HandlerFactory final : public Poco::Net::HTTPRequestHandlerFactory
{
public:
    HandlerFactory(Api& api, const Settings& settings, Deadlines::Entry& deadline,
                   int descriptor) noexcept
        : _api(api), _settings(settings), _deadline(deadline), _descriptor(descriptor)
    {
    }
    Poco::Net::HTTPRequestHandler* createRequestHandler(const HTTPServerRequest&) override
    {
        return new Handler(_api, _settings, _deadline, _descriptor); // Poco deletes it
    }

private:
    Api& _api;
    const Settings& _settings;
    Deadlines::Entry& _deadline;
    const int _descriptor;
};

/// A connection, with its entry among the deadlines while it is served.
class Connection final : public Poco::Net::TCPServerConnection
{
public:
    Connection(const Poco::Net::StreamSocket& socket, Poco::Net::HTTPServerParams::Ptr parameters,
               Api& api, const Settings& settings, Deadlines& deadlines)
        : TCPServerConnection(socket),
          _parameters(std::move(parameters)),
          _api(api),
          _settings(settings),
          _deadlines(deadlines)
    {
    }
    void run() override
    {
        const int descriptor = socket().impl()->sockfd();
        Deadlines::Entry entry(_deadlines, descriptor,
                               Deadlines::Clock::now() + _settings.requestDeadline);
        try
        {
            Poco::Net::HTTPServerConnection(
                socket(), _parameters, new HandlerFactory(_api, _settings, entry, descriptor))
                .run();
        }
        catch (const Poco::Exception&)
        {
            // Its end, whatever the reason; who sent the request has been told what can be told.
        }
        catch (const ApiError&)
        {
            // An answer that had begun, and could not be finished.
        }
    }

private:
    const Poco::Net::HTTPServerParams::Ptr _parameters;
    Api& _api;
    const Settings& _settings;
    Deadlines& _deadlines;
};

class ConnectionFactory final : public Poco::Net::TCPServerConnectionFactory
{
public:
    ConnectionFactory(Poco::Net::HTTPServerParams::Ptr parameters, Api& api,
                      const Settings& settings, Deadlines& deadlines)
        : _parameters(std::move(parameters)),
          _api(api),
          _settings(settings),
          _deadlines(deadlines)
    {
    }
    Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override
    {
        return new Connection(socket, _parameters, _api, _settings, _deadlines);
    }

private:
    const Poco::Net::HTTPServerParams::Ptr _parameters;
    Api& _api;
    const Settings& _settings;
    Deadlines& _deadlines;
};

Poco::Net::Context::Ptr tlsContext(const Settings& settings)
{
    using Poco::Net::Context;
    Context::Params parameters;
    parameters.certificateFile = settings.certificateFile;
    parameters.caLocation = settings.authorityFile;
    parameters.verificationMode =
        settings.authorityFile.empty() ? Context::VERIFY_NONE : Context::VERIFY_STRICT;
    parameters.loadDefaultCAs = false;
    Context::Ptr context(new Context(Context::TLS_SERVER_USE, parameters));
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    // Poco asks a process-wide handler for the password of an encrypted key; this one is ours.
    const Poco::Crypto::EVPPKey key("", settings.keyFile, settings.keyPassword);
    context->usePrivateKey(key);
    return context;
}

Poco::Net::ServerSocket bind(const Settings& settings)
{
    const Poco::Net::SocketAddress address(settings.address, settings.port);
    if (settings.tls)
    {
        Poco::Net::SecureServerSocket socket(tlsContext(settings));
        socket.bind(address, true);
        socket.listen(kQueuedConnections);
        return socket;
    }
    Poco::Net::ServerSocket socket;
    socket.bind(address, true);
    socket.listen(kQueuedConnections);
    return socket;
}

} // namespace

Deadlines::Entry::Entry(Deadlines& all, int descriptor, Clock::time_point until)
    : _all(all), _descriptor(descriptor)
{
    const std::lock_guard lock(_all._mutex);
    _all._sockets[_descriptor] = until;
    if (_all._closed) ::shutdown(_descriptor, SHUT_RDWR);
}

Deadlines::Entry::~Entry()
{
    const std::lock_guard lock(_all._mutex);
    _all._sockets.erase(_descriptor);
}

void Deadlines::Entry::extend(Clock::time_point until)
{
    const std::lock_guard lock(_all._mutex);
    _all._sockets[_descriptor] = until;
}

void Deadlines::closeAll()
{
    {
        const std::lock_guard lock(_mutex);
        _closed = true;
    }
    shutDownUntil(Clock::time_point::max());
}

void Deadlines::shutDownUntil(Clock::time_point now)
{
    const std::lock_guard lock(_mutex);
    for (const auto& [descriptor, until] : _sockets)
        if (until <= now) ::shutdown(descriptor, SHUT_RDWR);
}

Server::Server(const Settings& settings, Api& api)
    : _settings(settings),
      _threads("rest_api", 1, static_cast<int>(settings.connections))
{
    Poco::Net::HTTPServerParams::Ptr parameters(new Poco::Net::HTTPServerParams);
    parameters->setMaxThreads(static_cast<int>(settings.connections));
    parameters->setMaxQueued(kQueuedConnections);
    parameters->setTimeout(timespan(kSocketTimeout));
    parameters->setKeepAliveTimeout(timespan(kKeepAlive));
    parameters->setSoftwareVersion("NanoMQ");
    try
    {
        _server = std::make_unique<Poco::Net::TCPServer>(
            new ConnectionFactory(parameters, api, settings, _deadlines), _threads, bind(settings),
            parameters);
    }
    catch (const Poco::Net::NetException& error)
    {
        throw Poco::Net::NetException("http_server at " + settings.address + ":" +
                                      std::to_string(settings.port) + ": " + error.displayText());
    }
}

Server::~Server()
{
    stop();
}

void Server::start()
{
    _server->start();
}

void Server::stop()
{
    _server->stop();
    _deadlines.closeAll();
    _threads.joinAll();
}

} // namespace rest_api
