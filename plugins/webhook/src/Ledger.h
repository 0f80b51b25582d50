#pragma once

#include "Event.h"
#include "nanomq/services.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace webhook
{

/// Where an event that is neither delivered nor dropped can be.
enum class Place : std::uint8_t
{
    InFlight, ///< in an attempt right now
    Queued,   ///< in memory only, waiting for the first or another attempt, or for the disk
    Spooled,  ///< on disk, and perhaps in memory as well
    Dead,     ///< on disk, given up until somebody replays it
};

inline constexpr std::size_t kPlaces = 4;

/// Where an endpoint's events are, as they were at one instant. Always:
/// accepted = delivered + in flight + queued + spooled + dead + dropped.
struct Counts
{
    std::uint64_t accepted = 0; ///< events that a rule sends there, and those found on disk
    std::uint64_t delivered = 0;
    std::array<std::uint64_t, kPlaces> places{};
    std::array<std::uint64_t, kDropReasons> drops{};
    std::uint64_t failedAttempts = 0;
    std::uint64_t memoryBytes = 0; ///< events in memory, those of the spool that are loaded included
    std::uint64_t diskBytes = 0;   ///< events of the spool

    std::uint64_t at(Place place) const noexcept { return places[static_cast<std::size_t>(place)]; }
    std::uint64_t dropped() const noexcept;
    std::uint64_t drop(DropReason reason) const noexcept
    {
        return drops[static_cast<std::size_t>(reason)];
    }
};

/// The only thing that counts: every step of an event is one entry that takes it from somewhere to
/// somewhere, so that the sum holds by construction, here and in the broker's metrics.
///
/// The counts are those of the plugin's life, over reloads; the series are those of the broker's.
/// Thread: none of its own; whoever owns it locks.
class Ledger
{
public:
    /// @param metrics  may be null.
    Ledger(std::string_view endpoint, nanomq::sdk::Metrics* metrics);

    void accept(Place place);
    void acceptAndDrop(DropReason reason);
    void move(Place from, Place to, std::uint64_t events = 1);
    void deliver(std::uint64_t events);
    void drop(Place from, DropReason reason, std::uint64_t events = 1);
    void failAttempt();
    void addMemory(std::int64_t bytes);
    void addDisk(std::int64_t bytes);
    void setDisk(std::uint64_t bytes);

    /// So many are found on disk. What is more than was known is accepted, what is less is lost.
    void reconcile(Place place, std::uint64_t events);

    /// For a hand-over: the counts without what is in flight; the gauges of memory go down. What
    /// is on disk stays there, and in the series.
    Counts handOver();
    /// What another ledger of this process, and of the same endpoint, handed over.
    void adopt(const Counts& counts);

    const Counts& counts() const noexcept { return _counts; }

private:
    using Counter = nanomq::sdk::Metrics::Counter;

    void put(Place place, std::int64_t events);

    Counts _counts;
    Counter* _accepted = nullptr;
    Counter* _delivered = nullptr;
    Counter* _failedAttempts = nullptr;
    Counter* _memoryBytes = nullptr;
    Counter* _diskBytes = nullptr;
    std::array<Counter*, kPlaces> _places{};
    std::array<Counter*, kDropReasons> _drops{};
};

} // namespace webhook
