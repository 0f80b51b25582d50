#include "net/Transport.h"

#include <sys/socket.h>
#include <sys/uio.h>

namespace nanomq
{

std::int64_t sendParts(int descriptor, const iovec* parts, int count) noexcept
{
    if (count == 1) return ::send(descriptor, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<std::size_t>(count);
    return ::sendmsg(descriptor, &message, MSG_NOSIGNAL);
}

std::int64_t SocketTransport::receive(std::uint8_t* buffer, std::size_t size, HandshakeBudget&)
{
    return ::recv(_descriptor, buffer, size, 0);
}

std::int64_t SocketTransport::send(const iovec* parts, int count)
{
    return count == 0 ? 0 : sendParts(_descriptor, parts, count);
}

} // namespace nanomq
