#pragma once

#include "nanomq/plugin.h"

namespace nanomq::sdk
{
inline namespace v1
{

/// What is wrong now, and what was lately: for operators, in `nanomqctl alarms` and the log.
///
/// An alarm is a state and not an event: raise it as often as you like, it stands once, and clear it
/// when things are well. Those of a plugin end with it.
class Alarms
{
public:
    static constexpr const char* kInterface = "nanomq.alarms/1";

    enum class Severity : std::uint32_t
    {
        Warning = 0, ///< something is lost or slow
        Error = 1,   ///< an operator must act
    };

    struct Alarm
    {
        std::uint32_t size;
        Severity severity;
        Str name;    ///< a plugin's begins with its own: "webhook.endpoint"
        Str details; ///< of the last time it was raised
        std::uint64_t raisedAtMs;  ///< Unix time
        std::uint64_t clearedAtMs; ///< 0: it stands
        std::uint64_t raised;      ///< how often since it stands
    };

    class Visitor
    {
    public:
        /// Valid for the call.
        virtual void alarm(const Alarm* alarm) = 0;

    protected:
        ~Visitor() = default;
    };

    /// @param name     without the plugin's own, which the broker puts in front: "endpoint".
    /// @param details  a sentence; at most 1,024 bytes are kept.
    /// -EINVAL for an empty name or one of more than 64 bytes, -ENOSPC when this plugin has 100
    /// alarms that stand. [any]
    virtual Status raise(Str name, Severity severity, Str details) = 0;
    /// -ENOENT when it does not stand. [any]
    virtual Status clear(Str name) = 0;
    /// All that stand, by name, the broker's and other plugins' included. [any]
    virtual void active(Visitor* visitor) = 0;
    /// Those that are over, the latest first; 200 are remembered. [any]
    virtual void history(Visitor* visitor) = 0;

protected:
    ~Alarms() = default;
};

} // namespace v1
} // namespace nanomq::sdk
