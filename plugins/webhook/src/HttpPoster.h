#pragma once

#include "Wire.h"
#include "http/Connection.h"

#include <chrono>
#include <optional>
#include <string>

namespace webhook
{

/// What came of one attempt.
struct Answer
{
    enum class Kind
    {
        Delivered, ///< 2xx
        TryAgain,  ///< 408, 429, 5xx, or the network
        Refused,   ///< any other status: trying again would not help
        Cancelled, ///< given up because of the Cancellation; nothing is known
    };
    Kind kind;
    std::string text; ///< for people: "timed out after 5 s", "answered 500 Internal Server Error"
    /// Of TryAgain: whether it may be the event's own fault. Not when nobody answered, when a
    /// gateway answered for a server that did not, or when the server asks for patience.
    bool blamesEvent = false;
    /// What the server asked for with Retry-After, an hour at most.
    std::optional<std::chrono::seconds> retryAfter;
};

/// What an answer means for the events of the request.
Answer meaningOf(const http::Answer& answer);

/// A value of Retry-After (RFC 9110 §10.2.3): seconds, or a date. Empty for anything else.
std::optional<std::chrono::seconds> retryAfter(std::string_view value);

/// Makes POSTs on one kept-alive connection. Thread: one sender's.
class HttpPoster
{
public:
    /// Both outlive the poster.
    HttpPoster(const http::Endpoint& endpoint, const http::Cancellation& cancellation)
        : _connection(endpoint, cancellation)
    {
    }

    /// Makes one POST; see http::Connection::ask(). Never throws because of the endpoint.
    Answer post(const Wire& wire);

private:
    http::Connection _connection;
};

} // namespace webhook
