#pragma once

#include "broker/Worker.h"
#include "nanomq/services.h"

#include <atomic>

namespace nanomq
{

/// The broker as plugins reach it: the interfaces nanomq.broker/1 and nanomq.client_admin/1.
/// Thread: [any].
class PluginBroker final : public sdk::Broker, public sdk::ClientAdmin
{
public:
    explicit PluginBroker(BrokerState& broker) noexcept : _broker(broker) {}

    sdk::Status publish(const Publication* publication) override;
    sdk::Status kick(sdk::Str clientId, sdk::ReasonCode reason) override;
    sdk::Status message(const sdk::Message* message, sdk::MessagePublished* view) override;
    sdk::Status reauthorize(sdk::Str clientId) override;
    sdk::Status subscribe(sdk::Str clientId, sdk::Str topicFilter, std::uint8_t qos) override;
    sdk::Status unsubscribe(sdk::Str clientId, sdk::Str topicFilter) override;

private:
    /// Posts what is to be done with a client that is connected.
    template <class Act>
    sdk::Status onBehalf(sdk::Str clientId, sdk::Str topicFilter, Act act);

    /// Messages handed over and not routed yet; more are refused.
    static constexpr std::size_t kMaximumWaiting = 100'000;
    static constexpr std::size_t kMaximumWaitingBytes = 256 * 1024 * 1024;

    BrokerState& _broker;
    std::atomic<std::size_t> _waiting{0};
    std::atomic<std::size_t> _waitingBytes{0};
};

} // namespace nanomq
