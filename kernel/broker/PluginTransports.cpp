#include "broker/PluginTransports.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

bool isUrl(std::string_view url) noexcept
{
    const auto end = url.find("://");
    return end != std::string_view::npos && end > 0 && end + 3 < url.size() &&
           std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

/// Whether MQTT can be spoken over it, and only it; makes it as the event loop wants it.
bool prepare(int descriptor) noexcept
{
    int type = 0;
    socklen_t size = sizeof type;
    sockaddr_storage peer{};
    socklen_t peerSize = sizeof peer;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_STREAM &&
           ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &peerSize) == 0 &&
           ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0 &&
           ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

} // namespace

sdk::Status PluginTransports::door(sdk::Str url, std::uint64_t* door)
{
    const std::string text(url.view());
    if (!door || text.size() > kMaximumUrlBytes || !isUrl(text)) return -EINVAL;
    const std::string scheme = text.substr(0, text.find("://"));
    if (_transports.has(scheme)) return -EINVAL;
    for (const auto& listener : _listeners)
        if (listener->url() == text) return -EEXIST;
    const std::lock_guard lock(_mutex);
    const auto known = std::find_if(_doors.begin(), _doors.end(),
                                    [&text](const Listener& one) { return one.url() == text; });
    if (known == _doors.end() && _doors.size() >= kMaximumDoors) return -ENOSPC;
    *door = static_cast<std::uint64_t>(known - _doors.begin()) + 1;
    if (known == _doors.end()) _doors.emplace_back(text);
    return 0;
}

const Listener* PluginTransports::find(std::uint64_t door) const
{
    const std::lock_guard lock(_mutex);
    return door == 0 || door > _doors.size() ? nullptr : &_doors[door - 1];
}

sdk::Status PluginTransports::accept(std::uint64_t door, int descriptor, sdk::Str peerAddress,
                                     std::uint16_t peerPort)
{
    constexpr std::size_t kMaximumPeerBytes = 255;
    const auto refuse = [descriptor](sdk::Status why) {
        if (descriptor >= 0) ::close(descriptor);
        return why;
    };
    const Listener* const from = find(door);
    if (!from || !prepare(descriptor)) return refuse(-EINVAL);
    if (!_broker.running.load(std::memory_order_acquire)) return refuse(-ECANCELED);
    if (_waiting.fetch_add(1, std::memory_order_relaxed) >= kMaximumWaiting)
    {
        _waiting.fetch_sub(1, std::memory_order_relaxed);
        return refuse(-ENOBUFS);
    }
    PeerAddress peer{std::string(peerAddress.view().substr(0, kMaximumPeerBytes)), peerPort};
    Worker& worker = *_broker.workers[_next.fetch_add(1, std::memory_order_relaxed) %
                                      _broker.workers.size()];
    // Closes the socket should the worker never come to it.
    struct Socket
    {
        explicit Socket(int number) noexcept : descriptor(number) {}
        Socket(Socket&& other) noexcept : descriptor(std::exchange(other.descriptor, -1)) {}
        ~Socket()
        {
            if (descriptor >= 0) ::close(descriptor);
        }
        int descriptor;
    };
    worker.loop().mailbox().post(
        [this, &worker, from, peer = std::move(peer), socket = Socket(descriptor)]() mutable {
            _waiting.fetch_sub(1, std::memory_order_relaxed);
            worker.accepted(std::exchange(socket.descriptor, -1), *from, std::move(peer));
        });
    return 0;
}

} // namespace nanomq
