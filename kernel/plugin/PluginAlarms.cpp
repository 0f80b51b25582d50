#include "plugin/PluginAlarms.h"

#include <cerrno>
#include <vector>

namespace nanomq
{

namespace
{

void show(const std::vector<Alarm>& alarms, sdk::Alarms::Visitor& visitor)
{
    for (const Alarm& alarm : alarms)
    {
        const auto severity = alarm.severity == AlarmSeverity::Error
                                  ? sdk::Alarms::Severity::Error
                                  : sdk::Alarms::Severity::Warning;
        const sdk::Alarms::Alarm shown{sizeof(sdk::Alarms::Alarm),
                                       severity,
                                       alarm.name,
                                       alarm.details,
                                       static_cast<std::uint64_t>(alarm.raisedAt),
                                       static_cast<std::uint64_t>(alarm.clearedAt),
                                       alarm.raised};
        visitor.alarm(&shown);
    }
}

} // namespace

PluginAlarms::PluginAlarms(AlarmList& alarms, const std::string& plugin)
    : _alarms(alarms), _prefix(plugin + '.')
{
}

PluginAlarms::~PluginAlarms()
{
    for (const auto& name : _standing) _alarms.clear(name);
}

sdk::Status PluginAlarms::raise(sdk::Str name, Severity severity, sdk::Str details)
{
    if (name.size == 0 || name.size > kMaximumName || severity > Severity::Error) return -EINVAL;
    const std::string whole = _prefix + std::string(name.view());
    std::lock_guard guard(_mutex);
    if (!_standing.contains(whole) && _standing.size() >= kMaximumStanding) return -ENOSPC;
    _standing.insert(whole);
    _alarms.raise(whole, severity == Severity::Error ? AlarmSeverity::Error : AlarmSeverity::Warning,
                  details.view());
    return 0;
}

sdk::Status PluginAlarms::clear(sdk::Str name)
{
    const std::string whole = _prefix + std::string(name.view());
    std::lock_guard guard(_mutex);
    _standing.erase(whole);
    return _alarms.clear(whole) ? 0 : -ENOENT;
}

void PluginAlarms::active(Visitor* visitor)
{
    if (visitor) show(_alarms.active(), *visitor);
}

void PluginAlarms::history(Visitor* visitor)
{
    if (visitor) show(_alarms.history(), *visitor);
}

} // namespace nanomq
