#pragma once

#include "Rights.h"
#include "nanomq/types.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace auth_http
{

/// What a request is about; each has keys of its own.
enum class Kind : std::uint8_t
{
    Login,  ///< auth.http.auth_req
    Super,  ///< auth.http.super_req
    Rights, ///< auth.http.acl_req
};
inline constexpr std::size_t kKinds = 3;

/// "auth", "super" and "acl": as in the keys.
constexpr const char* kindName(Kind kind) noexcept
{
    constexpr const char* names[] = {"auth", "super", "acl"};
    return names[static_cast<std::size_t>(kind)];
}

/// What an accepted login brings along.
struct Grant
{
    bool superuser = false;               ///< may do everything
    std::shared_ptr<const Rights> rights; ///< may be null
    std::int64_t expiresAt = 0; ///< Unix time in s, at which the client has to go; 0: never

    bool empty() const noexcept { return !superuser && !rights && expiresAt == 0; }
};

/// What an answer says.
struct Decision
{
    enum class Kind : std::uint8_t
    {
        Allow,
        Deny,
        Ignore, ///< no opinion: whoever comes next
        Error,  ///< no answer, or one that tells of a failure
    };
    Kind kind = Kind::Error;
    nanomq::sdk::ReasonCode reason = 0; ///< with Deny, and for Error if that is to be a denial
    std::string text;                   ///< for people: "answered 403 Forbidden"
    Grant grant;                        ///< with Allow
    /// How long it may be remembered, if the server says so.
    std::optional<std::chrono::milliseconds> lifetime;
    /// For how long after that it may still be used when the server fails, if the server says so.
    std::optional<std::chrono::milliseconds> staleFor;
};

constexpr const char* decisionName(Decision::Kind kind) noexcept
{
    constexpr const char* names[] = {"allow", "deny", "ignore", "error"};
    return names[static_cast<std::size_t>(kind)];
}
inline constexpr std::size_t kDecisionKinds = 4;

} // namespace auth_http
