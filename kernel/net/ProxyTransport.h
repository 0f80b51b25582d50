#pragma once

#include "net/Transport.h"

#include <memory>
#include <vector>

namespace nanomq
{

/// Takes the PROXY header off a connection that comes through a load balancer. Stands directly
/// on the socket; a connection that does not begin with a header is closed.
class ProxyTransport final : public Transport
{
public:
    ProxyTransport(std::unique_ptr<Transport> below, TransportCounters& counters) noexcept
        : _below(std::move(below)), _counters(counters)
    {
    }

    std::int64_t receive(std::uint8_t* buffer, std::size_t size,
                         HandshakeBudget& handshakes) override;
    std::int64_t send(const iovec* parts, int count) override { return _below->send(parts, count); }
    bool pending() const noexcept override { return _below->pending(); }
    void finish() override { _below->finish(); }
    bool established() const noexcept override { return _passed; }
    bool ended() const noexcept override { return !_failure.empty() || _below->ended(); }
    std::string_view failure() const noexcept override
    {
        return _failure.empty() ? _below->failure() : _failure;
    }
    void describe(PeerFacts& facts) const override;

private:
    std::int64_t takeHeader(std::uint8_t* buffer, std::size_t size);

    const std::unique_ptr<Transport> _below;
    TransportCounters& _counters;
    std::unique_ptr<std::vector<std::uint8_t>> _begun; // an unfinished header
    std::unique_ptr<PeerAddress> _source;
    std::string _failure;
    bool _passed = false;
};

} // namespace nanomq
