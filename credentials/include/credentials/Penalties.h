#pragma once

#include "credentials/Record.h"

#include <algorithm>
#include <chrono>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace credentials
{

/// How long the answer to a wrong password waits: `shortest`, and twice that with each further one
/// from the same address for the same user, up to `longest`; a right one ends it. Bounded: the
/// oldest entries make room. Thread: [any].
class Penalties
{
public:
    using Clock = std::chrono::steady_clock;
    using Duration = std::chrono::milliseconds;

    static constexpr std::size_t kEntries = 10'000;

    Penalties(Duration shortest, Duration longest)
        : _shortest(shortest), _longest(std::max(shortest, longest)), _key(randomBytes(kHashBytes))
    {
    }

    /// Counts a wrong answer and returns its delay.
    Duration wrong(std::string_view address, std::string_view user, Clock::time_point now)
    {
        const auto name = nameOf(address, user);
        const std::lock_guard lock(_mutex);
        const auto found = _entries.find(name);
        Duration delay = _shortest;
        if (found != _entries.end())
        {
            const auto& entry = *found->second;
            if (now - entry.at < kForgottenAfter) delay = std::min(2 * entry.delay, _longest);
            _order.erase(found->second);
            _entries.erase(found);
        }
        else if (_entries.size() >= kEntries)
        {
            _entries.erase(_order.front().name);
            _order.pop_front();
        }
        _entries[name] = _order.insert(_order.end(), {name, delay, now});
        return delay;
    }
    /// The right answer came.
    void right(std::string_view address, std::string_view user)
    {
        const auto name = nameOf(address, user);
        const std::lock_guard lock(_mutex);
        const auto found = _entries.find(name);
        if (found == _entries.end()) return;
        _order.erase(found->second);
        _entries.erase(found);
    }

private:
    struct Entry
    {
        std::string name;
        Duration delay;
        Clock::time_point at;
    };
    static constexpr std::chrono::minutes kForgottenAfter{5};

    /// Short, whatever a client calls itself, and nobody can look for one that meets another's.
    std::string nameOf(std::string_view address, std::string_view user) const
    {
        return hmacSha256(_key, std::string(address) + '\0' + std::string(user)).substr(0, 16);
    }

    const Duration _shortest, _longest;
    const std::string _key;
    std::mutex _mutex; // guards what follows
    std::list<Entry> _order; // oldest first
    std::unordered_map<std::string, std::list<Entry>::iterator> _entries;
};

} // namespace credentials
