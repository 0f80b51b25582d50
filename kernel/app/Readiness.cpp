#include "app/Readiness.h"

#include <Poco/Exception.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

void notifyServiceManager()
{
    const char* const path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    if (!path || std::strlen(path) >= sizeof address.sun_path) return;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path, std::strlen(path));
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0'; // abstract
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return;
    constexpr std::string_view kReady = "READY=1";
    const auto size =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
    ::sendto(descriptor, kReady.data(), kReady.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), size);
    ::close(descriptor);
}

/// Reads until the other process lets go; whether it said that it is ready.
bool waitForReady(int pipe)
{
    std::array<char, 16> bytes;
    bool ready = false;
    while (true)
    {
        const auto got = ::read(pipe, bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return ready;
        ready = true;
    }
}

} // namespace

Readiness::~Readiness()
{
    if (_pipe >= 0) ::close(_pipe);
}

void Readiness::goToBackground()
{
    std::array<int, 2> ends;
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Poco::SystemException("pipe2", errno);
    const pid_t child = ::fork();
    if (child < 0) throw Poco::SystemException("fork", errno);
    if (child > 0)
    {
        ::close(ends[1]);
        ::_exit(waitForReady(ends[0]) ? 0 : 1);
    }
    ::close(ends[0]);
    ::setsid();
    _pipe = ends[1];
}

void Readiness::tell(const std::string& listenerUrls)
{
    std::printf("nanomq ready %s\n", listenerUrls.c_str());
    std::fflush(stdout);
    notifyServiceManager();
    if (_pipe < 0) return;
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int descriptor : {0, 1, 2}) ::dup2(null, descriptor);
    ::close(null);
    [[maybe_unused]] const auto told = ::write(_pipe, "r", 1);
    ::close(_pipe);
    _pipe = -1;
}

} // namespace nanomq
