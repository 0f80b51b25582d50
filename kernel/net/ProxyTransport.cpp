#include "net/ProxyTransport.h"

#include "net/ProxyHeader.h"

#include <cerrno>
#include <cstring>

namespace nanomq
{

std::int64_t ProxyTransport::receive(std::uint8_t* buffer, std::size_t size,
                                     HandshakeBudget& handshakes)
{
    if (_passed) return _below->receive(buffer, size, handshakes);
    // What has arrived of the header goes in front again; it is never long.
    const std::size_t before = _begun ? _begun->size() : 0;
    const auto got = _below->receive(buffer + before, size - before, handshakes);
    if (got <= 0) return got;
    if (before > 0) std::memcpy(buffer, _begun->data(), before);
    return takeHeader(buffer, before + static_cast<std::size_t>(got));
}

std::int64_t ProxyTransport::takeHeader(std::uint8_t* buffer, std::size_t size)
{
    const ProxyReading reading = readProxyHeader({buffer, size});
    switch (reading.state)
    {
    case ProxyReading::State::Malformed:
        _failure = "PROXY protocol: " + std::string(reading.problem);
        _counters.proxyHeadersRefused.fetch_add(1, std::memory_order_relaxed);
        errno = EPROTO;
        return -1;
    case ProxyReading::State::Incomplete:
        _begun = std::make_unique<std::vector<std::uint8_t>>(buffer, buffer + size);
        errno = EAGAIN;
        return -1;
    case ProxyReading::State::Complete: break;
    }
    _passed = true;
    _begun.reset();
    if (reading.header.source) _source = std::make_unique<PeerAddress>(*reading.header.source);
    const std::size_t rest = size - reading.header.size;
    if (rest == 0)
    {
        errno = EAGAIN;
        return -1;
    }
    std::memmove(buffer, buffer + reading.header.size, rest);
    return static_cast<std::int64_t>(rest);
}

void ProxyTransport::describe(PeerFacts& facts) const
{
    _below->describe(facts);
    if (_source) facts.source = *_source;
}

} // namespace nanomq
