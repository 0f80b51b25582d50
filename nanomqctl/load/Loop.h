#pragma once

#include <cstdint>
#include <vector>

namespace nanomq::load
{

class Client;

/// The epoll loop of a load: one thread, as many clients as there are descriptors.
/// Thread: the owner's.
class Loop
{
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Waits at most until `untilNs` (nowNs(); what has passed: does not wait), takes what has
    /// come, pings for those that were silent for long, and writes what the clients have sent.
    void turn(std::uint64_t untilNs);
    /// Writes it now.
    void flush();

    /// When the last turn woke up: the time of whatever it received.
    std::uint64_t nowNs() const noexcept { return _nowNs; }

private:
    friend class Client;

    void enter(Client& client);
    void leave(Client& client) noexcept;
    /// The buffer that all clients read into, at least that large.
    std::vector<std::uint8_t>& readBuffer(std::size_t size);

    const int _epoll;
    std::uint64_t _nowNs;
    std::uint64_t _nextPingNs;
    std::vector<Client*> _clients; // all of them, for pings
    std::vector<Client*> _dirty;
    std::vector<std::uint8_t> _readBuffer;
};

} // namespace nanomq::load
