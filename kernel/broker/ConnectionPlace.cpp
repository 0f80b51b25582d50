#include "broker/ConnectionPlace.h"

#include "broker/Client.h"
#include "broker/Worker.h"

#include <utility>

namespace nanomq
{

namespace
{

/// What a connection costs before anything has come: its objects, and what the allocator adds.
constexpr std::size_t kStrangerBytes =
    sizeof(Connection) + sizeof(Client) + 512; // Client's origin, texts

} // namespace

std::optional<Limit> ConnectionPlace::take() noexcept
{
    const auto& settings = _broker.settings;
    _taken = true;
    const bool hasPlace = _listener.enter();
    if (_broker.connections.fetch_add(1, std::memory_order_relaxed) >=
            settings.maximumConnections &&
        settings.maximumConnections > 0)
        return Limit::Connections;
    if (!hasPlace) return Limit::ListenerConnections;
    if (!charge(kStrangerBytes + _listener.transports().memoryPerConnection()))
        return Limit::ConnectMemory;
    return std::nullopt;
}

std::optional<Limit> ConnectionPlace::takeAddress(std::string_view address)
{
    const std::size_t maximum = _listener.settings().maximumPerAddress;
    if (maximum == 0 || _listener.settings().host.empty()) return std::nullopt;
    auto kept = std::make_unique<std::string>(address);
    if (!_broker.addresses.enter(address, maximum)) return Limit::AddressConnections;
    _address = std::move(kept);
    return std::nullopt;
}

bool ConnectionPlace::charge(std::size_t bytes) noexcept
{
    auto& held = _broker.connectMemory;
    const std::size_t before = held.fetch_add(bytes, std::memory_order_relaxed);
    _charged += bytes;
    const std::size_t maximum = _broker.settings.connectMemory;
    return maximum == 0 || before + bytes <= maximum;
}

bool ConnectionPlace::keep(std::size_t bytes) noexcept
{
    const std::size_t base = kStrangerBytes + _listener.transports().memoryPerConnection();
    const std::size_t now = base + bytes;
    if (now > _charged) return charge(now - _charged);
    _broker.connectMemory.fetch_sub(_charged - now, std::memory_order_relaxed);
    _charged = now;
    return true;
}

void ConnectionPlace::letIn() noexcept
{
    _broker.connectMemory.fetch_sub(std::exchange(_charged, 0), std::memory_order_relaxed);
}

void ConnectionPlace::giveBack() noexcept
{
    letIn();
    if (_address) _broker.addresses.leave(*_address);
    _address.reset();
    if (!std::exchange(_taken, false)) return;
    _broker.connections.fetch_sub(1, std::memory_order_relaxed);
    _listener.leave();
}

} // namespace nanomq
