#pragma once

#include "hook/KeptMessage.h"
#include "nanomq/hooks.h"

#include <cerrno>

namespace nanomq
{

/// What an observer may do: keep the message. Thread: the one that calls the observer.
class ObserverContext final : public sdk::HookContext
{
public:
    /// @param message  what the event is about; may be null.
    explicit ObserverContext(const Counted* message) noexcept : _message(message) {}

    sdk::Deferral defer(std::uint32_t, sdk::Verdict) override { return {0}; }
    sdk::Status setTopic(sdk::Str) override { return -EPERM; }
    sdk::Status setPayload(sdk::Bytes) override { return -EPERM; }
    sdk::Status setQoS(std::uint8_t) override { return -EPERM; }
    sdk::Status addUserProperty(sdk::Str, sdk::Str) override { return -EPERM; }
    sdk::Status setClientId(sdk::Str) override { return -EPERM; }
    sdk::Status setUserName(sdk::Str) override { return -EPERM; }
    sdk::Status setAuthenticationData(sdk::Bytes) override { return -EPERM; }
    void setReason(sdk::ReasonCode, sdk::Str) override {}
    sdk::Message* retain() override { return keepMessage(_message); }
    sdk::Status setAuthenticationState(sdk::Bytes) override { return -EPERM; }
    sdk::Status setServerReference(sdk::Str) override { return -EPERM; }

private:
    const Counted* const _message;
};

} // namespace nanomq
