#pragma once

#include "nanomq/types.h"

// What an administrator does: to plugins, for clients, and to the broker as a whole.

namespace nanomq::sdk
{
inline namespace v1
{

/// The plugins of the broker.
class PluginAdmin
{
public:
    static constexpr const char* kInterface = "nanomq.plugin_admin/1";

    struct Plugin
    {
        std::uint32_t size;
        std::uint32_t hooks; ///< registered
        std::uint64_t loadedAtMs, generation;
        std::uint64_t events;  ///< handed to its observers
        std::uint64_t dropped; ///< events that found its queue full
        std::uint64_t queued, errors, openDeferrals;
        Str name, version;
        Str state;  ///< "active", "absent", "failed", …
        Str reason; ///< why it is in that state, when there is something to say
        Str lastError;
        Str file;
    };
    /// What a hook of a plugin has done since the plugin was loaded.
    struct Hook
    {
        std::uint32_t size;
        std::int32_t priority;
        std::uint64_t calls, errors, deferrals, timeouts;
        std::uint64_t samples, sampledNs; ///< of calls whose time was taken
        Str plugin;
        Str point; ///< "message.publish"
    };
    class Visitor
    {
    public:
        virtual void plugin(const Plugin& plugin) = 0;
        virtual void hook(const Hook& hook) = 0; ///< after its plugin

    protected:
        ~Visitor() = default;
    };
    /// Those that are loaded, were, or lie in the plugin folder, by name; an empty name: all.
    /// -ENOENT when there is none of that name. [any]
    virtual Status list(Str name, Visitor* visitor) = 0;

    enum class Action : std::uint32_t
    {
        Load = 1,
        Unload = 2,
        Reload = 3,
    };
    /// Begins a job, which runs after those that were begun before. A plugin may begin one on
    /// itself, but then must not wait for it. -ENOBUFS when too many wait. [any]
    virtual Status begin(Action action, Str name, std::uint64_t* job) = 0;

    class Outcome
    {
    public:
        /// `code` is empty when all went well, else "not_found", "already_loaded", "not_loaded",
        /// "refused", "stuck".
        virtual void outcome(Str code, Str message) = 0;

    protected:
        ~Outcome() = default;
    };
    /// What came of a job; waits for it. -EAGAIN when it is not done by then: ask again, or
    /// forget it. -ENOENT for a job whose outcome was told already, or that is none. [any], not a
    /// worker. Never wait without an end: the job in front may be to unload the caller.
    virtual Status outcome(std::uint64_t job, std::uint32_t waitMs, Outcome* outcome) = 0;

protected:
    ~PluginAdmin() = default;
};

/// What is done for clients; see also Broker::kick().
class ClientAdmin
{
public:
    static constexpr const char* kInterface = "nanomq.client_admin/1";

    /// Subscribes for a client that is connected, or unsubscribes; nothing happens if it is not.
    /// No hook is asked. Soon, after this call has returned. -EINVAL for what is no Topic Filter
    /// or QoS. [any]
    virtual Status subscribe(Str clientId, Str topicFilter, std::uint8_t qos) = 0;
    virtual Status unsubscribe(Str clientId, Str topicFilter) = 0;

protected:
    ~ClientAdmin() = default;
};

/// The broker as a whole.
class BrokerAdmin
{
public:
    static constexpr const char* kInterface = "nanomq.broker_admin/1";

    struct Info
    {
        std::uint32_t size;
        std::uint32_t workers;
        std::uint64_t startedAtMs; ///< Unix time
        std::uint64_t processId;
        Str version; ///< valid as long as the broker
    };
    virtual Status info(Info* info) = 0; ///< [any]

    /// Ends the broker, or starts it anew; soon, after this call has returned. [any]
    virtual Status stop() = 0;
    virtual Status restart() = 0;

    class Text
    {
    public:
        virtual void text(Str text) = 0;

    protected:
        ~Text() = default;
    };
    /// Writes one key of a configuration file; an empty `plugin` means nanomq.conf. The value
    /// stands in for what the file had, comments stay, and the whole is checked before anything is
    /// changed. Takes effect with the next start. -EINVAL: `problem` gets what is wrong, -EIO: the
    /// file cannot be written. [any], not a worker.
    struct Setting
    {
        Str key, value;
    };
    virtual Status configure(Str plugin, const Setting* settings, std::uint32_t count,
                             Text* problem) = 0;

    class SettingVisitor
    {
    public:
        /// Values that are secret are not shown: `secret`, and an empty value.
        virtual void setting(Str key, Str value, Str where, std::uint8_t secret) = 0;

    protected:
        ~SettingVisitor() = default;
    };
    /// The kernel's keys with the values the broker runs with, defaults included. [any]
    virtual Status settings(SettingVisitor* visitor) = 0;

    /// The level of the broker's log: "error", "warning", "information", "debug", "trace".
    /// -EINVAL for another word. Until the next start. [any]
    virtual Status setLogLevel(Str level) = 0;
    virtual Str logLevel() = 0; ///< [any]

protected:
    ~BrokerAdmin() = default;
};

} // namespace v1
} // namespace nanomq::sdk
