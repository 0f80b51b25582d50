#include "sandbox/Channel.h"

#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

namespace nanomq::sandbox
{

namespace
{

struct Head
{
    std::uint64_t size;
    Message type;
};

} // namespace

Channel::~Channel()
{
    ::close(_socket);
}

void Channel::shutdown() noexcept
{
    ::shutdown(_socket, SHUT_RDWR);
}

bool Channel::send(Message type, const WordWriter& body)
{
    WordWriter whole;
    whole << static_cast<std::uint64_t>(body.bytes().size()) << type;
    whole.raw(body.bytes().data(), body.bytes().size());
    std::string_view rest = whole.bytes();
    std::lock_guard guard(_mutex);
    while (!rest.empty())
    {
        const ssize_t sent = ::send(_socket, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool Channel::readAll(void* bytes, std::size_t size)
{
    auto* next = static_cast<char*>(bytes);
    while (size > 0)
    {
        const ssize_t got = ::recv(_socket, next, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        next += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

std::optional<Channel::Received> Channel::receive()
{
    Head head{};
    if (!readAll(&head.size, sizeof head.size) || !readAll(&head.type, sizeof head.type))
        return std::nullopt;
    if (head.size > kMaxMessage) return std::nullopt;
    Received received{head.type, {}};
    // Grown as it comes: the size is a word of the other side.
    constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
    for (std::uint64_t done = 0; done < head.size;)
    {
        const auto part = std::min(kStep, head.size - done);
        received.body.resize(done + part);
        if (!readAll(received.body.data() + done, part)) return std::nullopt;
        done += part;
    }
    return received;
}

} // namespace nanomq::sandbox
