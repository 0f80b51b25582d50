#include "net/Transports.h"

#include "net/ProxyTransport.h"
#include "net/TlsTransport.h"
#include "net/WebSocketTransport.h"

#include <Poco/Net/NetException.h>

#include <mutex>
#include <utility>

namespace nanomq
{

namespace
{

/// All transports that are the kernel's own: any of a PROXY header, TLS and WebSocket.
class KernelTransports final : public TransportFactory
{
public:
    KernelTransports(const ListenerSettings& settings, bool tls, bool webSocket,
                     TransportCounters& counters)
        : _proxy(settings.proxyProtocol),
          _isTls(tls),
          _path(webSocket ? settings.path : std::string()),
          _tls(settings.tls),
          _counters(counters)
    {
        if (tls) _context = std::make_shared<const TlsContext>(_tls, _tickets);
    }

    std::unique_ptr<Transport> make(int descriptor) override
    {
        const auto context = currentContext();
        if (!_proxy && !context && _path.empty()) return {};
        std::unique_ptr<Transport> top = std::make_unique<SocketTransport>(descriptor);
        if (_proxy) top = std::make_unique<ProxyTransport>(std::move(top), _counters);
        if (context) top = std::make_unique<TlsTransport>(std::move(top), context, _counters);
        if (!_path.empty())
            top = std::make_unique<WebSocketTransport>(std::move(top), _path, _counters);
        return top;
    }

    void reload() override
    {
        if (!currentContext()) return;
        auto fresh = std::make_shared<const TlsContext>(_tls, _tickets);
        // A ticket stands for a certificate that was checked: by the old authority, against the
        // old revocations.
        if (_tls.verifyPeer) _tickets.renew();
        std::lock_guard guard(_mutex);
        _context = std::move(fresh);
    }

    std::size_t memoryPerConnection() const noexcept override
    {
        return (_proxy ? kProxyBytes : 0) + (_isTls ? kTlsBytes : 0) +
               (_path.empty() ? 0 : kWebSocketBytes);
    }

    bool hasPath() const noexcept override { return !_path.empty(); }

private:
    // The longest PROXY header and request for a WebSocket, with their objects; and what OpenSSL
    // holds in the middle of a handshake.
    static constexpr std::size_t kProxyBytes = 4 * 1024 + 512;
    static constexpr std::size_t kWebSocketBytes = 8 * 1024 + 512;
    static constexpr std::size_t kTlsBytes = 40 * 1024;


    std::shared_ptr<const TlsContext> currentContext() const
    {
        std::lock_guard guard(_mutex);
        return _context;
    }

    const bool _proxy;
    const bool _isTls;
    const std::string _path;
    const TlsSettings _tls;
    TransportCounters& _counters;
    TlsTicketKeys _tickets;
    mutable std::mutex _mutex; // guards _context
    std::shared_ptr<const TlsContext> _context;
};

} // namespace

Transports::Transports(TransportCounters& counters)
{
    struct Known
    {
        const char* scheme;
        bool tls;
        bool webSocket;
    };
    static constexpr Known kKnown[] = {
        {"nmq-tcp", false, false},     {"mqtt-tcp", false, false}, {"tls+nmq-tcp", true, false},
        {"tls+mqtt-tcp", true, false}, {"nmq-ws", false, true},    {"nmq-wss", true, true},
        {"unix", false, false},
    };
    for (const auto& known : kKnown)
        add(known.scheme, [&counters, known](const ListenerSettings& settings) {
            return std::make_unique<KernelTransports>(settings, known.tls, known.webSocket,
                                                      counters);
        });
}

void Transports::add(std::string scheme, Maker maker)
{
    _makers.insert_or_assign(std::move(scheme), std::move(maker));
}

std::unique_ptr<TransportFactory> Transports::factoryFor(const ListenerSettings& settings) const
{
    const auto found = _makers.find(settings.scheme);
    if (found == _makers.end())
        throw Poco::Net::NetException("no transport for " + settings.scheme + ":// is available");
    return found->second(settings);
}

} // namespace nanomq
