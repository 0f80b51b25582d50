#pragma once

#include "hook/TimeHistogram.h"

#include <chrono>
#include <cstdint>

namespace nanomq
{

/// What one worker takes the time of. Thread: [worker], but for reading the histograms.
class Latency
{
public:
    /// A PUBLISH is about to be routed; one in 128 is timed, at most one a turn.
    void publishBegins() noexcept
    {
        if ((++_publishes & kMask) != 0 || _publishedAtNs != 0) [[likely]]
            return;
        _publishedAtNs = nowNs();
    }
    /// What the turn appended has been written.
    void flushed() noexcept
    {
        if (_publishedAtNs == 0) [[likely]]
            return;
        _messages.add(nowNs() - _publishedAtNs);
        _publishedAtNs = 0;
    }
    void connected(std::uint64_t sinceNs) noexcept { _connects.add(nowNs() - sinceNs); }

    static std::uint64_t nowNs() noexcept
    {
        return static_cast<std::uint64_t>(
            std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
    }

    /// From routing a PUBLISH to the last write of its turn.
    const TimeHistogram& messages() const noexcept { return _messages; }
    /// From a whole CONNECT to its CONNACK: authentication and what else hooks do.
    const TimeHistogram& connects() const noexcept { return _connects; }

private:
    static constexpr std::uint64_t kMask = 127;

    std::uint64_t _publishes = 0;
    std::uint64_t _publishedAtNs = 0; // 0: none is being timed
    TimeHistogram _messages;
    TimeHistogram _connects;
};

} // namespace nanomq
