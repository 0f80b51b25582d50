#pragma once

#include "session/Delivery.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <string_view>
#include <vector>

namespace nanomq
{

/// Limits of one session's queue.
struct QueueLimits
{
    std::size_t messages = 20'000;
    std::size_t bytes = 16 * 1024 * 1024;
};

/// Messages that wait for a session's client, in order (§4.6).
///
/// QoS 0 messages wait too, when the client is connected and others stand before them; they have
/// limits of their own, as large, so that they never take the room of those that were
/// acknowledged. Thread: the holder of the outbound lock.
class DeliveryQueue
{
public:
    DeliveryQueue() = default;
    ~DeliveryQueue();
    DeliveryQueue(const DeliveryQueue&) = delete;
    DeliveryQueue& operator=(const DeliveryQueue&) = delete;

    /// Appends. False, and nothing changes, when a limit is reached.
    bool push(Delivery delivery, const QueueLimits& limits);
    /// Requires: not empty.
    const Delivery& front() const noexcept { return _deliveries.front(); }
    Delivery pop();

    bool empty() const noexcept { return _deliveries.empty(); }
    std::size_t size() const noexcept { return _deliveries.size(); }
    std::size_t bytes() const noexcept { return _kept.bytes + _atMostOnce.bytes; }

    /// Throws away the QoS 0 messages: their client has gone. Returns how many.
    std::size_t dropAtMostOnce();
    /// Takes out the messages of topics that are not wanted any more.
    std::vector<Delivery> drop(const std::function<bool(std::string_view topicName)>& unwanted);

private:
    struct Load
    {
        std::size_t messages = 0;
        std::size_t bytes = 0;
    };
    Load& loadOf(QoS qos) noexcept { return qos == QoS::AtMostOnce ? _atMostOnce : _kept; }

    std::deque<Delivery> _deliveries;
    Load _kept;
    Load _atMostOnce;
};

} // namespace nanomq
