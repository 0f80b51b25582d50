#pragma once

#include "app/Startup.h"
#include "broker/Broker.h"
#include "nanomq/admin.h"

#include <functional>
#include <mutex>

namespace nanomq
{

/// The broker as an administrator sees it: the interface nanomq.broker_admin/1. Thread: [any].
class BrokerAdministration final : public sdk::BrokerAdmin
{
public:
    using Action = std::function<void()>;

    /// @param stop, restart  return at once; what they ask for happens on another thread.
    BrokerAdministration(Broker& broker, const Startup& startup, Action stop, Action restart);

    sdk::Status info(Info* info) override;
    sdk::Status stop() override;
    sdk::Status restart() override;
    sdk::Status configure(sdk::Str plugin, const Setting* settings, std::uint32_t count,
                          Text* problem) override;
    sdk::Status settings(SettingVisitor* visitor) override;
    sdk::Status setLogLevel(sdk::Str level) override;
    sdk::Str logLevel() override;

private:
    Broker& _broker;
    const Startup& _startup;
    const Action _stop;
    const Action _restart;
    const UnixMs _startedAt = unixNow();
    std::mutex _writing; // one at a time changes files
};

} // namespace nanomq
