#include "broker/RecentCounts.h"

namespace nanomq
{

bool RecentCounts::add(std::string_view who, MonotonicMs now)
{
    if (!counts()) return false;
    std::lock_guard guard(_mutex);
    auto found = _counts.find(who);
    if (found == _counts.end())
    {
        makeRoom(now);
        found = _counts.emplace(who, Count{now, 0}).first;
    }
    Count& count = found->second;
    if (now - count.since > _rule.window.count()) count = {now, 0};
    if (++count.number < _rule.count) return false;
    _counts.erase(found);
    return true;
}

void RecentCounts::makeRoom(MonotonicMs now)
{
    if (_counts.size() < kMaximum) return;
    // Looking through all of them each time would be what a flood of addresses wants.
    if (now - _sweptAt >= _rule.window.count())
        std::erase_if(_counts, [&](const auto& entry) {
            return now - entry.second.since > _rule.window.count();
        });
    _sweptAt = now;
    if (_counts.size() >= kMaximum) _counts.clear();
}

} // namespace nanomq
