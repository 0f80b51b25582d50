#pragma once

#include "nanomq/events.h"

#include <chrono>
#include <string>
#include <thread>
#include <utility>

namespace nanomq::sdk::testing
{

using namespace std::chrono_literals;

/// Waits until `condition()` holds, looking every millisecond. False when the time was over first.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = 10s)
{
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition())
    {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// A ClientInfo with the texts it shows.
class FakeClient
{
public:
    explicit FakeClient(std::string clientId) : _clientId(std::move(clientId))
    {
        _info.size = sizeof _info;
        _info.protocolVersion = 4;
        _info.cleanStart = 1;
        _info.keepAliveSeconds = 60;
        _info.peerPort = 50'000;
        _info.connectedAtMs = 1'650'609'266'000;
        _info.clientId = _clientId;
        _info.peerAddress = "192.0.2.7";
        _info.listener = "nmq-tcp://127.0.0.1:1883";
    }
    FakeClient(std::string clientId, std::string userName) : FakeClient(std::move(clientId))
    {
        _userName = std::move(userName);
        _info.hasUserName = 1;
        _info.userName = _userName;
    }
    FakeClient(const FakeClient&) = delete;
    FakeClient& operator=(const FakeClient&) = delete;

    ClientInfo& info() noexcept { return _info; } ///< to be changed before use
    const ClientInfo* get() const noexcept { return &_info; }

private:
    std::string _clientId;
    std::string _userName;
    ClientInfo _info{};
};

/// An event with its header filled in; its own fields are zero.
template <class Event> Event event()
{
    Event result{};
    result.header.size = sizeof result;
    result.header.point = Event::kPoint;
    result.header.timeMs = 1'650'609'267'123;
    result.header.id = 1;
    return result;
}
template <class Event> Event event(const FakeClient& client)
{
    Event result = event<Event>();
    result.client = client.get();
    return result;
}

} // namespace nanomq::sdk::testing
