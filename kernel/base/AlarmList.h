#pragma once

#include "base/Clock.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

enum class AlarmSeverity : std::uint8_t
{
    Warning, // something is lost or slow
    Error,   // an operator must act
};
std::string_view alarmSeverityName(AlarmSeverity severity) noexcept;

/// Something that is wrong with the broker, or was.
struct Alarm
{
    std::string name; // "memory", "webhook.endpoint"
    AlarmSeverity severity = AlarmSeverity::Warning;
    std::string details;     // of the last time it was raised
    UnixMs raisedAt = 0;
    UnixMs clearedAt = 0;    // 0: it stands
    std::uint64_t raised = 0; // how often since it stands
};

/// What is wrong now, and what was lately: for nanomqctl, plugins and the log.
///
/// An alarm is a state and not an event: raised again, it still stands once, and tells how often.
/// Thread: [any].
class AlarmList
{
public:
    /// Alarms that stand at the same time, and those that are remembered when they are over.
    /// Above the first, raise() does nothing but count.
    static constexpr std::size_t kMaximumActive = 1'000;
    static constexpr std::size_t kMaximumHistory = 200;
    /// What is longer is cut off.
    static constexpr std::size_t kMaximumName = 128;
    static constexpr std::size_t kMaximumDetails = 1'024;

    /// How an alarm changed: it was raised, or is over.
    using Changed = std::function<void(const Alarm&)>;

    /// Called for every alarm that begins to stand, and that is cleared. [main], before others.
    void onChange(Changed call) { _changed = std::move(call); }

    /// Stands until clear(). Returns whether it did not stand before.
    bool raise(std::string_view name, AlarmSeverity severity, std::string_view details);
    /// Stands until it was not raised for so long: for what is noticed only when it happens.
    bool raiseFor(std::chrono::milliseconds duration, std::string_view name,
                  AlarmSeverity severity, std::string_view details);
    /// Returns whether it stood.
    bool clear(std::string_view name);
    /// Every alarm whose name begins so.
    void clearAll(std::string_view prefix);
    /// Clears what was not raised for long enough. Called about once a second.
    void expire(MonotonicMs now);

    /// Those that stand, by name.
    std::vector<Alarm> active() const;
    /// Those that are over, the latest first.
    std::vector<Alarm> history() const;
    std::size_t activeCount() const;

private:
    struct Standing
    {
        Alarm alarm;
        MonotonicMs until = kNever;
    };
    using Active = std::map<std::string, Standing, std::less<>>;

    bool stand(MonotonicMs until, std::string_view name, AlarmSeverity severity,
               std::string_view details);
    Alarm end(Active::iterator at);
    void tell(const std::vector<Alarm>& changed) const;

    Changed _changed;
    mutable std::mutex _mutex; // guards all below
    Active _active;
    std::deque<Alarm> _history; // the latest in front
};

} // namespace nanomq
