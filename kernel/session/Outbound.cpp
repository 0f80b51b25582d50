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

constexpr std::size_t kPubrelBytes = 4;

/// What a packet grows by when it sets a Topic Alias: the property, and at most one byte each of
/// Property Length and Remaining Length.
constexpr std::size_t kSetAliasBytes = 5;

void appendPubrel(OutputBuffer& output, PacketIdentifier identifier, OutputTurn& turn)
{
    auto* const packet = output.extend(kPubrelBytes, turn);
    packet[0] = static_cast<std::uint8_t>(static_cast<unsigned>(PacketType::Pubrel) << 4 | 2);
    packet[1] = 2;
    packet[2] = static_cast<std::uint8_t>(identifier >> 8);
    packet[3] = static_cast<std::uint8_t>(identifier);
}

} // namespace

/// Adds to the policy's figures what its scope does to the queue.
class Outbound::QueueChange
{
public:
    explicit QueueChange(Outbound& outbound) noexcept
        : _outbound(outbound), _messages(messages()), _bytes(bytes())
    {
    }
    ~QueueChange()
    {
        _outbound._policy->waiting.add(messages() - _messages);
        _outbound._policy->waitingBytes.add(bytes() - _bytes);
    }
    QueueChange(const QueueChange&) = delete;
    QueueChange& operator=(const QueueChange&) = delete;

private:
    std::size_t messages() const noexcept { return _outbound._queue ? _outbound._queue->size() : 0; }
    std::size_t bytes() const noexcept { return _outbound._queue ? _outbound._queue->bytes() : 0; }

    Outbound& _outbound;
    const std::size_t _messages;
    const std::size_t _bytes;
};

void Outbound::attach(OutputBuffer& output, const ConnectionTerms& terms, OutputTurn& turn)
{
    std::lock_guard guard(_lock);
    _output = &output;
    output.setSource(this);
    _version = terms.version;
    _quota = terms.receiveMaximum;
    _maximumPacketSize = terms.maximumPacketSize;
    _identity = terms.identity;
    _mountPoint = terms.mountPoint;
    if (terms.topicAliasMaximum > 0)
        _aliases = std::make_unique<TopicAliases>(terms.topicAliasMaximum);
    _resend = _window.first();
    _resendEnd = _window.next();
    refill(turn);
}

std::size_t Outbound::detach() noexcept
{
    std::lock_guard guard(_lock);
    if (_output) _output->setSource(nullptr);
    _output = nullptr;
    _aliases.reset(); // [MQTT-3.3.2-7]
    if (!_queue) return 0;
    const QueueChange change(*this);
    const auto dropped = _queue->dropAtMostOnce();
    if (_queue->empty()) _queue.reset();
    return dropped;
}

Outbound::Left Outbound::end()
{
    using State = InflightWindow::State;
    std::lock_guard guard(_lock);
    const QueueChange change(*this);
    _ended = true;
    Left left;
    for (auto sequence = _window.first(); sequence < _window.next() && !_window.empty(); ++sequence)
    {
        const auto& entry = _window.at(sequence);
        const DeliveryOptions options = entry.delivery.options;
        const State state = entry.state;
        if (state == State::AwaitsPuback && options.sharedGroup != 0)
            left.shared.push_back({_window.finish(sequence), options});
        else if (state == State::AwaitsPuback || state == State::AwaitsPubrec)
            ++left.unacknowledged;
    }
    while (_queue && !_queue->empty())
    {
        Delivery delivery = _queue->pop();
        auto& list = delivery.options.sharedGroup != 0 ? left.shared : left.queued;
        list.push_back(std::move(delivery));
    }
    _queue.reset();
    return left;
}

TopicAliasUse Outbound::aliasFor(const PublishHead& head)
{
    return _aliases->use(head.message->topicName,
                         head.packetSize() + kSetAliasBytes <= _maximumPacketSize);
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
        return atMostOnce || _ended ? DeliveryResult::NotConnected : enqueue(publication, options);
    if (!_mountPoint.empty()) [[unlikely]] return deliverMounted(publication, options, turn);
    if (_maximumPacketSize != UINT32_MAX)
    {
        const PublishHead head{&publication.view(), _version, options,
                               static_cast<PacketIdentifier>(atMostOnce ? 0 : 1), false, turn.now()};
        if (!fits(head)) return DeliveryResult::PacketTooLarge;
    }
    if (_queue || _resend < _resendEnd) return enqueue(publication, options);
    if (!mayAppend(options.qos)) return atMostOnce ? DeliveryResult::TooSlow : enqueue(publication, options);
    PacketIdentifier identifier = 0;
    if (!atMostOnce)
    {
        if (!mayTakeQuota()) return enqueue(publication, options);
        identifier = _window.add({publication.freeze(), options});
        --_quota;
    }
    TopicAliasUse alias;
    if (_aliases)
        alias = aliasFor({&publication.view(), _version, options, identifier, false, turn.now()});
    publication.appendTo(*_output, _version, options, identifier, turn, alias);
    return DeliveryResult::Sent;
}

MessageView Outbound::shown(MessageView view) const noexcept
{
    // A session may have subscriptions from a listener with another mount point, or without.
    const bool mounted =
        view.topicName.starts_with(_mountPoint) && view.topicName.size() > _mountPoint.size();
    if (mounted) view.topicName.remove_prefix(_mountPoint.size());
    return view;
}

/// Like deliver(), but each recipient's bytes are its own.
DeliveryResult Outbound::deliverMounted(Publication& publication, DeliveryOptions options,
                                        OutputTurn& turn)
{
    const bool atMostOnce = options.qos == QoS::AtMostOnce;
    const MessageView view = shown(publication.view());
    PublishHead head{&view, _version, options, static_cast<PacketIdentifier>(atMostOnce ? 0 : 1),
                     false, turn.now()};
    if (!fits(head)) return DeliveryResult::PacketTooLarge;
    if (_queue || _resend < _resendEnd) return enqueue(publication, options);
    if (!mayAppend(options.qos)) return atMostOnce ? DeliveryResult::TooSlow : enqueue(publication, options);
    if (!atMostOnce)
    {
        if (!mayTakeQuota()) return enqueue(publication, options);
        head.packetIdentifier = _window.add({publication.freeze(), options});
        --_quota;
    }
    if (_aliases) head.topicAlias = aliasFor(head);
    appendPublish(*_output, head, turn, [&publication] { return publication.freeze(); });
    return DeliveryResult::Sent;
}

DeliveryResult Outbound::enqueue(Publication& publication, DeliveryOptions options)
{
    if (options.qos == QoS::AtMostOnce && _policy->sheds.load(std::memory_order_relaxed))
        return DeliveryResult::TooSlow;
    const QueueChange change(*this);
    if (!_queue) _queue = std::make_unique<DeliveryQueue>();
    if (_queue->push({publication.freeze(), options}, _policy->queue)) return DeliveryResult::Queued;
    if (_queue->empty()) _queue.reset();
    return DeliveryResult::QueueFull;
}

Outbound::Standing Outbound::standing(QoS qos) noexcept
{
    std::lock_guard guard(_lock);
    if (!_output) return Standing::Away;
    const bool ready = !_queue && _resend == _resendEnd && mayAppend(qos) &&
                       (qos == QoS::AtMostOnce || mayTakeQuota());
    return ready ? Standing::Ready : Standing::Connected;
}

void Outbound::refill(OutputTurn& turn)
{
    if (!_output) return;
    resendInFlight(turn);
    if (_queue && _resend == _resendEnd) sendQueued(turn);
}

void Outbound::sendQueued(OutputTurn& turn)
{
    const QueueChange change(*this);
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
    const MessageView view = shown(message->view());
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
    _policy->payloadBytesFromQueue.fetch_add(message->payload().size(), std::memory_order_relaxed);
    if (delivery.options.qos != QoS::AtMostOnce)
    {
        head.packetIdentifier = _window.add(std::move(delivery));
        --_quota;
    }
    if (_aliases) head.topicAlias = aliasFor(head);
    appendPublish(*_output, head, turn, [&message] { return message; });
}

void Outbound::resendInFlight(OutputTurn& turn)
{
    using State = InflightWindow::State;
    for (;; ++_resend)
    {
        // Some may have been acknowledged, or dropped here, before they were sent again.
        _resend = std::max(_resend, std::min(_window.first(), _resendEnd));
        if (_resend == _resendEnd) return;
        auto& entry = _window.at(_resend);
        if (entry.state == State::Done) continue;
        if (_quota == 0 || _output->unsent() >= kRefillBytes) return;
        const auto identifier = InflightWindow::identifierOf(_resend);
        if (entry.state == State::AwaitsPubcomp)
        {
            --_quota;
            appendPubrel(*_output, identifier, turn);
            continue;
        }
        const Delivery delivery = entry.delivery;
        const MessageView view = shown(delivery.message->view());
        PublishHead head{&view, _version, delivery.options, identifier, true, turn.now()};
        // The client came back with less room than it had [MQTT-3.1.2-25].
        if (!fits(head))
        {
            _window.finish(_resend);
            _policy->tooLargeInQueue.fetch_add(1, std::memory_order_relaxed);
            note(OutboundNote::Kind::TooLarge, delivery);
            continue;
        }
        --_quota;
        if (_aliases) head.topicAlias = aliasFor(head);
        appendPublish(*_output, head, turn, [&delivery] { return delivery.message; });
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
        if (!_output) break;
        appendPubrel(*_output, identifier, turn);
        _output->countAnswer(kPubrelBytes);
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
    if (!_notes) _notes = std::make_unique<Notes>();
    const std::size_t bytes = delivery.message->footprint();
    if (_notes->list.size() >= _policy->queue.messages ||
        _notes->bytes + bytes > _policy->queue.bytes)
        return;
    _notes->bytes += bytes;
    _notes->list.push_back({kind, delivery});
}

std::vector<OutboundNote> Outbound::takeNotes()
{
    std::lock_guard guard(_lock);
    if (!_notes) return {};
    return std::move(std::exchange(_notes, nullptr)->list);
}

std::vector<Delivery>
Outbound::dropQueued(const std::function<bool(std::string_view topicName)>& unwanted)
{
    std::lock_guard guard(_lock);
    if (!_queue) return {};
    const QueueChange change(*this);
    auto dropped = _queue->drop(unwanted);
    if (_queue->empty()) _queue.reset();
    return dropped;
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
