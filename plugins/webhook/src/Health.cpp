#include "Health.h"

#include <Poco/Timestamp.h>

#include <algorithm>

namespace webhook
{

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void Health::starts()
{
    const std::lock_guard lock(_mutex);
    _started = true;
}

void Health::stops()
{
    const std::lock_guard lock(_mutex);
    _stopping = true;
}

std::optional<milliseconds> Health::noteSuccess(std::uint32_t failuresInARow)
{
    const std::lock_guard lock(_mutex);
    _everAnswered = true;
    if (failuresInARow == 0 || --_failingSenders > 0) return {};
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - _failingSince);
}

void Health::noteFailure(std::uint32_t failuresInARow)
{
    const std::lock_guard lock(_mutex);
    if (failuresInARow > 0) return;
    if (_failingSenders++ == 0) _failingSince = steady_clock::now();
}

void Health::noteError(const std::string& text)
{
    const std::lock_guard lock(_mutex);
    _lastError = text;
    _lastErrorMs = static_cast<std::uint64_t>(Poco::Timestamp().epochMicroseconds() / 1000);
}

void Health::waitUntil(SteadyTime time)
{
    const std::lock_guard lock(_mutex);
    _waitsUntil = std::max(_waitsUntil, time);
}

SteadyTime Health::waitsUntil() const
{
    const std::lock_guard lock(_mutex);
    return _waitsUntil;
}

Health::Report Health::report() const
{
    const std::lock_guard lock(_mutex);
    std::string state = _everAnswered ? "up" : "idle";
    if (_failingSenders > 0) state = "failing";
    if (!_started) state = "holding";
    if (_stopping) state = "stopping";
    return {state, _failingSenders, _lastError, _lastErrorMs};
}

} // namespace webhook
