#include "SteadyFlow.h"

#include "support/ScriptedClient.h"

#include <cppunit/Asserter.h>

#include <string>

namespace nanomq::test
{

namespace
{

constexpr std::string_view kTopic = "steady/flow";
constexpr std::string_view kEnd = "end";
constexpr std::uint64_t kAhead = 500;

template <class Call> void keepFailure(std::exception_ptr& failure, Call call)
{
    try
    {
        call();
    }
    catch (...)
    {
        failure = std::current_exception();
    }
}

} // namespace

SteadyFlow::SteadyFlow(std::uint16_t port)
    : _publisher([this, port] { keepFailure(_publisherFailed, [&] { publish(port); }); }),
      _subscriber([this, port] { keepFailure(_subscriberFailed, [&] { receive(port); }); })
{
}

SteadyFlow::~SteadyFlow()
{
    _stopping = true;
    if (_publisher.joinable()) _publisher.join();
    if (_subscriber.joinable()) _subscriber.join();
}

std::uint64_t SteadyFlow::finish()
{
    _stopping = true;
    _publisher.join();
    _subscriber.join();
    // The subscriber waits in vain when the publisher has failed.
    if (_publisherFailed) std::rethrow_exception(_publisherFailed);
    if (_subscriberFailed) std::rethrow_exception(_subscriberFailed);
    if (_published != _received)
        CppUnit::Asserter::fail("of " + std::to_string(_published) + " messages came " +
                                std::to_string(_received));
    return _received;
}

void SteadyFlow::publish(std::uint16_t port)
{
    ScriptedClient client(port);
    client.connect({.clientId = "steady publisher"});
    const Deadline deadline(kPatience);
    while (!_subscribed && deadline.remainingMs() > 0) std::this_thread::yield();
    while (!_stopping)
    {
        // No further ahead than a queue holds: beyond that the broker may refuse.
        if (_published - _received >= kAhead)
        {
            std::this_thread::yield();
            continue;
        }
        const std::string payload = std::to_string(_published);
        const auto reason = client.publish(kTopic, payload, {.qos = QoS::AtLeastOnce});
        if (isFailure(reason)) client.fail("refused with " + std::to_string(unsigned(reason)));
        ++_published;
    }
    client.publish(kTopic, kEnd, {.qos = QoS::AtLeastOnce});
    client.disconnect();
}

void SteadyFlow::receive(std::uint16_t port)
{
    ScriptedClient client(port);
    client.connect({.clientId = "steady subscriber"});
    client.subscribe(kTopic, QoS::AtLeastOnce);
    _subscribed = true;
    for (;; ++_received)
    {
        const auto message = client.receiveMessage(kPatience * 4);
        const std::string text(message->payload.begin(), message->payload.end());
        if (text == kEnd) return client.disconnect();
        if (text != std::to_string(_received))
            client.fail("came " + text + " instead of " + std::to_string(_received));
    }
}

} // namespace nanomq::test
