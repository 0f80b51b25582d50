#pragma once

#include "nanomq/events.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

struct HookOutcome;

/// What a hook may have changed of an event.
enum class HookChange : std::uint8_t
{
    Topic = 1 << 0,
    Payload = 1 << 1,
    QoS = 1 << 2,
    UserProperty = 1 << 3,
    ClientId = 1 << 4,
    UserName = 1 << 5,
};
using HookChanges = std::uint8_t; // of HookChange

/// The changes as people read them: "topic \"a/c\", qos 1"; a payload by its size only.
std::string describeChanges(HookChanges changes, const HookOutcome& outcome);
/// "allow", "deny", …
std::string_view verdictName(sdk::Verdict verdict) noexcept;

/// Something a hook did that somebody may ask about afterwards: it refused, dropped, rewrote or
/// delayed. That it had no opinion, or allowed and changed nothing, is none.
struct HookDecision
{
    std::string_view plugin;
    const sdk::EventHeader& event; ///< what it was asked about, with its changes
    sdk::Verdict verdict;
    sdk::ReasonCode reason; ///< 0: it gave none
    std::string_view reasonText;
    HookChanges changes;
    const HookOutcome* outcome; ///< has the changed values; null when nothing was changed
    /// It is the answer to a deferral, that took so long; nothing: it came at once.
    bool late = false;
    bool timedOut = false;
    std::uint64_t waitedMs = 0;
};

/// Who is told of decisions; see HookBus::setWitness(). Must return quickly. Thread: [worker].
class HookWitness
{
public:
    virtual void decided(const HookDecision& decision) noexcept = 0;

protected:
    ~HookWitness() = default;
};

/// What one hook says when it is asked what it would do; see HookBus::askDry().
struct HookOpinion
{
    std::string plugin;
    sdk::HookPoint point{};
    std::int16_t priority = 0;
    bool asked = false; ///< false: see reasonText
    sdk::Verdict verdict = sdk::Verdict::Next;
    sdk::ReasonCode reason = 0;
    std::string reasonText;
    std::string changes; ///< see describeChanges()
};

} // namespace nanomq
