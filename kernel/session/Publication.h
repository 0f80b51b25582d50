#pragma once

#include "base/OutputBuffer.h"
#include "session/Delivery.h"
#include "session/TopicAliases.h"
#include "topic/Subscriber.h"

#include <array>
#include <cstdint>
#include <vector>

namespace nanomq
{

/// What stands before the payload of an outgoing PUBLISH.
struct PublishHead
{
    const MessageView* message;
    ProtocolVersion version;
    DeliveryOptions options;
    PacketIdentifier packetIdentifier = 0; // 0 exactly if QoS 0
    bool dup = false;
    MonotonicMs now = 0; // what is left of the Message Expiry Interval counts from here
    TopicAliasUse topicAlias{}; // 5.0 only

    /// Bytes of the whole packet, payload included.
    std::size_t packetSize() const noexcept;
    /// Bytes of the head alone.
    std::size_t size() const noexcept;
    /// Writes size() bytes and returns the position behind them.
    std::uint8_t* write(std::uint8_t* at) const noexcept;

private:
    /// What goes out as the Topic Name.
    std::string_view topicName() const noexcept
    {
        return topicAlias.isSet ? std::string_view() : message->topicName;
    }
    std::uint32_t propertyBytes() const noexcept;
    std::uint32_t remainingLength() const noexcept;
    bool expires() const noexcept { return message->expiresAt != kNever; }
};

/// Payloads up to this many bytes are copied into each recipient's output; larger ones are
/// shared. Where copying and sharing cost the same, measured.
inline constexpr std::size_t kCopiedPayload = 2048;

/// Appends a PUBLISH to a client's output, under its lock. `keep` gives the shared message that
/// holds a payload too large to be copied.
template <class Keep>
void appendPublish(OutputBuffer& output, const PublishHead& head, OutputTurn& turn, Keep&& keep)
{
    const MessageView& message = *head.message;
    const std::size_t headSize = head.size();
    if (message.payload.size() <= kCopiedPayload &&
        headSize + message.payload.size() <= OutputBuffer::kMaxExtend)
    {
        std::uint8_t* at = output.extend(headSize + message.payload.size(), turn);
        at = head.write(at);
        if (!message.payload.empty())
            std::memcpy(at, message.payload.data(), message.payload.size());
        return;
    }
    // First what could fail for want of memory: half a packet would spoil the connection.
    const bool shared = message.payload.size() > kCopiedPayload;
    const MessageRef kept = shared ? keep() : MessageRef();
    std::vector<std::uint8_t> bytes(headSize);
    head.write(bytes.data());
    output.append(bytes, turn);
    if (shared) output.appendShared(kept, kept->payload(), turn);
    else output.append(message.payload, turn);
}

/// An Application Message on its way to its recipients, in one turn of one worker.
///
/// It shows what came in without copying it. The form it takes on the wire is encoded once for
/// each kind of recipient, and it becomes a Message only when something keeps it.
class Publication
{
public:
    /// Memory for encoded forms; a worker has one and reuses it from message to message.
    using Frames = std::array<std::vector<std::uint8_t>, 4>;

    /// @param publisher    who published; null for the broker's own messages.
    /// @param publisherId  its session, for No Local; kNoSubscriber if it has none.
    Publication(const MessageView& view, const Counted* publisher, SubscriberId publisherId,
                Frames& frames) noexcept
        : _view(view), _publisher(publisher), _publisherId(publisherId), _frames(frames)
    {
    }
    /// Of a message that is kept already.
    Publication(MessageRef message, Frames& frames) noexcept
        : _view(message->view()),
          _publisher(message->publisher()),
          _message(std::move(message)),
          _frames(frames)
    {
    }
    Publication(const Publication&) = delete;
    Publication& operator=(const Publication&) = delete;

    const MessageView& view() const noexcept { return _view; }
    const Counted* publisher() const noexcept { return _publisher; }
    SubscriberId publisherId() const noexcept { return _publisherId; }

    /// The message as something to keep; made the first time.
    const MessageRef& freeze();

    /// Appends it to a client's output as PUBLISH, under its lock.
    void appendTo(OutputBuffer& output, ProtocolVersion version, DeliveryOptions options,
                  PacketIdentifier packetIdentifier, OutputTurn& turn,
                  TopicAliasUse topicAlias = {});

private:
    MessageView _view;
    const Counted* _publisher = nullptr;
    SubscriberId _publisherId = kNoSubscriber;
    MessageRef _message;
    Frames& _frames;
    std::array<bool, 4> _encoded{}; // which of _frames hold this message
};

} // namespace nanomq
