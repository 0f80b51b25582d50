#pragma once

#include "base/Bytes.h"
#include "base/Clock.h"
#include "base/Counted.h"
#include "wire/Packets.h"

#include <string_view>

namespace nanomq
{

/// An Application Message as views: what a PUBLISH, a will, a plugin or the retained store says.
struct MessageView
{
    std::string_view topicName;
    ByteView payload;
    /// The properties that travel on to subscribers, encoded and in their order: all of the
    /// PUBLISH but Topic Alias, Message Expiry Interval and Subscription Identifiers.
    ByteView properties{};
    QoS qos = QoS::AtMostOnce;
    bool retain = false;
    bool fromSystem = false; // made by the broker itself ($SYS), not by a client or plugin
    MonotonicMs expiresAt = kNever;
    UnixMs receivedAt = 0;
};

/// An Application Message that is kept: immutable, counted, in one piece of memory.
///
/// Made when something outlives the read buffer the message came in: a queue, an in-flight
/// window, the retained store, an observer's ring, a large payload in an output buffer.
class Message final : public Counted
{
public:
    /// Copies what the view shows. `publisher` says who sent it; empty for the broker's own.
    static Ref<const Message> make(const MessageView& view, Ref<const Counted> publisher = {});

    MessageView view() const noexcept;
    std::string_view topicName() const noexcept { return {_text, _topicSize}; }
    ByteView payload() const noexcept;
    ByteView properties() const noexcept;
    QoS qos() const noexcept { return _qos; }
    bool retainFlag() const noexcept { return _retain; }
    MonotonicMs expiresAt() const noexcept { return _expiresAt; }
    UnixMs receivedAt() const noexcept { return _receivedAt; }
    const Counted* publisher() const noexcept { return _publisher.get(); }

    /// What it counts against limits and budgets: its whole piece of memory, in bytes.
    std::size_t footprint() const noexcept
    {
        return sizeof(Message) + _topicSize + _propertiesSize + _payloadSize;
    }

private:
    Message(const MessageView& view, Ref<const Counted> publisher, char* text) noexcept;
    void destroy() const noexcept override;

    Ref<const Counted> _publisher;
    const char* _text; // topic name, properties, payload: behind this object
    MonotonicMs _expiresAt;
    UnixMs _receivedAt;
    std::uint32_t _payloadSize;
    std::uint32_t _propertiesSize;
    std::uint16_t _topicSize;
    QoS _qos;
    bool _retain;
    bool _fromSystem;
};

using MessageRef = Ref<const Message>;

} // namespace nanomq
