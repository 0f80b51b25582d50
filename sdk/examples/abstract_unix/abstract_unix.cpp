// A transport: MQTT over Unix sockets in the abstract namespace.

#include "nanomq/plugin_base.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace nanomq::sdk;

class AbstractUnix final : public PluginBase
{
public:
    ~AbstractUnix() override
    {
        if (_listener >= 0) ::close(_listener);
    }

private:
    static constexpr int kBacklog = 128;
    static constexpr int kLookEveryMs = 100; // whether the thread is to stop

    void onInit() override
    {
        const std::string name = configText("abstract_unix.name", "nanomq");
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        // A NUL in front makes it abstract; the name is not terminated.
        if (name.empty() || name.size() >= sizeof address.sun_path)
            throw std::runtime_error("abstract_unix.name: expected 1 to 107 bytes");
        std::memcpy(address.sun_path + 1, name.data(), name.size());
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
        _listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (_listener < 0 ||
            ::bind(_listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
            ::listen(_listener, kBacklog) != 0)
            throw std::runtime_error("abstract://" + name + ": " + std::strerror(errno));
        _transports = &get<Transports>();
        if (_transports->door("abstract://" + name, &_door) != 0)
            throw std::runtime_error("abstract://" + name + " cannot be a door");
    }

    void onStart() override
    {
        if (get<Tasks>().thread("accept", &AbstractUnix::run, this) != 0)
            throw std::runtime_error("no thread to accept on");
    }

    static void run(void* self, Tasks::Stop* stop)
    {
        while (!stop->requested()) static_cast<AbstractUnix*>(self)->acceptSome();
    }
    void acceptSome()
    {
        pollfd wait{_listener, POLLIN, 0};
        if (::poll(&wait, 1, kLookEveryMs) <= 0) return;
        const int client = ::accept4(_listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        // It is the broker's from here on, whatever comes of it.
        if (const Status status = _transports->accept(_door, client, "local", 0); status != 0)
            host().log(LogLevel::Warning,
                       std::string("a client was refused: ") + std::strerror(-status));
    }

    Transports* _transports = nullptr;
    std::uint64_t _door = 0;
    int _listener = -1;
};

// Its name can be taken once, so old and new version cannot live side by side.
NANOMQ_PLUGIN(AbstractUnix, "abstract_unix", "1.0.0", 0)
