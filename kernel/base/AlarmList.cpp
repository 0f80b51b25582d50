#include "base/AlarmList.h"

#include <utility>

namespace nanomq
{

std::string_view alarmSeverityName(AlarmSeverity severity) noexcept
{
    return severity == AlarmSeverity::Error ? "error" : "warning";
}

bool AlarmList::raise(std::string_view name, AlarmSeverity severity, std::string_view details)
{
    return stand(kNever, name, severity, details);
}

bool AlarmList::raiseFor(std::chrono::milliseconds duration, std::string_view name,
                         AlarmSeverity severity, std::string_view details)
{
    return stand(monotonicNow() + duration.count(), name, severity, details);
}

bool AlarmList::stand(MonotonicMs until, std::string_view name, AlarmSeverity severity,
                      std::string_view details)
{
    name = name.substr(0, kMaximumName);
    details = details.substr(0, kMaximumDetails);
    Alarm begun;
    {
        std::lock_guard guard(_mutex);
        auto found = _active.find(name);
        const bool isNew = found == _active.end();
        if (isNew)
        {
            if (_active.size() >= kMaximumActive) return false;
            found = _active.emplace(name, Standing{}).first;
            found->second.alarm.name = name;
            found->second.alarm.raisedAt = unixNow();
        }
        Standing& standing = found->second;
        standing.until = until;
        standing.alarm.severity = severity;
        standing.alarm.details = details;
        ++standing.alarm.raised;
        if (!isNew) return false;
        begun = standing.alarm;
    }
    tell({std::move(begun)});
    return true;
}

Alarm AlarmList::end(Active::iterator at)
{
    Alarm over = std::move(at->second.alarm);
    over.clearedAt = unixNow();
    _active.erase(at);
    _history.push_front(over);
    if (_history.size() > kMaximumHistory) _history.pop_back();
    return over;
}

bool AlarmList::clear(std::string_view name)
{
    std::vector<Alarm> over;
    {
        std::lock_guard guard(_mutex);
        const auto found = _active.find(name.substr(0, kMaximumName));
        if (found == _active.end()) return false;
        over.push_back(end(found));
    }
    tell(over);
    return true;
}

void AlarmList::clearAll(std::string_view prefix)
{
    std::vector<Alarm> over;
    {
        std::lock_guard guard(_mutex);
        auto at = _active.lower_bound(prefix);
        while (at != _active.end() && at->first.starts_with(prefix)) over.push_back(end(at++));
    }
    tell(over);
}

void AlarmList::expire(MonotonicMs now)
{
    std::vector<Alarm> over;
    {
        std::lock_guard guard(_mutex);
        for (auto at = _active.begin(); at != _active.end();)
        {
            const auto here = at++;
            if (here->second.until <= now) over.push_back(end(here));
        }
    }
    tell(over);
}

void AlarmList::tell(const std::vector<Alarm>& changed) const
{
    if (!_changed) return;
    for (const Alarm& alarm : changed) _changed(alarm);
}

std::vector<Alarm> AlarmList::active() const
{
    std::lock_guard guard(_mutex);
    std::vector<Alarm> list;
    list.reserve(_active.size());
    for (const auto& [name, standing] : _active) list.push_back(standing.alarm);
    return list;
}

std::vector<Alarm> AlarmList::history() const
{
    std::lock_guard guard(_mutex);
    return {_history.begin(), _history.end()};
}

std::size_t AlarmList::activeCount() const
{
    std::lock_guard guard(_mutex);
    return _active.size();
}

} // namespace nanomq
