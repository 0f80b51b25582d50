#pragma once

#include "base/TimerWheel.h"
#include "net/EventLoop.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace nanomq
{

/// The far end of an accepted socket.
struct PeerAddress
{
    std::string address; // "192.0.2.7", "::1"
    std::uint16_t port = 0;
};

/// A listening TCP socket. Every worker's loop waits on it, and the system wakes one.
/// Thread: [main], but for descriptor().
class Listener
{
public:
    /// Binds and listens. Port 0 binds a free one. Throws Poco::Net::NetException that names
    /// the address when it is in use or not ours.
    /// @param scheme  as configured, for url(): "nmq-tcp".
    Listener(std::string scheme, const std::string& host, std::uint16_t port);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// With the port that was bound: "nmq-tcp://127.0.0.1:1883".
    const std::string& url() const noexcept { return _url; }
    int descriptor() const noexcept { return _descriptor; }

private:
    int _descriptor = -1;
    std::string _url;
};

/// One worker's share in accepting from a listener. When the process has no descriptor left it
/// stops for a moment and goes on by itself; established connections notice nothing.
/// Thread: [worker].
class Acceptor final : public EventSource, private Timer
{
public:
    /// @param accepted  takes over each new descriptor (non-blocking, close-on-exec, no delay).
    using Accepted = std::function<void(int descriptor, const Listener&, PeerAddress)>;

    Acceptor(EventLoop& loop, const Listener& listener, Accepted accepted);
    /// Begins to accept.
    void start();
    /// Accepts no more.
    void stop() noexcept;

    /// How often accepting had to pause because descriptors ran out.
    std::uint64_t pauses() const noexcept { return _pauses; }

private:
    static constexpr int kAcceptsPerTurn = 64;
    static constexpr MonotonicMs kPauseMs = 100;

    void ready(std::uint32_t events) override;
    void expired(MonotonicMs now) override;

    EventLoop& _loop;
    const Listener& _listener;
    Accepted _accepted;
    std::uint64_t _pauses = 0;
    bool _watching = false;
};

} // namespace nanomq
