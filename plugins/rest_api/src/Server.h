#pragma once

#include "Api.h"
#include "Settings.h"

#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/ThreadPool.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace rest_api
{

/// The sockets of connections that are being served, each with the time by which something must
/// have happened. Poco has timeouts for a read and a write, and none for a whole request: who
/// sends a byte now and then would keep a thread for good. Thread: [any].
class Deadlines
{
public:
    using Clock = std::chrono::steady_clock;

    /// A connection's entry; goes with it, before its descriptor does.
    class Entry
    {
    public:
        Entry(Deadlines& all, int descriptor, Clock::time_point until);
        ~Entry();
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        void extend(Clock::time_point until);

    private:
        Deadlines& _all;
        const int _descriptor;
    };

    /// Shuts down every socket that is late; its thread then finds the connection at its end.
    void enforce(Clock::time_point now) { shutDownUntil(now); }
    /// All of them, and those to come.
    void closeAll();

private:
    void shutDownUntil(Clock::time_point now);

    std::mutex _mutex; // guards all below
    std::map<int, Clock::time_point> _sockets;
    bool _closed = false;
};

/// Poco's HTTP server in front of the API, in its own threads, one a connection.
class Server
{
public:
    /// Binds. Throws Poco::Exception that names the address, or what is wrong with a certificate.
    Server(const Settings& settings, Api& api);
    /// stop().
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    void start();
    /// Accepts no more, breaks off what is being served, and waits for the threads.
    void stop();
    /// To be called several times a second.
    void enforceDeadlines() { _deadlines.enforce(Deadlines::Clock::now()); }

    std::uint16_t port() const { return _server->port(); }

private:
    const Settings& _settings;
    Deadlines _deadlines;
    Poco::ThreadPool _threads;
    std::unique_ptr<Poco::Net::TCPServer> _server;
};

} // namespace rest_api
