#include "Patience.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace webhook
{

Cancellation::Cancellation() : _descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    if (_descriptor < 0) throw Poco::SystemException("eventfd", std::strerror(errno));
}

Cancellation::~Cancellation()
{
    ::close(_descriptor);
}

void Cancellation::cancel() noexcept
{
    _cancelled.store(true);
    const std::uint64_t one = 1;
    // Fails only when it is readable already, up to a count that nobody reaches.
    [[maybe_unused]] const auto written = ::write(_descriptor, &one, sizeof one);
}

void Patience::await(int descriptor, short events) const
{
    using namespace std::chrono;
    for (;;)
    {
        const auto left = ceil<milliseconds>(_deadline - steady_clock::now()).count();
        if (left <= 0 || cancelled()) throw Poco::TimeoutException();
        pollfd descriptors[] = {{descriptor, events, 0}, {_cancellation.descriptor(), POLLIN, 0}};
        const int ready = ::poll(descriptors, 2, static_cast<int>(left));
        if (ready < 0 && errno != EINTR) throw Poco::SystemException("poll", std::strerror(errno));
        if (ready > 0 && descriptors[0].revents != 0 && !cancelled()) return;
    }
}

void PatientSocket::connect(const Poco::Net::SocketAddress& address, const Poco::Timespan&)
{
    initSocket(address.af(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (::connect(sockfd(), address.addr(), address.length()) == 0) return;
    if (errno != EINPROGRESS) error(errno, address.toString());
    _patience.await(sockfd(), POLLOUT);
    if (const int failure = socketError(); failure != 0) error(failure, address.toString());
}

int PatientSocket::sendBytes(const void* buffer, int length, int flags)
{
    int sent = 0;
    while (sent < length)
    {
        _patience.await(sockfd(), POLLOUT);
        const auto n = ::send(sockfd(), static_cast<const char*>(buffer) + sent,
                              static_cast<std::size_t>(length - sent), flags | MSG_NOSIGNAL);
        if (n >= 0) sent += static_cast<int>(n);
        else if (errno != EAGAIN && errno != EINTR) error(errno);
    }
    return sent;
}

int PatientSocket::receiveBytes(void* buffer, int length, int flags)
{
    for (;;)
    {
        _patience.await(sockfd(), POLLIN);
        const auto n = ::recv(sockfd(), buffer, static_cast<std::size_t>(length), flags);
        if (n >= 0) return static_cast<int>(n);
        if (errno != EAGAIN && errno != EINTR) error(errno);
    }
}

} // namespace webhook
