#include "control/UnixStream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace nanomq
{

void Descriptor::reset(int number) noexcept
{
    if (_number >= 0) ::close(_number);
    _number = number;
}

int Descriptor::release() noexcept
{
    return std::exchange(_number, -1);
}

sockaddr_un unixAddress(const std::string& path) noexcept
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    return address;
}

UnixStream::UnixStream(Descriptor socket, std::size_t maximumLine) noexcept
    : _socket(std::move(socket)),
      _maximumLine(maximumLine)
{
}

UnixStream::Read UnixStream::readLine(std::string& line, MonotonicMs until)
{
    for (;;)
    {
        const std::size_t end = _buffer.find('\n', _scanned);
        if (end != std::string::npos)
        {
            if (end - _begin > _maximumLine) return Read::TooLong;
            line.assign(_buffer, _begin, end - _begin);
            _begin = _scanned = end + 1;
            return Read::Line;
        }
        _scanned = _buffer.size();
        if (_buffer.size() - _begin > _maximumLine) return Read::TooLong;
        if (const Read result = receive(until); result != Read::Line) return result;
    }
}

UnixStream::Read UnixStream::receive(MonotonicMs until)
{
    constexpr std::size_t kPiece = std::size_t{64} << 10;

    _buffer.erase(0, _begin);
    _scanned -= _begin;
    _begin = 0;

    for (;;)
    {
        const MonotonicMs left =
            until == kNever ? -1 : std::max<MonotonicMs>(until - monotonicNow(), 0);
        pollfd ready{_socket.get(), POLLIN, 0};
        const int count =
            ::poll(&ready, 1, static_cast<int>(std::min<MonotonicMs>(left, 3'600'000)));
        if (count < 0 && errno != EINTR) return Read::End;
        if (count > 0) break;
        if (until != kNever && monotonicNow() >= until) return Read::Timeout;
    }
    const std::size_t filled = _buffer.size();
    _buffer.resize(filled + kPiece);
    ssize_t received = 0;
    do received = ::recv(_socket.get(), _buffer.data() + filled, kPiece, 0);
    while (received < 0 && errno == EINTR);
    _buffer.resize(filled + static_cast<std::size_t>(std::max<ssize_t>(received, 0)));
    return received > 0 ? Read::Line : Read::End;
}

bool UnixStream::hasInput() const noexcept
{
    pollfd ready{_socket.get(), POLLIN, 0};
    return _begin < _buffer.size() || ::poll(&ready, 1, 0) > 0;
}

bool UnixStream::send(std::string_view bytes) noexcept
{
    while (!bytes.empty())
    {
        const ssize_t sent = ::send(_socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void UnixStream::endReading() const noexcept
{
    ::shutdown(_socket.get(), SHUT_RD);
}

void UnixStream::end() const noexcept
{
    ::shutdown(_socket.get(), SHUT_RDWR);
}

} // namespace nanomq
