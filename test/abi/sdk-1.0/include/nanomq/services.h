#pragma once

#include "nanomq/admin.h"
#include "nanomq/http_routes.h"
#include "nanomq/alarms.h"
#include "nanomq/bans.h"
#include "nanomq/metrics_reader.h"
#include "nanomq/plugin.h"
#include "nanomq/query.h"
#include "nanomq/registry.h"
#include "nanomq/storage.h"
#include "nanomq/transports.h"

// What the broker offers beyond hooks. Each is fetched with Host::query(Interface::kInterface).
// The broker implements them; they only grow at the end. Everything registered through them is
// tagged with the plugin and withdrawn when it is unloaded.

namespace nanomq::sdk
{
inline namespace v1
{

/// The plugin's own file, conf.d/NAME.conf, with environment and command line applied.
/// Keys are whole, as written: "web.hook.url". Thread: [any]; views live as long as the plugin.
class Config
{
public:
    static constexpr const char* kInterface = "nanomq.config/1";

    class Visitor
    {
    public:
        /// @param where  "conf.d/webhook.conf:12", or what else gave the value.
        virtual void key(Str key, Str value, Str where) = 0;

    protected:
        ~Visitor() = default;
    };

    /// False when the key is absent.
    virtual bool text(Str key, Str* value) = 0;
    /// "file:line" of a key, for error messages; the file's name for a key that is absent.
    virtual Str where(Str key) = 0;
    /// Every key that begins with `prefix`, in the order of the file.
    virtual void keys(Str prefix, Visitor* visitor) = 0;

protected:
    ~Config() = default;
};

/// Work that the broker runs for the plugin, and ends before it unloads it.
class Tasks
{
public:
    static constexpr const char* kInterface = "nanomq.tasks/1";

    class Stop
    {
    public:
        virtual bool requested() const = 0;
        /// Sleeps until the thread is to stop, is notified, or the time is over. A notification
        /// since the last wait() ends it at once.
        virtual void wait(std::uint32_t milliseconds) = 0;
        /// Wakes a thread that is in wait(); remembered for the next one when it is not. [any]
        virtual void notify() = 0;

    protected:
        ~Stop() = default;
    };

    /// Starts a thread; it must return soon after stop->requested(). Joined before quiesce()
    /// is over for the host, that is, before the code goes away. It may end before; `stop` is
    /// valid until `run` returns. The stack has 1 MiB. -EAGAIN beyond 320 at a time. Not for hooks
    /// on workers: starting a thread takes a moment. [any]
    virtual Status thread(Str name, void (*run)(void* self, Stop* stop), void* self) = 0;
    /// Runs a function once on the plugin's executor, after what was posted before. [any]
    virtual Status post(void (*run)(void* self), void* self) = 0;
    /// Calls a function every `periodMs` (0: once) on the plugin's executor. [any]
    virtual Status timer(std::uint32_t firstMs, std::uint32_t periodMs, void (*run)(void* self),
                         void* self, std::uint64_t* id) = 0;
    /// Ends a timer; when it returns, the function does not run and will not (unless the timer
    /// cancels itself). [any]
    virtual void cancel(std::uint64_t id) = 0;

protected:
    ~Tasks() = default;
};

/// The broker's own business.
class Broker
{
public:
    static constexpr const char* kInterface = "nanomq.broker/1";

    struct Publication
    {
        std::uint32_t size;
        std::uint8_t qos, retain, reserved[2];
        Str topic;
        Bytes payload;
        Bytes properties;            ///< encoded as in §2.2.2; may be empty
        std::uint32_t expirySeconds; ///< 0xFFFFFFFF: none
    };

    /// Publishes; copied at once, routed by a worker soon. -EINVAL for what MQTT does not allow,
    /// -ENOBUFS when too much is waiting already. [any]
    virtual Status publish(const Publication* publication) = 0;
    /// Closes a client's connection with a Reason Code; nothing happens if there is none. [any]
    virtual Status kick(Str clientId, ReasonCode reason) = 0;
    /// What a retained message shows; valid until it is released. [any]
    virtual Status message(const Message* message, MessagePublished* view) = 0;
    /// Rights have changed: asks `client.authorize` (Access::Receive) for every subscription of
    /// this client (empty: of all clients) that is connected, and ends those that are denied; and
    /// Access::Will for its Will. Soon, in small steps; sessions without a connection are asked about when they are resumed. [any]
    virtual Status reauthorize(Str clientId) = 0;

protected:
    ~Broker() = default;
};

/// Counters and gauges in the broker's one registry. Series belong to the broker: they survive a
/// reload, so that no graph jumps. Names are Prometheus': "webhook_events_total".
class Metrics
{
public:
    static constexpr const char* kInterface = "nanomq.metrics/1";

    /// One figure. Adding is a relaxed atomic addition. [any]
    class Counter
    {
    public:
        virtual void add(std::int64_t by) = 0;
        virtual void set(std::int64_t value) = 0; ///< gauges
        virtual std::int64_t value() const = 0;

    protected:
        ~Counter() = default;
    };

    /// The counter of that name and labels ("endpoint=\"a\""; may be empty), made when it is new. [any]
    virtual Counter* counter(Str name, Str labels, Str help) = 0;
    virtual Counter* gauge(Str name, Str labels, Str help) = 0;

protected:
    ~Metrics() = default;
};

/// Verbs for nanomqctl: `nanomqctl webhook status`. Work with `--json` too.
class Control
{
public:
    static constexpr const char* kInterface = "nanomq.control/1";

    class Reply
    {
    public:
        /// The result, one JSON value.
        virtual void json(Str text) = 0;
        /// Or a refusal: a code such as "not_found", and a sentence.
        virtual void error(Str code, Str message) = 0;

    protected:
        ~Reply() = default;
    };

    /// @param path  the words of the verb after the plugin's name: "status", "dead list".
    /// @param run   called with a JSON object of arguments, on the control thread; may take a
    ///              moment, must not block for long.
    virtual Status command(Str path, Str help,
                           void (*run)(void* self, Str argumentsJson, Reply* reply),
                           void* self) = 0; ///< [host]

protected:
    ~Control() = default;
};

} // namespace v1
} // namespace nanomq::sdk
