#pragma once

#include "broker/BrokerSettings.h"
#include "broker/Listing.h"
#include "broker/ObserverFilters.h"
#include "broker/PluginBroker.h"
#include "broker/Worker.h"
#include "hook/HookBus.h"
#include "net/Listener.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace nanomq
{

/// The MQTT broker: listeners, workers, and what they share.
///
///     Broker broker(settings, hooks, quiescence);
///     broker.listen("nmq-tcp", "127.0.0.1", 1883);
///     broker.start();
///     …
///     broker.stop();
///
/// Thread: [main], but for figures(), listing() and plugins().
class Broker
{
public:
    Broker(const BrokerSettings& settings, HookBus& hooks, Quiescence& quiescence);
    /// Stops, if nobody has.
    ~Broker();
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;

    /// Binds a listener; nothing is accepted before start(). Throws Poco::Net::NetException that
    /// names the address.
    void listen(const std::string& scheme, const std::string& host, std::uint16_t port);
    /// Starts the workers, and tells broker.started.
    void start();
    /// Tells broker.stopping, accepts no more, disconnects every client (0x8B), ends the workers.
    void stop();

    /// With the ports that were bound.
    std::vector<std::string> listenerUrls() const;

    unsigned workers() const noexcept { return _state.settings.workers; }

    /// Added up over all workers. Thread: [any].
    BrokerFigures figures() const;
    /// Clients, sessions and subscriptions, page by page. Thread: any but a worker.
    Listing& listing() noexcept { return _listing; }
    /// The interface nanomq.broker/1.
    sdk::Broker& plugins() noexcept { return _plugins; }

private:
    /// Runs `call` on every worker and waits until all have.
    template <class Call> void onEveryWorker(Call call);

    BrokerState _state;
    ObserverFilters _observers;
    PluginBroker _plugins;
    Listing _listing;
    std::vector<std::unique_ptr<Listener>> _listeners;
    std::vector<std::thread> _threads;
};

} // namespace nanomq
