#pragma once

#include "Decision.h"
#include "nanomq/services.h"

#include <array>
#include <string>

namespace auth_http
{

/// The plugin's counters and gauges in the broker's registry. Thread: [any].
class Figures
{
public:
    using Counter = nanomq::sdk::Metrics::Counter;

    /// What became of questions that no answer of the server settled at once.
    enum class Settled : std::uint8_t
    {
        Cached,  ///< from memory
        Joined,  ///< the same was being asked already
        Stale,   ///< from memory, as the server failed
        Late,    ///< nothing came until the deadline
        Busy,    ///< too many waited already
        Refused, ///< the breaker was open
    };
    static constexpr std::size_t kSettled = 6;
    static constexpr const char* kSettledNames[kSettled] = {"cached", "joined", "stale",
                                                            "late",   "busy",   "breaker"};

    explicit Figures(nanomq::sdk::Metrics& metrics)
        : kicked(*metrics.counter("auth_http_expired_total", "",
                                  "Clients disconnected since their authorisation expired")),
          inFlight(*metrics.gauge("auth_http_in_flight", "", "Requests on the wire")),
          queued(*metrics.gauge("auth_http_queued", "", "Questions that wait for a connection")),
          waiting(*metrics.gauge("auth_http_waiting", "", "Clients that wait for an answer")),
          connections(*metrics.gauge("auth_http_connections", "", "Connections in the pool")),
          breakerOpen(
              *metrics.gauge("auth_http_breaker_open", "", "1 while the server is left alone"))
    {
        for (std::size_t k = 0; k < kKinds; ++k)
            for (std::size_t d = 0; d < kDecisionKinds; ++d)
                answers[k][d] = metrics.counter(
                    "auth_http_answers_total",
                    "request=\"" + std::string(kindName(static_cast<Kind>(k))) + "\",answer=\"" +
                        decisionName(static_cast<Decision::Kind>(d)) + "\"",
                    "Requests made, by what came of them");
        for (std::size_t s = 0; s < kSettled; ++s)
            settled[s] = metrics.counter("auth_http_settled_total",
                                         "how=\"" + std::string(kSettledNames[s]) + "\"",
                                         "Questions settled without a request of their own");
    }

    void count(Kind kind, Decision::Kind decision)
    {
        answers[static_cast<std::size_t>(kind)][static_cast<std::size_t>(decision)]->add(1);
    }
    void count(Settled how) { settled[static_cast<std::size_t>(how)]->add(1); }

    std::array<std::array<Counter*, kDecisionKinds>, kKinds> answers{};
    std::array<Counter*, kSettled> settled{};
    Counter &kicked, &inFlight, &queued, &waiting, &connections, &breakerOpen;
};

} // namespace auth_http
