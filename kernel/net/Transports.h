#pragma once

#include "net/ListenerSettings.h"
#include "net/Transport.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nanomq
{

/// Makes the transports of a listener's connections.
class TransportFactory
{
public:
    virtual ~TransportFactory() = default;

    /// For a connection that was accepted; null: none is needed, the socket is spoken to as it
    /// is. Thread: [worker], any.
    virtual std::unique_ptr<Transport> make(int descriptor) = 0;
    /// Reads the files it depends on again, for connections to come. Throws what loading throws,
    /// and goes on with what it has then. Thread: [any].
    virtual void reload() {}
    /// What a connection's transports hold before CONNECT is accepted, in bytes, at most, or about
    /// that: it is counted against the memory for clients that nobody knows yet. Thread: [any].
    virtual std::size_t memoryPerConnection() const noexcept { return 0; }
    /// Whether url() of a listener shows the path.
    virtual bool hasPath() const noexcept { return false; }
};

/// The transports there are, by URL scheme: nmq-tcp and mqtt-tcp (none), tls+nmq-tcp and
/// tls+mqtt-tcp, nmq-ws, nmq-wss, unix, and what is added. Thread: [main].
class Transports
{
public:
    using Maker = std::function<std::unique_ptr<TransportFactory>(const ListenerSettings&)>;

    /// @param counters  outlives the factories.
    explicit Transports(TransportCounters& counters);

    /// Adds a scheme, or replaces it.
    void add(std::string scheme, Maker maker);
    /// Whether a scheme is known. Thread: [any], once all are added.
    bool has(const std::string& scheme) const { return _makers.contains(scheme); }
    /// The factory of a listener. Throws Poco::Net::NetException for a scheme that nobody has,
    /// and Poco::Net::SSLContextException when certificates or keys cannot be loaded.
    std::unique_ptr<TransportFactory> factoryFor(const ListenerSettings& settings) const;

private:
    std::map<std::string, Maker> _makers;
};

} // namespace nanomq
