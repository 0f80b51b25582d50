#include "net/Listener.h"

#include "net/OwnedDescriptor.h"

#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <grp.h>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <pwd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace nanomq
{

namespace
{

constexpr int kBacklog = 4096; // the system cuts it to net.core.somaxconn

constexpr int kKeepAliveIdleSeconds = 60;
constexpr int kKeepAliveIntervalSeconds = 15;
constexpr int kKeepAliveProbes = 3;

std::string addressText(const Poco::Net::SocketAddress& address)
{
    const std::string host = address.host().toString();
    const bool v6 = address.family() == Poco::Net::SocketAddress::IPv6;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(address.port());
}

Poco::Net::SocketAddress localAddress(int descriptor)
{
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &size);
    return {reinterpret_cast<const sockaddr*>(&storage), size};
}

sockaddr_un pathAddress(const std::string& path) noexcept
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

/// A number, or what `find` knows by that name; nothing when there is no such name.
template <class Find> std::optional<unsigned> idOf(const std::string& name, Find&& find)
{
    unsigned number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) return number;
    return find(name.c_str());
}

std::optional<unsigned> userId(const char* name)
{
    const passwd* const entry = ::getpwnam(name); // [main], before any other thread asks
    return entry ? std::optional<unsigned>(entry->pw_uid) : std::nullopt;
}

std::optional<unsigned> groupId(const char* name)
{
    const group* const entry = ::getgrnam(name);
    return entry ? std::optional<unsigned>(entry->gr_gid) : std::nullopt;
}

} // namespace

Listener::Listener(ListenerSettings settings, const Transports& transports)
    : _settings(std::move(settings)),
      _transports(transports.factoryFor(_settings)),
      _rate(_settings.connectsPerSecond)
{
    try
    {
        if (_settings.host.empty()) listenAtPath();
        else listenAtAddress();
    }
    catch (...)
    {
        if (_descriptor >= 0) ::close(_descriptor);
        throw;
    }
}

namespace
{

/// The sockets that are brought are spoken to as they are.
class NoTransports final : public TransportFactory
{
public:
    std::unique_ptr<Transport> make(int) override { return {}; }
};

} // namespace

Listener::Listener(std::string url)
    : _transports(std::make_unique<NoTransports>()),
      _url(std::move(url)),
      _rate(_settings.connectsPerSecond)
{
    _settings.name = _url;
    _settings.scheme = _url.substr(0, _url.find("://"));
}

Listener::~Listener()
{
    struct stat file{};
    if (_fileNumber != 0 && ::lstat(_settings.path.c_str(), &file) == 0 &&
        file.st_dev == _fileDevice && file.st_ino == _fileNumber)
        ::unlink(_settings.path.c_str());
    if (_descriptor >= 0) ::close(_descriptor);
}

void Listener::fail(const char* step) const
{
    const std::string reason = std::strerror(errno);
    throw Poco::Net::NetException("cannot listen at " + _url + ": " + step + ": " + reason);
}

bool Listener::enter() const noexcept
{
    const std::size_t before = _connections.fetch_add(1, std::memory_order_relaxed);
    return _settings.maximumConnections == 0 || before < _settings.maximumConnections;
}

MonotonicMs Listener::acceptWait(MonotonicMs now) const noexcept
{
    if (_settings.connectsPerSecond == 0) return 0;
    std::lock_guard guard(_rateLock);
    return _rate.wait(now);
}

void Listener::countAccept(MonotonicMs now) const noexcept
{
    if (_settings.connectsPerSecond == 0) return;
    std::lock_guard guard(_rateLock);
    _rate.take(1, now);
}

void Listener::listenAtAddress()
{
    const Poco::Net::SocketAddress address(_settings.host, _settings.port);
    const std::string path = _transports->hasPath() ? _settings.path : std::string();
    _url = _settings.scheme + "://" + addressText(address) + path;
    _descriptor = ::socket(address.af(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (_descriptor < 0) fail("socket");
    const int on = 1;
    ::setsockopt(_descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(_descriptor, address.addr(), address.length()) != 0) fail("bind");
    if (::listen(_descriptor, kBacklog) != 0) fail("listen");
    _url = _settings.scheme + "://" + addressText(localAddress(_descriptor)) + path;
}

void Listener::listenAtPath()
{
    const std::string& path = _settings.path;
    _url = _settings.scheme + "://" + path;
    if (path.size() > kMaximumPathBytes)
        throw Poco::Net::NetException("cannot listen at " + _url + ": the path has " +
                                      std::to_string(path.size()) + " bytes, and the system takes " +
                                      std::to_string(kMaximumPathBytes));
    removeStaleFile();
    _descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (_descriptor < 0) fail("socket");
    // The file is born with these rights, less the umask: never is it open to more.
    if (::fchmod(_descriptor, _settings.mode) != 0) fail("mode");
    const sockaddr_un address = pathAddress(path);
    if (::bind(_descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail("bind");
    struct stat file{};
    if (::lstat(path.c_str(), &file) != 0) fail("stat");
    _fileDevice = file.st_dev;
    _fileNumber = file.st_ino;
    try
    {
        giveFileAway();
        if (::listen(_descriptor, kBacklog) != 0) fail("listen");
    }
    catch (...)
    {
        ::unlink(path.c_str());
        throw;
    }
}

void Listener::giveFileAway() const
{
    const auto find = [this](const std::string& name, auto&& lookUp, const char* what) {
        constexpr unsigned kNoChange = ~0U;
        if (name.empty()) return kNoChange;
        const auto id = idOf(name, lookUp);
        if (!id)
            throw Poco::Net::NetException("cannot listen at " + _url + ": there is no " + what +
                                          " '" + name + "'");
        return *id;
    };
    const unsigned owner = find(_settings.owner, userId, "user");
    const unsigned group = find(_settings.group, groupId, "group");
    const char* const path = _settings.path.c_str();
    if (::lchown(path, owner, group) != 0) fail("owner");
    if (::chmod(path, _settings.mode) != 0) fail("mode");
}

void Listener::removeStaleFile() const
{
    struct stat file{};
    if (::lstat(_settings.path.c_str(), &file) != 0) return;
    if (!S_ISSOCK(file.st_mode))
    {
        errno = EEXIST;
        fail("there is a file that is no socket");
    }
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0) fail("socket");
    const sockaddr_un address = pathAddress(_settings.path);
    const int connected =
        ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const bool dead = connected != 0 && errno == ECONNREFUSED;
    ::close(probe);
    if (!dead)
    {
        errno = EADDRINUSE;
        fail("somebody else listens there");
    }
    if (::unlink(_settings.path.c_str()) != 0) fail("a file of a dead process");
}

Acceptor::Acceptor(EventLoop& loop, const Listener& listener, Accepted accepted)
    : _loop(loop), _listener(listener), _accepted(std::move(accepted))
{
}

void Acceptor::start()
{
    _started = true;
    watch();
}

void Acceptor::stop() noexcept
{
    _started = false;
    cancel();
    unwatch();
}

void Acceptor::hold() noexcept
{
    _held = true;
    cancel();
    unwatch();
}

void Acceptor::release()
{
    _held = false;
    if (_started) watch();
}

void Acceptor::watch()
{
    if (_held || _watching) return;
    _loop.add(_listener.descriptor(), EPOLLIN | EPOLLEXCLUSIVE, *this);
    _watching = true;
}

void Acceptor::unwatch() noexcept
{
    if (_watching) _loop.remove(_listener.descriptor());
    _watching = false;
}

/// Level-triggered: going on would spin.
void Acceptor::pause(Pause why, MonotonicMs wait)
{
    unwatch();
    _loop.timers().schedule(*this, _loop.now() + wait);
    if (_onPause) _onPause(why);
}

void Acceptor::ready(std::uint32_t)
{
    for (int accepts = 0; accepts < kAcceptsPerTurn; ++accepts)
    {
        if (const MonotonicMs wait = _listener.acceptWait(_loop.now()))
            return pause(Pause::Rate, wait);
        sockaddr_storage storage{};
        socklen_t size = sizeof storage;
        const int descriptor =
            ::accept4(_listener.descriptor(), reinterpret_cast<sockaddr*>(&storage), &size,
                      SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0)
        {
            take(descriptor, storage, size);
            continue;
        }
        if (errno == EAGAIN) return;
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) continue;
        ++_pauses;
        return pause(Pause::Descriptors, kPauseMs);
    }
}

void Acceptor::take(int descriptor, const sockaddr_storage& storage, unsigned size)
{
    OwnedDescriptor owned(descriptor);
    _listener.countAccept(_loop.now());
    if (storage.ss_family == AF_UNIX)
    {
        PeerAddress peer{_listener.settings().path, 0};
        return _accepted(owned.release(), _listener, std::move(peer));
    }
    const auto set = [descriptor](int level, int option, int value) {
        ::setsockopt(descriptor, level, option, &value, sizeof value);
    };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    // A peer that has vanished without a word, for those that have no Keep Alive.
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
    set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
    set(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
    const Poco::Net::SocketAddress address(reinterpret_cast<const sockaddr*>(&storage), size);
    PeerAddress peer{address.host().toString(), address.port()};
    _accepted(owned.release(), _listener, std::move(peer));
}

void Acceptor::expired(MonotonicMs now)
{
    // Should the system refuse, then again later.
    _loop.timers().schedule(*this, now + kPauseMs);
    watch();
    cancel();
}

} // namespace nanomq
