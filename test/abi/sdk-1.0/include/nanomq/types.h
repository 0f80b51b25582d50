#pragma once

#include "nanomq/abi.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

/// The SDK of the broker's plugins.
///
/// What crosses the border between broker and plugin is C-shaped: plain structs, views, function
/// pointers, and abstract classes without data. No standard or Poco type, no exception.
///
/// Words used for threads throughout:
/// - [worker]    an event loop of the broker; never block: no DNS, disk, HTTP, sleep, waiting
/// - [host]      the plugin manager's one thread
/// - [executor]  a thread of the plugin's own; may block
/// - [any]       any thread, at the same time as others
namespace nanomq::sdk
{
inline namespace v1
{

/// Text that somebody else owns; not terminated. Valid for the call it comes with, unless its
/// description says otherwise. `data` may be null when `size` is 0.
struct Str
{
    const char* data = nullptr;
    std::uint64_t size = 0;

    constexpr Str() noexcept = default;
    constexpr Str(std::string_view text) noexcept : data(text.data()), size(text.size()) {}
    constexpr Str(const char* text) noexcept : Str(std::string_view(text)) {}
    template <class String>
        requires requires(const String& s) { std::string_view(s); }
    constexpr Str(const String& text) noexcept : Str(std::string_view(text)) {}
    constexpr std::string_view view() const noexcept { return {data, static_cast<std::size_t>(size)}; }
};

/// Bytes that somebody else owns; as Str.
struct Bytes
{
    const void* data = nullptr;
    std::uint64_t size = 0;

    std::string_view view() const noexcept
    {
        return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
    }
};

/// What a hook answers.
enum class Verdict : std::int32_t
{
    Next = 0,    ///< no opinion: the next one is asked, and at the end the broker's own rule holds
    Allow = 1,   ///< ends the chain: yes
    Deny = 2,    ///< ends the chain: no, with the Reason Code of HookContext::setReason()
    Drop = 3,    ///< `message.publish` only: acknowledge, and do not route
    Pending = 4, ///< the answer comes later; only after HookContext::defer()
    Continue = 5, ///< `client.enhanced_auth` only: one more round, AUTH 0x18 goes out
    Error = -1,  ///< the hook failed: counted; as Next, or as Deny with kFailClosed
};

/// 0, or a negative errno number.
using Status = std::int32_t;

/// Reason Codes are MQTT 5.0's (§2.4), also for 3.x clients: the broker translates.
using ReasonCode = std::uint8_t;

/// A client as it was when it connected. The object and what it shows stay valid as long as the
/// event, or a message that is kept (HookContext::retain), refers to it.
struct ClientInfo
{
    std::uint32_t size;
    std::uint8_t protocolVersion; ///< 3, 4, 5
    std::uint8_t cleanStart;
    std::uint8_t hasUserName; ///< absent and empty are different things
    std::uint8_t reserved0;
    std::uint16_t keepAliveSeconds;
    std::uint16_t peerPort;
    std::uint32_t reserved1;
    std::uint64_t connectedAtMs; ///< Unix time
    Str clientId;
    Str userName;
    Str peerAddress; ///< "192.0.2.7", "::1", or a path
    Str listener;    ///< the URL it came in by
    Str certificateCommonName; ///< of the client's certificate, if one was verified; else empty
    Str certificateSubject;    ///< all of its subject: "CN=device7,O=Plant" (RFC 2253)
};

/// A kept Application Message; see HookContext::retain() and Broker::message().
struct Message;

} // namespace v1
} // namespace nanomq::sdk
