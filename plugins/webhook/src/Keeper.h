#pragma once

#include "EndpointSettings.h"
#include "Journal.h"
#include "Outbox.h"
#include "Spool.h"
#include "nanomq/services.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace webhook
{

/// Carries events between an Outbox and its Spool, on a thread of its own: nobody else waits for
/// the disk. When the disk fails, it says so, counts, and the outbox goes on in memory.
class Keeper
{
public:
    /// @param folder         where the endpoint's file is.
    /// @param requestSender  called when a lane has work and nobody who does it. [any]
    /// All given outlive the keeper.
    Keeper(const EndpointSettings& settings, const std::string& folder, std::size_t lanes,
           Outbox& outbox, Journal& journal, nanomq::sdk::Metrics* metrics,
           std::function<void(std::size_t lane)> requestSender);
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    /// Tells the outbox what is on disk, and starts the thread. Before Outbox::open(). [host]
    void start(nanomq::sdk::Tasks& tasks);
    /// Writes what is to be written and ends the thread. After the senders ended. False when the
    /// deadline came first. [host]
    bool stop(SteadyTime deadline);
    /// Events that nobody else has; after stop(). False when the disk does not take them. [host]
    bool keep(const std::vector<Event>& events);

    // Dead letters. Each may wait for one transaction. [any]

    struct Outcome
    {
        std::uint64_t done = 0;
        std::uint64_t left = 0;   ///< of those that were meant
        std::string error; ///< empty: all went well
    };
    struct Letters
    {
        std::vector<Spool::DeadRecord> records;
        std::string error;
    };
    Letters list(std::optional<std::uint64_t> number, std::uint64_t after, std::size_t limit);
    /// Makes them events again, with new attempts and a new age.
    Outcome replay(std::optional<std::uint64_t> number);
    Outcome drop(std::optional<std::uint64_t> number);

    struct Status
    {
        std::string file;
        std::uint64_t errors;
        std::string lastError; ///< empty: none
    };
    Status status() const; ///< [any]

private:
    void run(nanomq::sdk::Tasks::Stop& stop);
    bool turn();
    bool write(Outbox::Work& work);
    bool load(const Outbox::Work& work);
    bool tidy();
    bool trimDead();
    void failed(const DatabaseError& failure);
    void replaySome(std::vector<Spool::DeadRecord>& letters, Outcome& outcome);

    const EndpointSettings& _settings;
    Outbox& _outbox;
    Journal& _journal;
    const std::function<void(std::size_t)> _requestSender;
    nanomq::sdk::Metrics::Counter* _errorSeries = nullptr;

    std::mutex _operation; // guards _spool: one thing at a time, its figures told before the next
    Spool _spool;

    mutable std::mutex _mutex; // guards all below; never held while _operation is waited for
    std::condition_variable _changed;
    nanomq::sdk::Tasks::Stop* _stop = nullptr; // while the thread runs
    bool _running = false;
    bool _ending = false;
    std::uint64_t _errors = 0;
    std::string _lastError;
};

} // namespace webhook
