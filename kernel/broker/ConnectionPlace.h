#pragma once

#include "broker/Limits.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace nanomq
{

struct BrokerState;
class Listener;

/// One connection's place in all that counts connections: those of the broker, of the listener,
/// of the address; and, until its CONNECT is accepted, in the memory that is set aside for
/// strangers. Given back at the end, whoever ends it. Thread: [worker].
class ConnectionPlace
{
public:
    ConnectionPlace(BrokerState& broker, const Listener& listener) noexcept
        : _broker(broker), _listener(listener)
    {
    }
    ~ConnectionPlace() { giveBack(); }
    ConnectionPlace(const ConnectionPlace&) = delete;
    ConnectionPlace& operator=(const ConnectionPlace&) = delete;

    /// Takes it, but for the address. What stands in the way, or nothing; giveBack() in any case.
    std::optional<Limit> take() noexcept;
    /// Takes the place at its address, as soon as that is known for sure. Once.
    std::optional<Limit> takeAddress(std::string_view address);

    /// What has been received of a stranger's CONNECT and is kept, in bytes. False: all strangers
    /// together hold too much.
    [[nodiscard]] bool keep(std::size_t bytes) noexcept;
    /// It is a stranger no more.
    void letIn() noexcept;

    void giveBack() noexcept;

private:
    bool charge(std::size_t bytes) noexcept;

    BrokerState& _broker;
    const Listener& _listener;
    std::unique_ptr<std::string> _address; // if it counts there
    std::size_t _charged = 0;              // of the strangers' memory
    bool _taken = false;
};

} // namespace nanomq
