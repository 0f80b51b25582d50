#pragma once

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/StreamCopier.h>
#include <Poco/ThreadPool.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// An HTTP server that keeps the bodies it gets, and answers as the test wants.
class TestEndpoint
{
public:
    /// A status, or a whole answer.
    struct Reply
    {
        Reply(int code) : status(code) {}
        Reply(int code, std::string text, std::map<std::string, std::string> more = {})
            : status(code),
              body(std::move(text)),
              headers(std::move(more))
        {
        }
        int status;
        std::string body = "an answer that nobody reads";
        std::map<std::string, std::string> headers{};
    };
    /// Gives what to answer. Called on the server's threads, one a connection.
    /// @param body     of a GET: its target.
    /// @param earlier  how often this very body came before.
    using Answer = std::function<Reply(const std::string& body, unsigned earlier)>;

    explicit TestEndpoint(Answer answer = [](const std::string&, unsigned) { return 200; })
        : _answer(std::move(answer)),
          _threads(2, 64),
          _socket(Poco::Net::SocketAddress("127.0.0.1", 0)),
          _server(new Factory(*this), _threads, _socket, parameters())
    {
        _server.start();
    }
    ~TestEndpoint()
    {
        open();
        _server.stopAll(true);
    }

    std::string url() const
    {
        return "http://127.0.0.1:" + std::to_string(_socket.address().port()) + "/hook";
    }
    /// Bodies that were answered with 2xx, in that order.
    std::vector<std::string> taken() const
    {
        const std::lock_guard lock(_mutex);
        return _taken;
    }
    std::size_t requests() const
    {
        const std::lock_guard lock(_mutex);
        return _requests;
    }
    std::size_t mostAtATime() const
    {
        const std::lock_guard lock(_mutex);
        return _mostAtATime;
    }
    int connections() const { return _server.totalConnections(); }
    std::string lastHeader(const std::string& name) const
    {
        const std::lock_guard lock(_mutex);
        const auto found = _headers.find(name);
        return found == _headers.end() ? "" : found->second;
    }

    /// From now on requests wait before they are answered, until open().
    void close()
    {
        const std::lock_guard lock(_mutex);
        _closed = true;
    }
    void open()
    {
        const std::lock_guard lock(_mutex);
        _closed = false;
        _gate.notify_all();
    }

private:
    struct Handler final : Poco::Net::HTTPRequestHandler
    {
        explicit Handler(TestEndpoint& endpoint) : _endpoint(endpoint) {}
        void handleRequest(Poco::Net::HTTPServerRequest& request,
                           Poco::Net::HTTPServerResponse& response) override
        {
            _endpoint.handle(request, response);
        }
        TestEndpoint& _endpoint;
    };
    struct Factory final : Poco::Net::HTTPRequestHandlerFactory
    {
        explicit Factory(TestEndpoint& endpoint) : _endpoint(endpoint) {}
        Poco::Net::HTTPRequestHandler*
        createRequestHandler(const Poco::Net::HTTPServerRequest&) override
        {
            return new Handler(_endpoint);
        }
        TestEndpoint& _endpoint;
    };

    static Poco::Net::HTTPServerParams::Ptr parameters()
    {
        Poco::Net::HTTPServerParams::Ptr result = new Poco::Net::HTTPServerParams;
        result->setMaxThreads(64);
        result->setMaxQueued(1024);
        result->setMaxKeepAliveRequests(0);
        return result;
    }

    void handle(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response)
    {
        std::string body;
        Poco::StreamCopier::copyToString(request.stream(), body);
        if (request.getMethod() == Poco::Net::HTTPRequest::HTTP_GET) body = request.getURI();
        unsigned earlier = 0;
        {
            std::unique_lock lock(_mutex);
            ++_requests;
            earlier = _seen[body]++;
            _headers.clear();
            for (const auto& [name, value] : request) _headers[name] = value;
            _mostAtATime = std::max(_mostAtATime, ++_now);
            _gate.wait(lock, [this] { return !_closed; });
            --_now;
        }
        const Reply reply = _answer(body, earlier);
        if (reply.status / 100 == 2)
        {
            const std::lock_guard lock(_mutex);
            _taken.push_back(body);
        }
        response.setStatus(std::to_string(reply.status));
        response.setReason("Because");
        for (const auto& [name, value] : reply.headers) response.set(name, value);
        if (reply.status == 204) response.send();
        else response.sendBuffer(reply.body.data(), reply.body.size());
    }

    mutable std::mutex _mutex; // guards all up to the next empty line
    std::condition_variable _gate;
    bool _closed = false;
    std::vector<std::string> _taken;
    std::map<std::string, unsigned> _seen;
    std::map<std::string, std::string> _headers;
    std::size_t _requests = 0;
    std::size_t _now = 0;
    std::size_t _mostAtATime = 0;

    const Answer _answer;
    Poco::ThreadPool _threads;
    Poco::Net::ServerSocket _socket;
    Poco::Net::HTTPServer _server;
};

/// A TCP server that does with each connection what the test wants; one after the other.
class RawServer
{
public:
    /// @param number  of the connection, from 0. The socket is closed when it returns.
    using Behaviour = std::function<void(Poco::Net::StreamSocket& socket, unsigned number)>;

    explicit RawServer(Behaviour behaviour)
        : _socket(Poco::Net::SocketAddress("127.0.0.1", 0)),
          _behaviour(std::move(behaviour)),
          _thread([this] { run(); })
    {
    }
    ~RawServer()
    {
        _stopping = true;
        _thread.join();
    }

    std::string url() const
    {
        return "http://127.0.0.1:" + std::to_string(_socket.address().port()) + "/hook";
    }
    unsigned connections() const { return _connections; }
    bool stopping() const { return _stopping; }

    /// Reads one request with Content-Length; its body, or "" at the end of the connection.
    static std::string readRequest(Poco::Net::StreamSocket& socket)
    {
        std::string text;
        for (;;)
        {
            const auto head = text.find("\r\n\r\n");
            if (head != std::string::npos)
            {
                const auto length = std::stoul(text.substr(text.find("Content-Length: ") + 16));
                if (text.size() >= head + 4 + length) return text.substr(head + 4);
            }
            char buffer[4096];
            const int got = socket.receiveBytes(buffer, sizeof buffer);
            if (got <= 0) return {};
            text.append(buffer, static_cast<std::size_t>(got));
        }
    }
    static void answer(Poco::Net::StreamSocket& socket, const std::string& text)
    {
        socket.sendBytes(text.data(), static_cast<int>(text.size()));
    }
    /// The connection ends with RST instead of FIN.
    static void reset(Poco::Net::StreamSocket& socket)
    {
        socket.setLinger(true, 0);
        socket.close();
    }
    /// Until the peer goes away, or the server stops.
    void hang(Poco::Net::StreamSocket& socket) const
    {
        char ignored[4096];
        while (!_stopping)
            if (socket.poll(Poco::Timespan(0, 10'000), Poco::Net::Socket::SELECT_READ) &&
                socket.receiveBytes(ignored, sizeof ignored) <= 0)
                return;
    }

private:
    void run()
    {
        while (!_stopping)
        {
            if (!_socket.poll(Poco::Timespan(0, 10'000), Poco::Net::Socket::SELECT_READ)) continue;
            Poco::Net::StreamSocket accepted = _socket.acceptConnection();
            try
            {
                _behaviour(accepted, _connections++);
            }
            catch (const Poco::Exception&)
            {
                continue; // the peer was faster
            }
        }
    }

    Poco::Net::ServerSocket _socket;
    const Behaviour _behaviour;
    std::atomic<unsigned> _connections{0};
    std::atomic<bool> _stopping{false};
    std::thread _thread; // last: uses all above
};
