#include "load/Gathering.h"

#include "load/Frame.h"
#include "load/Meter.h"

#include <algorithm>
#include <cstring>

namespace nanomq::load
{

std::string fillIn(std::string text, unsigned number, const std::string& clientId,
                   const std::string& userName)
{
    const auto replace = [&text](std::string_view what, const std::string& with) {
        for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
            text.replace(at, what.size(), with);
    };
    replace("%c", std::to_string(number));
    replace("%i", clientId);
    replace("%u", userName);
    return text;
}

Gathering::Gathering(const GatheringPlan& plan, Dialer& dialer, const ClientTerms& terms,
                     const std::string& idPrefix)
    : _plan(plan),
      _dialer(dialer),
      _terms(terms)
{
    ClientOwner& owner = *this;
    _isThere.resize(plan.clients);
    for (unsigned n = 0; n < plan.clients; ++n)
    {
        const std::string id = idPrefix + '-' + std::to_string(plan.firstNumber + n);
        _clients.push_back(std::make_unique<Client>(_loop, id, terms, owner));
        _clients.back()->number = n;
    }
    for (unsigned n = plan.clients; n-- > 0;) _waiting.push_back(n);
}

Gathering::~Gathering() = default;

void Gathering::run(std::uint64_t untilNs, bool allAreEnough)
{
    while (!_ended && nowNs() < untilNs)
    {
        if (allAreEnough && _connectedNow == _clients.size()) return;
        turn(untilNs);
    }
}

void Gathering::turn(std::uint64_t untilNs)
{
    constexpr std::uint64_t kLook = 100'000'000; // how late _endWhen is seen at most
    const std::uint64_t now = nowNs();
    begin(now);
    std::uint64_t next = std::min(untilNs, now + kLook);
    if (!_waiting.empty() && _connecting < _plan.concurrency) next = std::min(next, _nextNs);
    _loop.turn(next);
    comeAgain();
    if (_endWhen && _endWhen()) _ended = true;
}

void Gathering::begin(std::uint64_t nowNs)
{
    const auto between = static_cast<std::uint64_t>(_plan.secondsBetween * 1e9);
    while (!_waiting.empty() && _connecting < _plan.concurrency && _nextNs <= nowNs)
    {
        // The tempo is that of the plan, not of this loop's turns.
        _nextNs = _nextNs == 0 ? nowNs + between : _nextNs + between;
        if (between == 0) _nextNs = 0;
        const unsigned number = _waiting.back();
        _waiting.pop_back();
        ++_connecting;
        _clients[number]->connect(_dialer);
    }
}

void Gathering::connected(Client& client)
{
    if (_plan.filters.empty()) return arrived(client);
    std::vector<std::string> filters;
    for (const std::string& filter : _plan.filters)
        filters.push_back(fillIn(filter, _plan.firstNumber + client.number, client.clientId(),
                                 _terms.userName.value_or("")));
    client.subscribe(filters, _plan.qos);
}

void Gathering::subscribed(Client& client, std::span<const ReasonCode> reasons)
{
    for (const ReasonCode reason : reasons)
        if (isFailure(reason))
            _lastFailure = "a subscription was refused: " + std::string(reasonText(reason));
    if (!_isThere[client.number]) return arrived(client);
    if (_onSubscribed) _onSubscribed(client);
}

void Gathering::arrived(Client& client)
{
    _isThere[client.number] = true;
    --_connecting;
    ++_connectedNow;
    ++_connects;
    _connectTime.add(nowNs() - client.connectBeganNs());
    if (_plan.churn) _leaving.push_back(&client);
}

void Gathering::comeAgain()
{
    for (Client* const client : _leaving)
    {
        if (!_isThere[client->number]) continue;
        _isThere[client->number] = false;
        --_connectedNow;
        if (_plan.abrupt) client->close(true);
        else client->disconnect();
        _waiting.push_back(client->number);
    }
    _leaving.clear();
}

void Gathering::failed(Client& client, const std::string& why)
{
    _lastFailure = client.clientId() + ": " + why;
    ++_failures;
    if (_isThere[client.number]) --_connectedNow;
    else --_connecting;
    _isThere[client.number] = false;
}

void Gathering::received(Client& client, const Publish& publish)
{
    ++_received;
    _receivedBytes += publish.payload.size();
    std::uint32_t mark = 0;
    if (publish.payload.size() >= kStampSize)
        std::memcpy(&mark, publish.payload.data(), sizeof mark);
    if (const auto stamp = stampOf(publish.payload, mark); stamp && isMark(mark))
    {
        const std::uint64_t now = _loop.nowNs();
        _latency.add(now > stamp->dueNs ? now - stamp->dueNs : 0);
    }
    if (_onReceived) _onReceived(client, publish);
}

void Gathering::acknowledged(Client& client, ReasonCode reason)
{
    if (_onAcknowledged) _onAcknowledged(client, reason);
}

} // namespace nanomq::load
