#include "session/InflightWindow.h"

#include <cassert>
#include <utility>

namespace nanomq
{

void InflightWindow::grow()
{
    const std::size_t size = _ring.empty() ? 8 : _ring.size() * 2;
    std::vector<Entry> larger(size);
    for (Sequence sequence = _first; sequence < _next; ++sequence)
        larger[sequence & (size - 1)] = std::move(_ring[sequence & _mask]);
    _ring = std::move(larger);
    _mask = size - 1;
}

PacketIdentifier InflightWindow::add(Delivery delivery)
{
    assert(!full());
    if (_next - _first == _ring.size()) grow();
    Entry& entry = at(_next);
    entry.state = delivery.options.qos == QoS::AtLeastOnce ? State::AwaitsPuback
                                                           : State::AwaitsPubrec;
    entry.delivery = std::move(delivery);
    ++_open;
    return identifierOf(_next++);
}

std::optional<InflightWindow::Sequence> InflightWindow::find(
    PacketIdentifier identifier) const noexcept
{
    if (identifier == 0) return std::nullopt;
    const Sequence ahead =
        (identifier - 1u + kIdentifiers - _first % kIdentifiers) % kIdentifiers;
    const Sequence sequence = _first + ahead;
    if (sequence >= _next || _ring[sequence & _mask].state == State::Done) return std::nullopt;
    return sequence;
}

MessageRef InflightWindow::finish(Sequence sequence)
{
    Entry& entry = at(sequence);
    MessageRef message = std::move(entry.delivery.message);
    entry.state = State::Done;
    --_open;
    while (_first < _next && at(_first).state == State::Done) ++_first;
    if (_open == 0 && _ring.size() > 64)
    {
        _ring = {}; // a burst is over
        _mask = 0;
    }
    return message;
}

} // namespace nanomq
