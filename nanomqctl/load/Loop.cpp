#include "load/Loop.h"

#include "load/Client.h"
#include "load/Meter.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <unistd.h>

namespace nanomq::load
{

namespace
{

constexpr std::uint64_t kSecond = 1'000'000'000;

int makeEpoll()
{
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) throw Poco::SystemException("epoll_create1", errno);
    return descriptor;
}

} // namespace

Loop::Loop() : _epoll(makeEpoll()), _nowNs(load::nowNs()), _nextPingNs(_nowNs + kSecond) {}

Loop::~Loop()
{
    ::close(_epoll);
}

void Loop::enter(Client& client)
{
    client._place = _clients.size();
    _clients.push_back(&client);
}

void Loop::leave(Client& client) noexcept
{
    _clients[client._place] = _clients.back();
    _clients[client._place]->_place = client._place;
    _clients.pop_back();
    if (client._dirty)
        std::replace(_dirty.begin(), _dirty.end(), &client, static_cast<Client*>(nullptr));
}

std::vector<std::uint8_t>& Loop::readBuffer(std::size_t size)
{
    constexpr std::size_t kUsual = std::size_t{256} << 10;
    if (_readBuffer.size() < std::max(size, kUsual)) _readBuffer.resize(std::max(size, kUsual));
    return _readBuffer;
}

void Loop::turn(std::uint64_t untilNs)
{
    std::array<epoll_event, 512> events;
    const std::uint64_t before = load::nowNs();
    const std::uint64_t left = untilNs > before ? untilNs - before : 0;
    const timespec wait{static_cast<time_t>(left / kSecond), static_cast<long>(left % kSecond)};
    const int count =
        ::epoll_pwait2(_epoll, events.data(), static_cast<int>(events.size()), &wait, nullptr);
    _nowNs = load::nowNs();
    for (int n = 0; n < count; ++n)
        static_cast<Client*>(events[n].data.ptr)->ready(events[n].events);
    if (_nowNs >= _nextPingNs)
    {
        _nextPingNs = _nowNs + kSecond;
        for (std::size_t n = 0; n < _clients.size(); ++n) _clients[n]->ping(_nowNs);
    }
    flush();
}

void Loop::flush()
{
    for (std::size_t n = 0; n < _dirty.size(); ++n)
        if (_dirty[n]) _dirty[n]->flush();
    _dirty.clear();
}

} // namespace nanomq::load
