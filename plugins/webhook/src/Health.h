#pragma once

#include "Event.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace webhook
{

/// What is known of an endpoint. Thread: [any].
class Health
{
public:
    void starts();
    void stops();

    /// @param failuresInARow  of one sender, before this. Returns how long there was no good
    ///        answer, once all senders that failed have one again.
    std::optional<std::chrono::milliseconds> noteSuccess(std::uint32_t failuresInARow);
    void noteFailure(std::uint32_t failuresInARow);
    void noteError(const std::string& text);

    /// The endpoint has asked for patience (Retry-After): nobody knocks before then.
    void waitUntil(SteadyTime time);
    SteadyTime waitsUntil() const;

    struct Report
    {
        std::string state; ///< "idle", "up", "failing", "holding", "stopping"; see README.md
        std::size_t failingSenders;
        std::string lastError;
        std::uint64_t lastErrorMs; ///< Unix time; 0: none
    };
    Report report() const;

private:
    mutable std::mutex _mutex; // guards all of it
    bool _started = false;
    bool _stopping = false;
    bool _everAnswered = false;
    std::size_t _failingSenders = 0;
    SteadyTime _failingSince{};
    SteadyTime _waitsUntil{};
    std::string _lastError;
    std::uint64_t _lastErrorMs = 0;
};

} // namespace webhook
