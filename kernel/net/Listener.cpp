#include "net/Listener.h"

#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <grp.h>
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
    : _settings(std::move(settings)), _transports(transports.factoryFor(_settings))
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

Listener::~Listener()
{
    struct stat file{};
    if (_fileNumber != 0 && ::lstat(_settings.path.c_str(), &file) == 0 &&
        file.st_dev == _fileDevice && file.st_ino == _fileNumber)
        ::unlink(_settings.path.c_str());
    ::close(_descriptor);
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
    _loop.add(_listener.descriptor(), EPOLLIN | EPOLLEXCLUSIVE, *this);
    _watching = true;
}

void Acceptor::stop() noexcept
{
    cancel();
    if (_watching) _loop.remove(_listener.descriptor());
    _watching = false;
}

void Acceptor::ready(std::uint32_t)
{
    for (int accepts = 0; accepts < kAcceptsPerTurn; ++accepts)
    {
        sockaddr_storage storage{};
        socklen_t size = sizeof storage;
        const int descriptor =
            ::accept4(_listener.descriptor(), reinterpret_cast<sockaddr*>(&storage), &size,
                      SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0)
        {
            if (storage.ss_family == AF_UNIX)
            {
                _accepted(descriptor, _listener, {_listener.settings().path, 0});
                continue;
            }
            const int on = 1;
            ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const Poco::Net::SocketAddress peer(reinterpret_cast<const sockaddr*>(&storage), size);
            _accepted(descriptor, _listener, {peer.host().toString(), peer.port()});
            continue;
        }
        if (errno == EAGAIN) return;
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) continue;
        // Level-triggered: going on would spin until a descriptor is free.
        ++_pauses;
        stop();
        _loop.timers().schedule(*this, _loop.now() + kPauseMs);
        return;
    }
}

void Acceptor::expired(MonotonicMs now)
{
    // Should the system refuse, then again later.
    _loop.timers().schedule(*this, now + kPauseMs);
    start();
    cancel();
}

} // namespace nanomq
