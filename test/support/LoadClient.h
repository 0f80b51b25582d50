#pragma once

#include "support/ScriptedClient.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <string>
#include <vector>

namespace nanomq::test
{

/// Publishers and subscribers of QoS 1 that keep a broker busy, and look at every message.
///
///     LoadClient load(port, {});
///     …                            // whatever is done to the broker meanwhile
///     load.finish();               // throws what went wrong
///
/// What counts as wrong: a message that is lost, doubled, or out of its publisher's order; an
/// acknowledgement that is not Success, of another message, or late; a client that is disconnected.
/// Publishers wait for the slowest subscriber, so that no queue of the broker runs over.
///
/// Thread: one at a time, but for the figures.
class LoadClient
{
public:
    struct Options
    {
        unsigned publishers = 4;
        unsigned subscribers = 2;
        std::string topic = "load"; ///< publishers publish to TOPIC/0, TOPIC/1, …
        unsigned window = 16;       ///< PUBLISHes without PUBACK, of a publisher
        unsigned lead = 500; ///< messages of each that a subscriber may be behind; at least 128
    };

    /// Connects, subscribes, and begins. Throws when the broker does not let it.
    LoadClient(std::uint16_t port, const Options& options);
    /// Ends the load without looking at what came of it, unless finish() was called.
    ~LoadClient();
    LoadClient(const LoadClient&) = delete;
    LoadClient& operator=(const LoadClient&) = delete;

    /// Stops publishing, and waits until everything that was published is acknowledged and has
    /// arrived. resume() goes on.
    void pause();
    void resume();
    /// Lets everything arrive, disconnects, and throws the first thing that went wrong.
    void finish();

    /// Whether something has gone wrong already; finish() tells what. [any]
    bool failed() const noexcept { return _failed.load(); }
    /// Messages acknowledged so far, and copies that have arrived. [any]
    std::uint64_t published() const noexcept;
    std::uint64_t received() const noexcept;
    /// The longest time since the last call in which no message arrived at some subscriber. [any]
    std::chrono::microseconds takeWorstPause() noexcept;

private:
    using Clock = std::chrono::steady_clock;
    struct Publisher
    {
        std::atomic<std::uint64_t> sent{0};
        std::atomic<std::uint64_t> acknowledged{0};
    };
    struct Subscriber
    {
        std::deque<std::atomic<std::uint64_t>> received; // by publisher
        std::atomic<std::int64_t> worstPauseUs{0};
    };
    enum class Mode : int
    {
        Run,
        Pause,
        End,
    };

    void publish(ScriptedClient& client, unsigned number);
    void receive(ScriptedClient& client, Subscriber& subscriber);
    bool mayGoOn(unsigned publisher, std::uint64_t sequence) const;
    void setMode(Mode mode);
    template <class Work> void begin(Work work);
    void rethrow();

    const Options _options;
    std::atomic<Mode> _mode{Mode::Run};
    std::atomic<Clock::time_point> _runsSince{Clock::now()};
    std::atomic<bool> _failed{false};
    std::atomic<std::uint32_t> _progress{0}; // changes whenever something has; waited for
    std::deque<Publisher> _publishers;
    std::deque<Subscriber> _subscribers;
    std::vector<std::future<void>> _threads; // goes first
};

} // namespace nanomq::test
