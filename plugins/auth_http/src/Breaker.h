#pragma once

#include "http/Backoff.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace auth_http
{

/// Leaves a server alone that fails: after a number of failures in a row nobody asks it for a
/// pause, then one request tries; if that fails, too, the pause is twice as long. Thread: one at a
/// time.
class Breaker
{
public:
    using Time = std::chrono::steady_clock::time_point;

    enum class State : std::uint8_t
    {
        Closed, ///< all may ask
        Open,   ///< nobody
        Trying, ///< one at a time
    };

    Breaker(std::uint32_t failures, std::chrono::milliseconds pause,
            std::chrono::milliseconds longestPause)
        : _limit(failures),
          _pause(pause),
          _longest(longestPause),
          _random(static_cast<unsigned>(Time::clock::now().time_since_epoch().count()))
    {
    }

    State state(Time now) const noexcept
    {
        if (_openings == 0) return State::Closed;
        return now < _until ? State::Open : State::Trying;
    }
    void succeeded() noexcept
    {
        _failures = 0;
        _openings = 0;
    }
    /// Returns whether the breaker has opened by this.
    /// @param sentAt  of the request: what was asked before the breaker opened says nothing new.
    bool failed(Time sentAt, Time now) noexcept
    {
        if (_openings > 0 && sentAt < _until) return false;
        if (_openings == 0 && ++_failures < _limit) return false;
        ++_openings;
        _until = now + http::backoff(_pause, _longest, _openings,
                                     std::uniform_real_distribution<>()(_random));
        return true;
    }
    Time until() const noexcept { return _until; }

private:
    const std::uint32_t _limit;
    const std::chrono::milliseconds _pause, _longest;
    std::minstd_rand _random;
    std::uint32_t _failures = 0; // in a row, while it is closed
    std::uint32_t _openings = 0; // in a row
    Time _until{};
};

/// Lets `rate` things a second through, and as many at once after a quiet second. Thread: one at a
/// time.
class TokenBucket
{
public:
    using Time = std::chrono::steady_clock::time_point;

    /// @param rate  0: no limit.
    explicit TokenBucket(std::uint32_t rate) noexcept : _rate(rate), _tokens(rate) {}

    /// Takes a token; else tells how long it will be until there is one.
    std::chrono::milliseconds take(Time now) noexcept
    {
        using Seconds = std::chrono::duration<double>;
        if (_rate == 0) return std::chrono::milliseconds(0);
        _tokens = std::min<double>(_rate, _tokens + Seconds(now - _filled).count() * _rate);
        _filled = now;
        if (_tokens >= 1)
        {
            _tokens -= 1;
            return std::chrono::milliseconds(0);
        }
        return std::chrono::ceil<std::chrono::milliseconds>(Seconds((1 - _tokens) / _rate));
    }

private:
    const std::uint32_t _rate;
    double _tokens;
    Time _filled{};
};

} // namespace auth_http
