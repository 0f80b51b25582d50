#pragma once

#include "broker/BrokerSettings.h"
#include "broker/Explainer.h"
#include "broker/Listing.h"
#include "broker/ObserverFilters.h"
#include "broker/PluginBroker.h"
#include "broker/PluginQuery.h"
#include "broker/PluginTransports.h"
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
///     broker.listen(settings);
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

    /// Which transports listeners may have; add others before listen().
    Transports& transports() noexcept { return _transports; }
    /// Binds a listener; nothing is accepted before start(). Throws what Listener() throws.
    void listen(ListenerSettings settings);
    /// Reads certificates, keys and revocation lists again, for connections to come; those that
    /// stand stay. Returns what is wrong with them, one sentence each: such a listener goes on
    /// with what it had. Thread: [any].
    std::vector<std::string> reloadCertificates();
    /// Starts the workers, and tells broker.started.
    void start();
    /// Tells broker.stopping, accepts no more, disconnects every client (0x8B), ends the workers.
    void stop();

    /// With the ports that were bound.
    std::vector<std::string> listenerUrls() const;

    unsigned workers() const noexcept { return _state.settings.workers; }

    /// Added up over all workers. Thread: [any].
    BrokerFigures figures() const;
    /// Both added up over all workers, by TimeHistogram's buckets. Thread: [any].
    TimeHistogram::Counts messageLatency() const;
    TimeHistogram::Counts connectLatency() const;
    const TransportCounters& transportCounters() const noexcept { return _transportCounters; }
    /// Clients, sessions and subscriptions, page by page. Thread: any but a worker.
    Listing& listing() noexcept { return _listing; }
    /// Who may not come in, and what is wrong. Thread: [any].
    BanList& bans() noexcept { return _state.bans; }
    AlarmList& alarms() noexcept { return _state.alarms; }
    /// What would happen if. Thread: any but a worker.
    Explainer& explainer() noexcept { return _explainer; }
    /// The interface nanomq.broker/1.
    sdk::Broker& plugins() noexcept { return _plugins; }
    /// The interface nanomq.client_admin/1.
    sdk::ClientAdmin& clientAdmin() noexcept { return _plugins; }
    /// The interface nanomq.query/1.
    sdk::Query& query() noexcept { return _query; }
    /// The interface nanomq.transports/1.
    sdk::Transports& pluginTransports() noexcept { return _pluginTransports; }

private:
    /// Runs `call` on every worker and waits until all have.
    template <class Call> void onEveryWorker(Call call);

    TransportCounters _transportCounters;
    Transports _transports{_transportCounters};
    BrokerState _state;
    ObserverFilters _observers;
    PluginBroker _plugins;
    Listing _listing;
    Explainer _explainer{_state};
    std::vector<std::unique_ptr<Listener>> _listeners;
    PluginQuery _query;
    PluginTransports _pluginTransports{_state, _transports, _listeners};
    std::vector<std::thread> _threads;
};

} // namespace nanomq
