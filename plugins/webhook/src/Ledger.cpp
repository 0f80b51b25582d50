#include "Ledger.h"

#include <numeric>
#include <string>
#include <utility>

namespace webhook
{

namespace sdk = nanomq::sdk;

namespace
{

/// A broker without metrics is no reason to fail.
void add(sdk::Metrics::Counter* counter, std::int64_t by)
{
    if (counter) counter->add(by);
}

std::size_t index(Place place) noexcept
{
    return static_cast<std::size_t>(place);
}

} // namespace

std::uint64_t Counts::dropped() const noexcept
{
    return std::accumulate(drops.begin(), drops.end(), std::uint64_t{0});
}

Ledger::Ledger(std::string_view endpoint, sdk::Metrics* metrics)
{
    if (!metrics) return;
    const std::string labels = "endpoint=\"" + std::string(endpoint) + "\"";
    const auto counter = [&](const char* name, const char* help) {
        return metrics->counter(name, labels, help);
    };
    const auto gauge = [&](const char* name, const char* help) {
        return metrics->gauge(name, labels, help);
    };
    _accepted = counter("webhook_accepted_total", "Events that a webhook rule sends there");
    _delivered = counter("webhook_delivered_total", "Events that were answered with 2xx");
    _failedAttempts = counter("webhook_failed_attempts_total", "Requests not answered with 2xx");
    _places = {gauge("webhook_in_flight", "Events on the wire"),
               gauge("webhook_queued", "Events waiting in memory"),
               gauge("webhook_spooled", "Events waiting on disk"),
               gauge("webhook_dead", "Dead letters")};
    _memoryBytes = gauge("webhook_queued_bytes", "Bodies of events in memory");
    _diskBytes = gauge("webhook_spooled_bytes", "Bodies of events on disk");
    for (std::size_t i = 0; i < kDropReasons; ++i)
    {
        const auto reason = dropReasonName(static_cast<DropReason>(i));
        _drops[i] = metrics->counter("webhook_dropped_total",
                                     labels + ",reason=\"" + std::string(reason) + "\"",
                                     "Events that were not delivered");
    }
}

void Ledger::put(Place place, std::int64_t events)
{
    _counts.places[index(place)] += static_cast<std::uint64_t>(events);
    add(_places[index(place)], events);
}

void Ledger::accept(Place place)
{
    ++_counts.accepted;
    add(_accepted, 1);
    put(place, 1);
}

void Ledger::acceptAndDrop(DropReason reason)
{
    accept(Place::Queued);
    drop(Place::Queued, reason);
}

void Ledger::move(Place from, Place to, std::uint64_t events)
{
    put(from, -static_cast<std::int64_t>(events));
    put(to, static_cast<std::int64_t>(events));
}

void Ledger::deliver(std::uint64_t events)
{
    put(Place::InFlight, -static_cast<std::int64_t>(events));
    _counts.delivered += events;
    add(_delivered, static_cast<std::int64_t>(events));
}

void Ledger::drop(Place from, DropReason reason, std::uint64_t events)
{
    put(from, -static_cast<std::int64_t>(events));
    _counts.drops[static_cast<std::size_t>(reason)] += events;
    add(_drops[static_cast<std::size_t>(reason)], static_cast<std::int64_t>(events));
}

void Ledger::failAttempt()
{
    ++_counts.failedAttempts;
    add(_failedAttempts, 1);
}

void Ledger::addMemory(std::int64_t bytes)
{
    _counts.memoryBytes += static_cast<std::uint64_t>(bytes);
    add(_memoryBytes, bytes);
}

void Ledger::addDisk(std::int64_t bytes)
{
    _counts.diskBytes += static_cast<std::uint64_t>(bytes);
    add(_diskBytes, bytes);
}

void Ledger::setDisk(std::uint64_t bytes)
{
    _counts.diskBytes = bytes;
    if (_diskBytes) _diskBytes->set(static_cast<std::int64_t>(bytes));
}

void Ledger::reconcile(Place place, std::uint64_t events)
{
    auto& known = _counts.places[index(place)];
    auto& lost = _counts.drops[static_cast<std::size_t>(DropReason::SpoolFailed)];
    if (events > known) _counts.accepted += events - known;
    else lost += known - events;
    known = events;

    // The series know of what was there before the plugin was loaded this time.
    if (Counter* const gauge = _places[index(place)])
    {
        const std::int64_t more = static_cast<std::int64_t>(events) - gauge->value();
        if (more > 0) add(_accepted, more);
        else add(_drops[static_cast<std::size_t>(DropReason::SpoolFailed)], -more);
        gauge->add(more);
    }
}

Counts Ledger::handOver()
{
    Counts given = _counts;
    const std::uint64_t inFlight = given.at(Place::InFlight);
    given.accepted -= inFlight; // an attempt that nobody could end stays here
    given.places[index(Place::InFlight)] = 0;
    given.memoryBytes = given.diskBytes = 0;

    Counts kept;
    kept.accepted = inFlight;
    kept.memoryBytes = _counts.memoryBytes;
    _counts = kept;
    _counts.places[index(Place::InFlight)] = inFlight;
    add(_places[index(Place::Queued)], -static_cast<std::int64_t>(given.at(Place::Queued)));
    return given;
}

void Ledger::adopt(const Counts& counts)
{
    _counts.accepted += counts.accepted;
    _counts.delivered += counts.delivered;
    _counts.failedAttempts += counts.failedAttempts;
    for (std::size_t i = 0; i < kDropReasons; ++i) _counts.drops[i] += counts.drops[i];
    for (std::size_t i = 0; i < kPlaces; ++i) _counts.places[i] += counts.places[i];
    add(_places[index(Place::Queued)], static_cast<std::int64_t>(counts.at(Place::Queued)));
}

} // namespace webhook
