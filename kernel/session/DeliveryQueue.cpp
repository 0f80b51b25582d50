#include "session/DeliveryQueue.h"

#include "base/HeldMemory.h"

#include <algorithm>

namespace nanomq
{

namespace
{

constexpr std::ptrdiff_t kPlaceBytes = sizeof(Delivery);

} // namespace

DeliveryQueue::~DeliveryQueue()
{
    HeldMemory::subtract(kPlaceBytes * static_cast<std::ptrdiff_t>(_deliveries.size()));
}

std::string_view dropReason(DeliveryResult result) noexcept
{
    switch (result)
    {
    case DeliveryResult::Sent:
    case DeliveryResult::Queued: return {};
    case DeliveryResult::NotConnected: return "not connected";
    case DeliveryResult::QueueFull: return "queue full";
    case DeliveryResult::TooSlow: return "client too slow";
    case DeliveryResult::PacketTooLarge: return "packet too large";
    case DeliveryResult::NotAuthorized: return "not authorized any more";
    case DeliveryResult::SessionEnded: return "session ended";
    }
    return {};
}

bool DeliveryQueue::push(Delivery delivery, const QueueLimits& limits)
{
    Load& load = loadOf(delivery.options.qos);
    const std::size_t bytes = delivery.message->footprint();
    if (load.messages >= limits.messages || load.bytes + bytes > limits.bytes) return false;
    ++load.messages;
    load.bytes += bytes;
    _deliveries.push_back(std::move(delivery));
    HeldMemory::add(kPlaceBytes);
    return true;
}

Delivery DeliveryQueue::pop()
{
    Delivery delivery = std::move(_deliveries.front());
    _deliveries.pop_front();
    HeldMemory::subtract(kPlaceBytes);
    Load& load = loadOf(delivery.options.qos);
    --load.messages;
    load.bytes -= delivery.message->footprint();
    return delivery;
}

std::size_t DeliveryQueue::dropAtMostOnce()
{
    const auto dropped = _atMostOnce.messages;
    if (dropped == 0) return 0;
    std::erase_if(_deliveries,
                  [](const Delivery& delivery) { return delivery.options.qos == QoS::AtMostOnce; });
    _atMostOnce = {};
    HeldMemory::subtract(kPlaceBytes * static_cast<std::ptrdiff_t>(dropped));
    return dropped;
}

std::vector<Delivery>
DeliveryQueue::drop(const std::function<bool(std::string_view topicName)>& unwanted)
{
    std::vector<Delivery> dropped;
    std::erase_if(_deliveries, [&](Delivery& delivery) {
        if (!unwanted(delivery.message->topicName())) return false;
        Load& load = loadOf(delivery.options.qos);
        --load.messages;
        load.bytes -= delivery.message->footprint();
        dropped.push_back(delivery);
        return true;
    });
    HeldMemory::subtract(kPlaceBytes * static_cast<std::ptrdiff_t>(dropped.size()));
    return dropped;
}

} // namespace nanomq
