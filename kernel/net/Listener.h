#pragma once

#include "base/FutexLock.h"
#include "base/TimerWheel.h"
#include "base/TokenBucket.h"
#include "net/EventLoop.h"
#include "net/ListenerSettings.h"
#include "net/PeerAddress.h"
#include "net/Transports.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

struct sockaddr_storage;

namespace nanomq
{

/// A listening socket, of TCP or in the file system. Every worker's loop waits on it, and the
/// system wakes one. Thread: [main], but for what says otherwise.
class Listener
{
public:
    /// The longest path of a Unix socket that the system takes, in bytes.
    static constexpr std::size_t kMaximumPathBytes = 107;

    /// Binds and listens. Port 0 binds a free one. A file that a dead process left at the path of
    /// a Unix socket is replaced. Throws Poco::Net::NetException that names the address when it
    /// is in use, not ours, or no path for a socket; and what Transports::factoryFor() throws.
    Listener(ListenerSettings settings, const Transports& transports);
    /// A door: connections are brought from elsewhere, and this is only what they are told to have
    /// come by. No socket, no transports, no limit.
    explicit Listener(std::string url);
    /// Also removes the file of a Unix socket, if it is still its own.
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    const ListenerSettings& settings() const noexcept { return _settings; }
    /// With the port that was bound: "nmq-tcp://127.0.0.1:1883".
    const std::string& url() const noexcept { return _url; } ///< Thread: [any].
    int descriptor() const noexcept { return _descriptor; }
    /// Makes connections' transports, and reads certificates again. Thread: [any].
    TransportFactory& transports() const noexcept { return *_transports; }

    /// Counts a connection in; false: there are too many now. leave() is due in either case.
    /// Thread: [worker], any.
    bool enter() const noexcept;
    void leave() const noexcept { _connections.fetch_sub(1, std::memory_order_relaxed); }
    /// Connections that were counted in and did not leave. Thread: [any].
    std::size_t connections() const noexcept
    {
        return _connections.load(std::memory_order_relaxed);
    }

    /// Milliseconds until another connection may be accepted; 0: now. Thread: [any].
    MonotonicMs acceptWait(MonotonicMs now) const noexcept;
    /// A connection was accepted. Thread: [any].
    void countAccept(MonotonicMs now) const noexcept;

private:
    void listenAtAddress();
    void listenAtPath();
    void removeStaleFile() const;
    void giveFileAway() const;
    [[noreturn]] void fail(const char* step) const;

    ListenerSettings _settings;
    std::unique_ptr<TransportFactory> _transports;
    std::string _url;
    int _descriptor = -1;
    std::uint64_t _fileDevice = 0; // of a Unix socket, to know it again
    std::uint64_t _fileNumber = 0;
    mutable std::atomic<std::size_t> _connections{0};
    mutable FutexLock _rateLock; // guards _rate
    mutable TokenBucket _rate;
};

/// One worker's share in accepting from a listener. When the process has no descriptor left, or
/// more connections come than the listener's rate allows, it stops for a moment and goes on by
/// itself; established connections notice nothing. Thread: [worker].
class Acceptor final : public EventSource, private Timer
{
public:
    /// @param accepted  takes over each new descriptor (non-blocking, close-on-exec, no delay), and
    ///                  closes it whatever happens.
    using Accepted = std::function<void(int descriptor, const Listener&, PeerAddress)>;

    /// Why accepting pauses.
    enum class Pause : std::uint8_t
    {
        Descriptors, // the process has none left
        Rate,        // the listener's connections per second
    };

    Acceptor(EventLoop& loop, const Listener& listener, Accepted accepted);
    /// Called whenever it pauses.
    void onPause(std::function<void(Pause)> call) { _onPause = std::move(call); }
    /// Begins to accept.
    void start();
    /// Accepts no more.
    void stop() noexcept;
    /// Accepts nothing until release(): for want of memory.
    void hold() noexcept;
    void release();

    const Listener& listener() const noexcept { return _listener; }
    /// How often accepting had to pause because descriptors ran out.
    std::uint64_t pauses() const noexcept { return _pauses; }

private:
    static constexpr int kAcceptsPerTurn = 64;
    static constexpr MonotonicMs kPauseMs = 100;

    void ready(std::uint32_t events) override;
    void expired(MonotonicMs now) override;
    void watch();
    void unwatch() noexcept;
    void pause(Pause why, MonotonicMs wait);
    void take(int descriptor, const sockaddr_storage& storage, unsigned size);

    EventLoop& _loop;
    const Listener& _listener;
    Accepted _accepted;
    std::function<void(Pause)> _onPause;
    std::uint64_t _pauses = 0;
    bool _started = false;
    bool _held = false;
    bool _watching = false;
};

} // namespace nanomq
