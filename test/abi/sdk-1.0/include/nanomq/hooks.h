#pragma once

#include "nanomq/events.h"

namespace nanomq::sdk
{
inline namespace v1
{

/// Names one answer that is to come. Plain, to be kept and copied by the plugin.
struct Deferral
{
    std::uint64_t token;
};

/// What a hook may do beyond looking. The broker implements it; it only grows at the end.
/// Valid for the one call. Thread: [worker]; for offloaded observers [executor], and then only
/// retain() does anything.
class HookContext
{
public:
    /// Announces a later answer: return Verdict::Pending after it. Only this client waits; it is
    /// not read from meanwhile. At the deadline the answer is `onTimeout`. Token 0 (and nothing
    /// deferred) when the plugin has too many open deferrals: then return something else.
    virtual Deferral defer(std::uint32_t timeoutMs, Verdict onTimeout) = 0;

    // Each copies what it is given, and returns -EPERM where the hook point does not allow it,
    // -EINVAL for a value that MQTT does not allow.
    virtual Status setTopic(Str topic) = 0;
    virtual Status setPayload(Bytes payload) = 0;
    virtual Status setQoS(std::uint8_t qos) = 0;
    virtual Status addUserProperty(Str name, Str value) = 0;
    virtual Status setClientId(Str clientId) = 0;
    virtual Status setUserName(Str userName) = 0;
    virtual Status setAuthenticationData(Bytes data) = 0;

    /// With Verdict::Deny: the code that goes out, and words for log and Reason String.
    virtual void setReason(ReasonCode code, Str text) = 0;

    /// Keeps the event's message past the call; given back with Host::release(). Null when the
    /// event has none.
    virtual Message* retain() = 0;

    /// `client.enhanced_auth`, with Verdict::Continue: what the next step needs to know, at most
    /// 4,096 bytes. The broker keeps it with the connection, shows it to nobody else, and forgets
    /// it when the exchange ends; so a mechanism needs no table of exchanges. Copied; -EPERM at
    /// other points, -EINVAL when it is larger.
    virtual Status setAuthenticationState(Bytes state) = 0;

    /// `client.connect`, `client.authenticate` and `client.enhanced_auth`, with Verdict::Deny and
    /// the reason 0x9C (use another server) or 0x9D (server moved): which one (§4.11). A 5.0
    /// client is told. Copied; -EPERM at other points.
    virtual Status setServerReference(Str reference) = 0;

protected:
    ~HookContext() = default;
};

/// A hook: called with the event of the point it is registered for. Must not throw; HookedPlugin
/// in plugin_base.h makes one of a member function and sees to that.
using HookFunction = Verdict (*)(void* self, const EventHeader* event, HookContext* context);

// HookSpec::flags.

/// Observers run on the plugin's executor, from a bounded ring (the default: what is in the ring
/// is told later, in order for events of one client; when it is full, events are dropped and
/// counted). With kInline the observer runs on the worker, at once: it must return quickly.
inline constexpr std::uint32_t kInline = 1u << 0;
/// An error, or an open breaker, counts as Deny. Without it the hook is skipped.
inline constexpr std::uint32_t kFailClosed = 1u << 1;
/// Understands kDryRun (`nanomqctl explain`): decides as always, and leaves no trace: no counter, no
/// request, no defer() (which gives token 0). setReason() tells which rule decided, also with Allow and Next.
/// A hook that could only answer later returns Pending. Others are reported as "not asked".
inline constexpr std::uint32_t kDryRunAware = 1u << 2;

/// One registration.
struct HookSpec
{
    std::uint32_t size;
    HookPoint point;
    std::int16_t priority; ///< higher first; plugins of equal priority in the order they were loaded
    std::uint32_t flags;
    std::uint32_t filterCount;
    HookFunction function;
    void* self;
    /// Only events whose topic matches one of these Topic Filters; none: all. For observers of
    /// `message.published` they stand in the subscription index, so other topics cost nothing.
    const Str* topicFilters;
};

} // namespace v1
} // namespace nanomq::sdk
