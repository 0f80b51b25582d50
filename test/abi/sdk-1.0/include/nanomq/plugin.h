#pragma once

#include "nanomq/hooks.h"

namespace nanomq::sdk
{
inline namespace v1
{

enum class LogLevel : std::int32_t
{
    Error = 3,
    Warning = 4,
    Information = 6,
    Debug = 7,
    Trace = 8,
};

/// The broker, as a plugin sees it. The broker implements it; it only grows at the end.
class Host
{
public:
    /// ABI version, major << 16 | minor.
    virtual std::uint32_t version() const = 0; ///< [any]
    /// An interface by its versioned name, such as "nanomq.tasks/1"; null when the broker has
    /// none. Valid until the plugin is destroyed. [any]
    virtual void* query(const char* interfaceId) = 0;
    /// Registers a hook; only inside Plugin::init(). All of a plugin's hooks become active at
    /// once, when init() has succeeded. -EINVAL for a spec that makes no sense. [host]
    virtual Status subscribe(const HookSpec* spec) = 0;
    /// Answers a deferral; Verdict::Error is answered as the hook's error policy says. Late and
    /// second answers are counted and ignored. [any]
    virtual void complete(Deferral deferral, Verdict verdict, ReasonCode reason, Str text) = 0;
    /// Gives back what HookContext::retain() gave. [any]
    virtual void release(Message* message) = 0;
    /// Tells of an error; counted, and logged at a limited rate. [any]
    virtual void error(Str where, Str what) = 0;
    /// Writes to the broker's log, under the plugin's name. [any]
    virtual void log(LogLevel level, Str text) = 0;

protected:
    ~Host() = default;
};

/// A plugin. This class is frozen: nothing will be added to it, ever.
///
/// Life: constructor, init(), [active], start(), …, [no hook runs any more], quiesce(),
/// destructor. Thread of all: [host].
class Plugin
{
public:
    virtual ~Plugin() = default;

    /// Reads the configuration, registers hooks, opens resources. Nothing is active yet.
    /// Not 0: the plugin is refused, and destroyed without quiesce(); say why with Host::error().
    virtual Status init(Host* host) = 0;
    /// Hooks are active, and may have run already. After a reload: state has been adopted.
    /// Not 0: the plugin is unloaded again.
    virtual Status start() = 0;
    /// No hook runs any more. Stop own threads, finish or keep what is queued, close.
    virtual void quiesce(std::uint32_t deadlineMs) = 0;
    /// An interface the plugin implements, such as "nanomq.handover/1"; null for others.
    virtual void* query(const char* interfaceId) = 0;
};

/// State that survives a reload; the plugin implements it and sets NANOMQ_PLUGIN_HAS_STATE.
class Handover
{
public:
    static constexpr const char* kInterface = "nanomq.handover/1";

    class Sink
    {
    public:
        virtual void write(Bytes bytes) = 0;

    protected:
        ~Sink() = default;
    };

    /// Old instance, after quiesce(). [host]
    virtual Status save(Sink* sink) = 0;
    /// New instance, before start(); its hooks may be running: merge, do not overwrite. The
    /// format and its version are the plugin's affair. Not 0: the old state is lost, and the
    /// reload reports it. [host]
    virtual Status adopt(Bytes state) = 0;

protected:
    ~Handover() = default;
};

/// A plugin's own word on whether it is fit to serve; it may implement it.
class Health
{
public:
    static constexpr const char* kInterface = "nanomq.health/1";

    /// Asked after init(), before any hook is active. Not 0: the plugin is refused; after a
    /// reload the old version goes on. Say why with Host::error(). [host]
    virtual Status check() = 0;

protected:
    ~Health() = default;
};

} // namespace v1
} // namespace nanomq::sdk
