#include "http/Patience.h"

#include <Poco/Exception.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace http
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

} // namespace http
