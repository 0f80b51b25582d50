#pragma once

#include "Decision.h"
#include "http/Connection.h"

#include <cstdint>

namespace auth_http
{

/// How the server's answers are meant: `auth.http.answers`.
enum class Dialect : std::uint8_t
{
    /// 200 allows, anything else denies; the body means nothing.
    NanoMQ,
    /// As EMQX 4: 200 with the body `ignore` is no opinion; for a login the status says why not:
    /// 400 and 401 bad user name or password, 403 not authorized, 429 banned, 504 busy, others
    /// server unavailable.
    Emqx4,
    /// As EMQX 5: 204 allows, 200 with a JSON object whose `result` is `allow`, `deny` or `ignore`,
    /// and for a login `is_superuser`, `acl` and `expire_at`; other statuses are no opinion.
    Emqx5,
};

/// What an answer says. One that was not given, and 502, 503 and 504, are errors: those tell of the
/// server's trouble, not of the client. Never throws because of the answer.
Decision decisionOf(Dialect dialect, Kind kind, const http::Answer& answer);

/// Whether it tells that the server does not work, for the breaker.
bool isFailure(const http::Answer& answer) noexcept;

} // namespace auth_http
