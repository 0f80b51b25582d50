#include "broker/Broker.h"

#include <Poco/Exception.h>

#include <latch>
#include <utility>

namespace nanomq
{

Broker::Broker(const BrokerSettings& settings, HookBus& hooks, Quiescence& quiescence)
    : _state(settings, hooks, quiescence),
      _observers(_state.subscriptions),
      _plugins(_state),
      _listing(_state),
      _query(_listing, _listeners)
{
    std::vector<HookBus::Worker> attached;
    for (unsigned number = 0; number < settings.workers; ++number)
    {
        auto& worker = *_state.workers.emplace_back(std::make_unique<Worker>(_state, number));
        attached.push_back({&worker.loop().mailbox(), &worker.loop().timers()});
    }
    hooks.attach(attached, _observers);
}

Broker::~Broker()
{
    stop();
}

void Broker::listen(ListenerSettings settings)
{
    auto& listener = *_listeners.emplace_back(
        std::make_unique<Listener>(std::move(settings), _transports));
    for (auto& worker : _state.workers) worker->listen(listener);
}

void Broker::start()
{
    for (auto& worker : _state.workers)
        _threads.emplace_back([loop = &worker->loop()] { loop->run(); });
    _state.running = true;
    Worker& first = *_state.workers.front();
    first.loop().mailbox().post([&first] { first.tell(sdk::BrokerStarted{}, {}); });
}

template <class Call> void Broker::onEveryWorker(Call call)
{
    struct Done
    {
        ~Done() { latch.count_down(); } // also when the call throws
        std::latch& latch;
    };
    std::latch latch(static_cast<std::ptrdiff_t>(_state.workers.size()));
    for (auto& worker : _state.workers)
        worker->loop().mailbox().post([&call, &latch, worker = worker.get()] {
            const Done done{latch};
            call(*worker);
        });
    latch.wait();
}

void Broker::stop()
{
    if (_threads.empty()) return;
    _state.running = false; // who waits for a listing gives up
    onEveryWorker([](Worker& worker) {
        if (worker.number() == 0) worker.tell(sdk::BrokerStopping{}, {});
        worker.stopAccepting();
        worker.disconnectAll();
    });
    // Connections that were on their way to another worker have arrived there by now, and were
    // disconnected.
    onEveryWorker([](Worker&) {});
    for (auto& worker : _state.workers) worker->loop().stop();
    for (auto& thread : _threads) thread.join();
    _threads.clear();
    _state.hooks.detach();
    _state.quiescence.reclaim(); // closes the last connections' descriptors
}

std::vector<std::string> Broker::reloadCertificates()
{
    std::vector<std::string> problems;
    for (const auto& listener : _listeners)
    {
        try
        {
            listener->transports().reload();
        }
        catch (const Poco::Exception& error)
        {
            problems.push_back(listener->url() + ": " + error.displayText());
        }
    }
    return problems;
}

std::vector<std::string> Broker::listenerUrls() const
{
    std::vector<std::string> urls;
    for (const auto& listener : _listeners) urls.push_back(listener->url());
    return urls;
}

BrokerFigures Broker::figures() const
{
    BrokerFigures figures;
    for (const auto& worker : _state.workers)
    {
        const WorkerCounters& counters = worker->counters();
        figures.connections += counters.connections.value();
        figures.sessions += counters.sessions.value();
        figures.connectsAccepted += counters.connectsAccepted.value();
        figures.connectsRefused += counters.connectsRefused.value();
        figures.disconnects += counters.disconnects.value();
        figures.socketsAccepted += counters.socketsAccepted.value();
        figures.sessionsExpired += counters.sessionsExpired.value();
        figures.packetsReceived += counters.packetsReceived.value();
        figures.packetsSent += counters.answersSent.value();
        figures.bytesSent += worker->turn().sent();
        figures.payloadBytesReceived += counters.payloadBytesReceived.value();
        figures.payloadBytesSent += counters.payloadBytesSent.value();
        figures.bytesReceived += counters.bytesReceived.value();
        figures.messagesReceived += counters.messagesReceived.value();
        figures.messagesSent += counters.messagesSent.value();
        figures.messagesQueued += counters.messagesQueued.value();
        figures.messagesRefused += counters.messagesRefused.value();
        figures.malformedPackets += counters.malformedPackets.value();
        figures.messagesUnacknowledged += counters.messagesUnacknowledged.value();
        figures.bansMade += counters.bansMade.value();
        figures.workerFailures += worker->loop().failures();
        for (std::size_t result = 0; result < counters.dropped.size(); ++result)
            figures.dropped[result] += counters.dropped[result].value();
        for (std::size_t limit = 0; limit < counters.limits.size(); ++limit)
            figures.limits[limit] += counters.limits[limit].value();
    }
    figures.bans = _state.bans.size();
    figures.alarms = _state.alarms.activeCount();
    figures.memory = _state.memory.used();
    figures.memoryLimit = _state.memory.limit();
    figures.memoryLevel = static_cast<std::uint64_t>(_state.memory.level());
    figures.connectMemory = _state.connectMemory.load(std::memory_order_relaxed);
    figures.messagesSent += _state.outbound.sentFromQueue.load(std::memory_order_relaxed);
    figures.payloadBytesSent +=
        _state.outbound.payloadBytesFromQueue.load(std::memory_order_relaxed);
    figures.packetsSent += figures.messagesSent;
    figures.messagesWaiting = _state.outbound.waiting.value();
    figures.messagesWaitingBytes = _state.outbound.waitingBytes.value();
    figures.messagesExpired = _state.outbound.expiredInQueue.load(std::memory_order_relaxed);
    figures.dropped[static_cast<std::size_t>(DeliveryResult::PacketTooLarge)] +=
        _state.outbound.tooLargeInQueue.load(std::memory_order_relaxed);
    figures.subscriptions = _state.subscriptions.subscriptions();
    figures.sharedSubscriptions = _state.subscriptions.sharedSubscriptions();
    figures.topicFilters = _state.subscriptions.filters();
    figures.retained = _state.retained.count();
    figures.retainedBytes = _state.retained.bytes();
    return figures;
}

TimeHistogram::Counts Broker::messageLatency() const
{
    TimeHistogram::Counts counts{};
    for (const auto& worker : _state.workers) worker->latency().messages().addTo(counts);
    return counts;
}

TimeHistogram::Counts Broker::connectLatency() const
{
    TimeHistogram::Counts counts{};
    for (const auto& worker : _state.workers) worker->latency().connects().addTo(counts);
    return counts;
}

} // namespace nanomq
