#pragma once

#include "Decision.h"

#include <algorithm>
#include <chrono>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace auth_http
{

/// What the server answered, by the whole question. When it is full, what was asked least lately
/// makes room. Thread: one at a time.
class AnswerCache
{
public:
    using Time = std::chrono::steady_clock::time_point;

    enum class Use : std::uint8_t
    {
        Often,
        Once, ///< came too late for who had asked, and waits for it to come back
    };

    explicit AnswerCache(std::size_t entries) : _entries(entries) {}

    /// A decision that still holds; null if there is none. Valid until the next call.
    const Decision* fresh(const std::string& question, Time now)
    {
        const auto found = _byQuestion.find(question);
        if (found == _byQuestion.end() || now >= found->second->until) return nullptr;
        if (found->second->use == Use::Often)
        {
            _order.splice(_order.end(), _order, found->second);
            return &found->second->decision;
        }
        _used = std::move(found->second->decision);
        erase(found);
        return &_used;
    }
    /// One that may be used while the server fails.
    const Decision* stale(const std::string& question, Time now) const
    {
        const auto found = _byQuestion.find(question);
        if (found == _byQuestion.end() || now >= found->second->staleUntil) return nullptr;
        return &found->second->decision;
    }
    void put(const std::string& question, Decision decision, Time until, Time staleUntil, Use use)
    {
        if (_entries == 0) return;
        if (const auto found = _byQuestion.find(question); found != _byQuestion.end()) erase(found);
        else if (_byQuestion.size() >= _entries) erase(_byQuestion.find(_order.front().question));
        _order.push_back({question, std::move(decision), until, staleUntil, use});
        _byQuestion.emplace(_order.back().question, std::prev(_order.end()));
    }
    /// Forgets an answer that another has taken the place of.
    void drop(const std::string& question)
    {
        if (const auto found = _byQuestion.find(question); found != _byQuestion.end()) erase(found);
    }
    std::size_t size() const noexcept { return _byQuestion.size(); }
    void clear()
    {
        _byQuestion.clear();
        _order.clear();
    }

private:
    struct Entry
    {
        std::string question;
        Decision decision;
        Time until, staleUntil;
        Use use;
    };
    using Entries = std::list<Entry>;
    using Index = std::unordered_map<std::string_view, Entries::iterator>; // views of the entries

    void erase(Index::iterator found)
    {
        const auto entry = found->second;
        _byQuestion.erase(found);
        _order.erase(entry);
    }

    const std::size_t _entries;
    Entries _order; // least lately used first
    Index _byQuestion;
    Decision _used;
};

} // namespace auth_http
