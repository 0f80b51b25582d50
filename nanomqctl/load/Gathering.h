#pragma once

#include "load/Client.h"
#include "load/Histogram.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace nanomq::load
{

/// Many clients that come, and stay or leave again.
struct GatheringPlan
{
    unsigned clients = 200;
    unsigned firstNumber = 0;           // of the Client Identifiers
    unsigned concurrency = 64;          // that may be connecting at a time
    double secondsBetween = 0;          // two connects, at least
    std::vector<std::string> filters{}; // of each client; %i is its identifier, %c its number
    QoS qos = QoS::AtMostOnce;
    bool churn = false;  // each leaves when it is there, and comes again
    bool abrupt = false; // leaves with RST, not with DISCONNECT
};

/// Connects clients in a tempo, holds them, and measures how long each took. What they receive
/// meanwhile is counted. Thread: the owner's.
class Gathering final : private ClientOwner
{
public:
    Gathering(const GatheringPlan& plan, Dialer& dialer, const ClientTerms& terms,
              const std::string& idPrefix);
    ~Gathering();

    /// Goes on until `untilNs` (nowNs()), or until all are there.
    /// @param allAreEnough  false: goes on when they are.
    void run(std::uint64_t untilNs, bool allAreEnough);
    /// One turn of that: returns when something came, or at `untilNs`.
    void turn(std::uint64_t untilNs);
    /// Asked once a turn: whether to end early.
    void endWhen(std::function<bool()> call) { _endWhen = std::move(call); }
    bool ended() const noexcept { return _ended; }

    unsigned connectedNow() const noexcept { return _connectedNow; }
    std::uint64_t connects() const noexcept { return _connects; }
    std::uint64_t failures() const noexcept { return _failures; }
    /// Why the last one failed.
    const std::string& lastFailure() const noexcept { return _lastFailure; }
    std::uint64_t received() const noexcept { return _received; }
    std::uint64_t receivedBytes() const noexcept { return _receivedBytes; }
    /// From the beginning of connecting to CONNACK, or SUBACK where it subscribes.
    const Histogram& connectTime() const noexcept { return _connectTime; }
    /// Of messages that `nanomqctl bench pub` of this machine stamped.
    const Histogram& latency() const noexcept { return _latency; }

    /// A client that is there, for a caller who publishes with it. Requires: below clients().
    Client& client(unsigned number) { return *_clients[number]; }
    unsigned clients() const noexcept { return static_cast<unsigned>(_clients.size()); }
    /// Called for each message.
    void onReceived(std::function<void(Client&, const Publish&)> call)
    {
        _onReceived = std::move(call);
    }
    /// Called for each PUBLISH of a client's that is acknowledged.
    void onAcknowledged(std::function<void(Client&, ReasonCode)> call)
    {
        _onAcknowledged = std::move(call);
    }
    /// Called for each SUBACK and UNSUBACK behind the first.
    void onSubscribed(std::function<void(Client&)> call) { _onSubscribed = std::move(call); }
    Loop& loop() noexcept { return _loop; }

private:
    void connected(Client& client) override;
    void received(Client& client, const Publish& publish) override;
    void acknowledged(Client& client, ReasonCode reason) override;
    void subscribed(Client& client, std::span<const ReasonCode> reasons) override;
    void failed(Client& client, const std::string& why) override;

    void begin(std::uint64_t nowNs);
    void arrived(Client& client);
    void comeAgain();

    const GatheringPlan _plan;
    Dialer& _dialer;
    const ClientTerms& _terms;
    Loop _loop;
    std::vector<std::unique_ptr<Client>> _clients;
    std::vector<bool> _isThere;
    std::vector<Client*> _leaving;  // in this turn
    std::vector<unsigned> _waiting; // numbers of clients to connect, the last one first
    unsigned _connecting = 0;
    unsigned _connectedNow = 0;
    std::uint64_t _nextNs = 0;
    std::uint64_t _connects = 0;
    std::uint64_t _failures = 0;
    std::uint64_t _received = 0;
    std::uint64_t _receivedBytes = 0;
    std::string _lastFailure;
    Histogram _connectTime;
    Histogram _latency;
    std::function<bool()> _endWhen;
    std::function<void(Client&, const Publish&)> _onReceived;
    std::function<void(Client&, ReasonCode)> _onAcknowledged;
    std::function<void(Client&)> _onSubscribed;
    bool _ended = false;
};

/// `text` with %c replaced by the client's number, %i by its identifier, %u by its user name.
std::string fillIn(std::string text, unsigned number, const std::string& clientId,
                   const std::string& userName);

} // namespace nanomq::load
