#pragma once

#include "base/AlarmList.h"
#include "nanomq/alarms.h"

#include <mutex>
#include <set>
#include <string>

namespace nanomq
{

/// nanomq.alarms/1 for one plugin. Clears at its end what the plugin has left standing.
/// Thread: [any].
class PluginAlarms final : public sdk::Alarms
{
public:
    /// @param alarms  outlives this.
    PluginAlarms(AlarmList& alarms, const std::string& plugin);
    ~PluginAlarms();
    PluginAlarms(const PluginAlarms&) = delete;
    PluginAlarms& operator=(const PluginAlarms&) = delete;

    sdk::Status raise(sdk::Str name, Severity severity, sdk::Str details) override;
    sdk::Status clear(sdk::Str name) override;
    void active(Visitor* visitor) override;
    void history(Visitor* visitor) override;

private:
    static constexpr std::size_t kMaximumName = 64;
    static constexpr std::size_t kMaximumStanding = 100;

    AlarmList& _alarms;
    const std::string _prefix;
    std::mutex _mutex; // guards _standing; taken before the list's
    std::set<std::string> _standing;
};

} // namespace nanomq
