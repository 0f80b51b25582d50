#pragma once

#include "credentials/Record.h"

#include <chrono>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace auth_file
{

/// Which passwords were right lately, so that a client that comes back costs no hash again. Holds
/// keyed hashes of the whole question only; the key is made anew with each instance. Thread: [any].
class VerifiedCache
{
public:
    using Clock = std::chrono::steady_clock;

    VerifiedCache(std::size_t entries, std::chrono::milliseconds time)
        : _entries(entries), _time(time), _key(credentials::randomBytes(credentials::kHashBytes))
    {
    }

    /// What stands for a question: 32 bytes.
    std::string nameOf(std::string_view user, std::string_view password) const
    {
        // The length in front keeps "ab" + "c" and "a" + "bc" apart.
        std::string question = std::to_string(user.size()) + ':';
        question.append(user).append(password);
        auto name = credentials::hmacSha256(_key, question);
        std::fill(question.begin(), question.end(), '\0');
        return name;
    }
    bool contains(const std::string& name, Clock::time_point now)
    {
        const std::lock_guard lock(_mutex);
        const auto found = _byName.find(name);
        return found != _byName.end() && now < found->second->until;
    }
    void add(const std::string& name, Clock::time_point now)
    {
        if (_entries == 0 || _time.count() == 0) return;
        const std::lock_guard lock(_mutex);
        if (const auto found = _byName.find(name); found != _byName.end())
        {
            _order.erase(found->second);
            _byName.erase(found);
        }
        else if (_byName.size() >= _entries)
        {
            _byName.erase(_order.front().name);
            _order.pop_front();
        }
        _byName[name] = _order.insert(_order.end(), {name, now + _time});
    }

private:
    struct Entry
    {
        std::string name;
        Clock::time_point until;
    };

    const std::size_t _entries;
    const std::chrono::milliseconds _time;
    const std::string _key;
    std::mutex _mutex; // guards what follows
    std::list<Entry> _order; // oldest first
    std::unordered_map<std::string, std::list<Entry>::iterator> _byName;
};

} // namespace auth_file
