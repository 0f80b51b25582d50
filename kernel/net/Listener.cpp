#include "net/Listener.h"

#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

constexpr int kBacklog = 4096; // the system cuts it to net.core.somaxconn

std::string urlOf(const std::string& scheme, const Poco::Net::SocketAddress& address)
{
    const std::string host = address.host().toString();
    const bool v6 = address.family() == Poco::Net::SocketAddress::IPv6;
    return scheme + "://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(address.port());
}

Poco::Net::SocketAddress localAddress(int descriptor)
{
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &size);
    return {reinterpret_cast<const sockaddr*>(&storage), size};
}

} // namespace

Listener::Listener(std::string scheme, const std::string& host, std::uint16_t port)
{
    const Poco::Net::SocketAddress address(host, port);
    const auto fail = [&](const char* step) {
        const std::string reason = std::strerror(errno);
        if (_descriptor >= 0) ::close(_descriptor);
        throw Poco::Net::NetException("cannot listen at " + urlOf(scheme, address) + ": " + step +
                                      ": " + reason);
    };
    _descriptor = ::socket(address.af(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (_descriptor < 0) fail("socket");
    const int on = 1;
    ::setsockopt(_descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(_descriptor, address.addr(), address.length()) != 0) fail("bind");
    if (::listen(_descriptor, kBacklog) != 0) fail("listen");
    _url = urlOf(scheme, localAddress(_descriptor));
}

Listener::~Listener()
{
    ::close(_descriptor);
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
