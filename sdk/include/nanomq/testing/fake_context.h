#pragma once

#include "nanomq/hooks.h"

#include <atomic>
#include <map>
#include <string>
#include <string_view>

namespace nanomq::sdk::testing
{

/// What hooks did with an event.
class FakeContext final : public HookContext
{
public:
    explicit FakeContext(std::atomic<int>& retained) : _retained(retained) {}

    std::map<std::string, std::string> set; ///< "topic", "payload", "qos", "clientId", …
    ReasonCode reason = 0;
    std::string reasonText;
    std::uint64_t deferral = 0; ///< 0: none

    Deferral defer(std::uint32_t, Verdict) override
    {
        deferral = 1;
        return {deferral};
    }
    Status setTopic(Str topic) override { return put("topic", topic.view()); }
    Status setPayload(Bytes payload) override { return put("payload", payload.view()); }
    Status setQoS(std::uint8_t qos) override { return put("qos", std::to_string(qos)); }
    Status addUserProperty(Str name, Str value) override
    {
        return put("userProperty." + std::string(name.view()), value.view());
    }
    Status setClientId(Str clientId) override { return put("clientId", clientId.view()); }
    Status setUserName(Str userName) override { return put("userName", userName.view()); }
    Status setAuthenticationData(Bytes data) override
    {
        return put("authenticationData", data.view());
    }
    void setReason(ReasonCode code, Str text) override
    {
        reason = code;
        reasonText = text.view();
    }
    Message* retain() override
    {
        ++_retained;
        return reinterpret_cast<Message*>(&_retained); // no more than a name
    }
    Status setAuthenticationState(Bytes state) override
    {
        return put("authenticationState", state.view());
    }
    Status setServerReference(Str reference) override
    {
        return put("serverReference", reference.view());
    }

private:
    Status put(const std::string& what, std::string_view value)
    {
        set[what] = value;
        return 0;
    }

    std::atomic<int>& _retained;
};

} // namespace nanomq::sdk::testing
