#include "PatientSocket.h"

#include <Poco/Net/SocketAddress.h>

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

namespace http
{

void PatientSocket::connect(const Poco::Net::SocketAddress& address, const Poco::Timespan&)
{
    initSocket(address.af(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (::connect(sockfd(), address.addr(), address.length()) == 0) return;
    if (errno != EINPROGRESS) error(errno, address.toString());
    _patience.await(sockfd(), POLLOUT);
    if (const int failure = socketError(); failure != 0) error(failure, address.toString());
}

bool PatientSocket::poll(const Poco::Timespan&, int mode)
{
    _patience.await(sockfd(), mode & SELECT_WRITE ? POLLOUT : POLLIN);
    return true;
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

} // namespace http
