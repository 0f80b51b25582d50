#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>

namespace nanomq::test
{

/// Two clients that mind their own business: numbered messages with QoS 1 from one to the other,
/// each acknowledged before the next is sent. A message that is missing, doubled or out of order,
/// and a connection that ends, are remembered.
class SteadyFlow
{
public:
    /// Both are connected when it returns.
    explicit SteadyFlow(std::uint16_t port);
    /// Ends it.
    ~SteadyFlow();
    SteadyFlow(const SteadyFlow&) = delete;
    SteadyFlow& operator=(const SteadyFlow&) = delete;

    /// Stops publishing, and waits for what is under way. Throws what went wrong. Returns how
    /// many messages arrived.
    std::uint64_t finish();

private:
    void publish(std::uint16_t port);
    void receive(std::uint16_t port);

    std::atomic<bool> _stopping{false};
    std::atomic<bool> _subscribed{false};
    std::atomic<std::uint64_t> _published{0};
    std::atomic<std::uint64_t> _received{0};
    std::exception_ptr _publisherFailed, _subscriberFailed;
    std::thread _publisher, _subscriber;
};

} // namespace nanomq::test
