#include "session/Outbound.h"

#include "wire/Encoder.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace nanomq
{

namespace
{

/// How far a queue fills the output at once; the rest follows when that has been sent.
constexpr std::size_t kRefillBytes = 256 * 1024;

void appendPubrel(OutputBuffer& output, PacketIdentifier identifier, OutputTurn& turn)
{
    auto* const packet = output.extend(4, turn);
    packet[0] = static_cast<std::uint8_t>(static_cast<unsigned>(PacketType::Pubrel) << 4 | 2);
    packet[1] = 2;
    packet[2] = static_cast<std::uint8_t>(identifier >> 8);
    packet[3] = static_cast<std::uint8_t>(identifier);
}

} // namespace

void Outbound::attach(OutputBuffer& output, const ConnectionTerms& terms, OutputTurn& turn)
{
    std::lock_guard guard(_lock);
    _output = &output;
    output.setSource(this);
    _version = terms.version;
    _quota = terms.receiveMaximum;
    _maximumPacketSize = terms.maximumPacketSize;
    _identity = terms.identity;
    _resend = _window.first();
    _resendEnd = _window.next();
    refill(turn);
}

void Outbound::detach() noexcept
{
    std::lock_guard guard(_lock);
    if (_output) _output->setSource(nullptr);
    _output = nullptr;
    if (!_queue) return;
    _queue->dropAtMostOnce();
    if (_queue->empty()) _queue.reset();
}

bool Outbound::fits(const PublishHead& head) const noexcept
{
    return _maximumPacketSize == UINT32_MAX || head.packetSize() <= _maximumPacketSize;
}

DeliveryResult Outbound::deliver(Publication& publication, DeliveryOptions options,
                                 OutputTurn& turn)
{
    std::lock_guard guard(_lock);
    const bool atMostOnce = options.qos == QoS::AtMostOnce;
    if (!_output)
        return atMostOnce ? DeliveryResult::NotConnected : enqueue(publication, options);
    if (_maximumPacketSize != UINT32_MAX)
    {
        const PublishHead head{&publication.view(), _version, options,
                               static_cast<PacketIdentifier>(atMostOnce ? 0 : 1), false, turn.now()};
        if (!fits(head)) return DeliveryResult::PacketTooLarge;
    }
    if (_queue || _resend < _resendEnd) return enqueue(publication, options);
    if (!mayAppend()) return atMostOnce ? DeliveryResult::TooSlow : enqueue(publication, options);
    if (atMostOnce)
    {
        publication.appendTo(*_output, _version, options, 0, turn);
        return DeliveryResult::Sent;
    }
    if (!mayTakeQuota()) return enqueue(publication, options);
    --_quota;
    const auto identifier = _window.add({publication.freeze(), options});
    publication.appendTo(*_output, _version, options, identifier, turn);
    return DeliveryResult::Sent;
}

DeliveryResult Outbound::enqueue(Publication& publication, DeliveryOptions options)
{
    if (!_queue) _queue = std::make_unique<DeliveryQueue>();
    if (_queue->push({publication.freeze(), options}, _policy->queue)) return DeliveryResult::Queued;
    if (_queue->empty()) _queue.reset();
    return DeliveryResult::QueueFull;
}

bool Outbound::ready(QoS qos) noexcept
{
    std::lock_guard guard(_lock);
    return _output && !_queue && _resend == _resendEnd && mayAppend() &&
           (qos == QoS::AtMostOnce || mayTakeQuota());
}

bool Outbound::connected() noexcept
{
    std::lock_guard guard(_lock);
    return _output != nullptr;
}

void Outbound::refill(OutputTurn& turn)
{
    if (!_output) return;
    resendInFlight(turn);
    if (!_queue || _resend < _resendEnd) return;
    while (!_queue->empty() && _output->unsent() < kRefillBytes)
    {
        const Delivery& next = _queue->front();
        if (next.message->expiresAt() <= turn.now())
        {
            _policy->expiredInQueue.fetch_add(1, std::memory_order_relaxed);
            note(OutboundNote::Kind::Expired, next);
            _queue->pop();
            continue;
        }
        if (next.options.qos != QoS::AtMostOnce && !mayTakeQuota()) break;
        sendKept(_queue->pop(), turn);
    }
    if (_queue->empty()) _queue.reset();
}

void Outbound::sendKept(Delivery delivery, OutputTurn& turn)
{
    const MessageRef message = delivery.message;
    const MessageView view = message->view();
    PublishHead head{&view, _version, delivery.options, 0, false, turn.now()};
    if (delivery.options.qos != QoS::AtMostOnce) head.packetIdentifier = 1; // counts for its size
    // The terms may have become narrower since it was queued [MQTT-3.1.2-25].
    if (!fits(head))
    {
        _policy->tooLargeInQueue.fetch_add(1, std::memory_order_relaxed);
        return note(OutboundNote::Kind::TooLarge, delivery);
    }
    note(OutboundNote::Kind::Delivered, delivery);
    _policy->sentFromQueue.fetch_add(1, std::memory_order_relaxed);
    if (delivery.options.qos != QoS::AtMostOnce)
    {
        --_quota;
        head.packetIdentifier = _window.add(std::move(delivery));
    }
    appendPublish(*_output, head, turn, [&message] { return message; });
}

void Outbound::resendInFlight(OutputTurn& turn)
{
    // Some may have been acknowledged before they were sent again.
    _resend = std::max(_resend, std::min(_window.first(), _resendEnd));
    for (; _resend < _resendEnd; ++_resend)
    {
        auto& entry = _window.at(_resend);
        if (entry.state == InflightWindow::State::Done) continue;
        if (_quota == 0 || _output->unsent() >= kRefillBytes) return;
        --_quota;
        const auto identifier = InflightWindow::identifierOf(_resend);
        if (entry.state == InflightWindow::State::AwaitsPubcomp)
        {
            appendPubrel(*_output, identifier, turn);
            continue;
        }
        const MessageRef message = entry.delivery.message;
        const MessageView view = message->view();
        const PublishHead head{&view,      _version, entry.delivery.options,
                               identifier, true,     turn.now()};
        appendPublish(*_output, head, turn, [&message] { return message; });
    }
}

void Outbound::giveQuotaBack(InflightWindow::Sequence sequence) noexcept
{
    // An entry that waits to be sent again has taken no quota of this connection.
    if (sequence < _resend || sequence >= _resendEnd) ++_quota;
}

Outbound::Acknowledged Outbound::acknowledge(PacketType type, PacketIdentifier identifier,
                                             ReasonCode reason, OutputTurn& turn)
{
    using State = InflightWindow::State;
    std::lock_guard guard(_lock);
    Acknowledged result;
    const auto sequence = _window.find(identifier);
    if (!sequence) return result;
    auto& entry = _window.at(*sequence);
    switch (type)
    {
    case PacketType::Puback: result.settled = result.known = entry.state == State::AwaitsPuback; break;
    case PacketType::Pubcomp:
        result.settled = result.known = entry.state == State::AwaitsPubcomp;
        break;
    default: // PUBREC
        result.known = entry.state == State::AwaitsPubrec || entry.state == State::AwaitsPubcomp;
        result.settled = entry.state == State::AwaitsPubrec && isFailure(reason);
        if (!result.known || result.settled) break;
        entry.state = State::AwaitsPubcomp;
        if (_output) appendPubrel(*_output, identifier, turn);
        break;
    }
    if (!result.settled) return result;
    result.delivery.options = entry.delivery.options;
    giveQuotaBack(*sequence);
    result.delivery.message = _window.finish(*sequence);
    if (_queue || _resend < _resendEnd) refill(turn);
    return result;
}

void Outbound::note(OutboundNote::Kind kind, const Delivery& delivery)
{
    if (!_policy->takesNotes.load(std::memory_order_relaxed)) return;
    if (!_notes) _notes = std::make_unique<std::vector<OutboundNote>>();
    if (_notes->size() < _policy->queue.messages) _notes->push_back({kind, delivery});
}

std::vector<OutboundNote> Outbound::takeNotes()
{
    std::lock_guard guard(_lock);
    if (!_notes) return {};
    return std::move(*std::exchange(_notes, nullptr));
}

Ref<const Counted> Outbound::identity() noexcept
{
    std::lock_guard guard(_lock);
    return _identity;
}

Outbound::Load Outbound::load() noexcept
{
    std::lock_guard guard(_lock);
    Load load;
    if (_queue)
    {
        load.queued = _queue->size();
        load.queuedBytes = _queue->bytes();
    }
    load.inFlight = _window.size();
    load.unsent = _output ? _output->unsent() : 0;
    return load;
}

} // namespace nanomq
