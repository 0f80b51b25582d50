#include "support/LoadClient.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <thread>

namespace nanomq::test
{

namespace
{

constexpr std::string_view kLast = "last"; // what a publisher sends when it ends

std::string named(const char* kind, unsigned number)
{
    return std::string(kind) + ' ' + std::to_string(number);
}

} // namespace

LoadClient::LoadClient(std::uint16_t port, const Options& options)
    : _options(options),
      _publishers(options.publishers),
      _subscribers(options.subscribers)
{
    for (unsigned number = 0; number < options.subscribers; ++number)
    {
        Subscriber& subscriber = _subscribers[number];
        for (unsigned i = 0; i < options.publishers; ++i) subscriber.received.emplace_back(0);
        auto client = std::make_shared<ScriptedClient>(port);
        const std::string name = named("load subscriber", number);
        client->connect({.clientId = name});
        client->subscribe(options.topic + "/+", QoS::AtLeastOnce);
        begin([this, client, &subscriber] { receive(*client, subscriber); });
    }
    for (unsigned number = 0; number < options.publishers; ++number)
    {
        auto client = std::make_shared<ScriptedClient>(port);
        const std::string name = named("load publisher", number);
        client->connect({.clientId = name});
        begin([this, client, number] { publish(*client, number); });
    }
    resume();
}

LoadClient::~LoadClient()
{
    _failed = true; // nobody waits for anything any more
    setMode(Mode::End);
    for (auto& thread : _threads)
        if (thread.valid()) thread.wait();
}

template <class Work> void LoadClient::begin(Work work)
{
    _threads.push_back(std::async(std::launch::async, [this, work = std::move(work)] {
        try
        {
            work();
        }
        catch (...)
        {
            _failed = true;
            setMode(Mode::End);
            throw;
        }
    }));
}

void LoadClient::setMode(Mode mode)
{
    _mode = mode;
    ++_progress;
    _progress.notify_all();
}

void LoadClient::publish(ScriptedClient& client, unsigned number)
{
    Publisher& publisher = _publishers[number];
    const std::string topic = _options.topic + '/' + std::to_string(number);
    std::deque<PacketIdentifier> open;
    const auto send = [&](std::string_view payload) {
        const PacketIdentifier identifier = client.nextIdentifier();
        client.sendPublish(topic, payload, {.qos = QoS::AtLeastOnce}, identifier);
        open.push_back(identifier);
        ++publisher.sent;
    };
    const auto takeOne = [&] {
        client.expectPuback(open.front());
        open.pop_front();
        ++publisher.acknowledged;
    };
    for (std::uint64_t sequence = 0; !_failed;)
    {
        const auto seen = _progress.load();
        if (_mode != Mode::Run || !mayGoOn(number, sequence))
        {
            while (!open.empty()) takeOne();
            if (_mode == Mode::End) break;
            _progress.wait(seen);
            continue;
        }
        if (open.size() >= _options.window) takeOne();
        send(std::to_string(sequence++));
    }
    if (_failed) return;
    send(kLast);
    takeOne();
    client.disconnect();
}

bool LoadClient::mayGoOn(unsigned publisher, std::uint64_t sequence) const
{
    return std::all_of(_subscribers.begin(), _subscribers.end(), [&](const Subscriber& subscriber) {
        return sequence < subscriber.received[publisher] + _options.lead;
    });
}

void LoadClient::receive(ScriptedClient& client, Subscriber& subscriber)
{
    unsigned ended = 0;
    auto before = Clock::now();
    while (ended < _options.publishers && !_failed)
    {
        const auto message = client.receiveMessage();
        const auto now = Clock::now();
        const auto pause = std::chrono::duration_cast<std::chrono::microseconds>(
            now - std::max(before, _runsSince.load()));
        before = now;
        if (_mode == Mode::Run && pause.count() > subscriber.worstPauseUs)
            subscriber.worstPauseUs = pause.count();

        const std::string_view topic = message->topicName;
        const auto number = std::stoul(std::string(topic.substr(topic.rfind('/') + 1)));
        auto& received = subscriber.received.at(number);
        const std::string expected = std::to_string(received);
        const std::string_view payload(reinterpret_cast<const char*>(message->payload.data()),
                                       message->payload.size());
        if (payload == kLast) ++ended;
        else if (payload != expected)
            client.fail(std::string(topic) + ": message " + expected + " was to come, and " +
                        std::string(payload) + " came");
        ++received;
        if (received % 64 == 0 || _mode != Mode::Run)
        {
            ++_progress;
            _progress.notify_all();
        }
    }
    if (!_failed) client.expectNothingBeforePingresp().disconnect();
}

void LoadClient::pause()
{
    setMode(Mode::Pause);
    const Deadline deadline(kPatience);
    const auto settled = [&] {
        for (unsigned number = 0; number < _options.publishers; ++number)
        {
            const Publisher& publisher = _publishers[number];
            if (publisher.acknowledged != publisher.sent) return false;
            for (const auto& subscriber : _subscribers)
                if (subscriber.received[number] != publisher.sent) return false;
        }
        return true;
    };
    // A publisher may be between its look at the mode and its send; so twice.
    for (int twice = 0; twice < 2; ++twice)
        while (!settled())
        {
            if (_failed) rethrow();
            if (deadline.remainingMs() == 0)
                throw std::runtime_error("what was published has not arrived everywhere");
            std::this_thread::yield();
        }
}

void LoadClient::resume()
{
    _runsSince = Clock::now();
    setMode(Mode::Run);
}

void LoadClient::finish()
{
    setMode(Mode::End);
    rethrow();
}

void LoadClient::rethrow()
{
    std::exception_ptr first;
    for (auto& thread : _threads)
    {
        if (!thread.valid()) continue;
        try
        {
            thread.get();
        }
        catch (...)
        {
            if (!first) first = std::current_exception();
        }
    }
    if (first) std::rethrow_exception(first);
}

std::uint64_t LoadClient::published() const noexcept
{
    std::uint64_t all = 0;
    for (const auto& publisher : _publishers) all += publisher.acknowledged;
    return all;
}

std::uint64_t LoadClient::received() const noexcept
{
    std::uint64_t all = 0;
    for (const auto& subscriber : _subscribers)
        for (const auto& count : subscriber.received) all += count;
    return all;
}

std::chrono::microseconds LoadClient::takeWorstPause() noexcept
{
    std::int64_t worst = 0;
    for (auto& subscriber : _subscribers)
        worst = std::max(worst, subscriber.worstPauseUs.exchange(0));
    return std::chrono::microseconds(worst);
}

} // namespace nanomq::test
