#pragma once

#include "broker/Worker.h"
#include "nanomq/transports.h"
#include "net/Listener.h"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace nanomq
{

/// Connections that plugins bring: the interface nanomq.transports/1. Thread: [any].
class PluginTransports final : public sdk::Transports
{
public:
    /// @param transports, listeners  the broker's, which outlive this; `listeners` does not change
    ///                               once plugins are loaded.
    PluginTransports(BrokerState& broker, const nanomq::Transports& transports,
                     const std::vector<std::unique_ptr<Listener>>& listeners) noexcept
        : _broker(broker), _transports(transports), _listeners(listeners)
    {
    }

    sdk::Status door(sdk::Str url, std::uint64_t* door) override;
    sdk::Status accept(std::uint64_t door, int descriptor, sdk::Str peerAddress,
                       std::uint16_t peerPort) override;

private:
    static constexpr std::size_t kMaximumDoors = 64;
    static constexpr std::size_t kMaximumWaiting = 1'024;
    static constexpr std::size_t kMaximumUrlBytes = 255;

    const Listener* find(std::uint64_t door) const;

    BrokerState& _broker;
    const nanomq::Transports& _transports;
    const std::vector<std::unique_ptr<Listener>>& _listeners;
    std::atomic<std::size_t> _waiting{0};
    std::atomic<std::uint32_t> _next{0}; // worker
    mutable std::mutex _mutex;           // guards _doors
    std::deque<Listener> _doors;         // for good: clients refer to them
};

} // namespace nanomq
