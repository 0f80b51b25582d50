#pragma once

#include "Settings.h"
#include "http/Connection.h"

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
};

/// Makes POSTs on one kept-alive connection, and says what an answer means for the event.
/// Thread: one sender's.
class HttpPoster
{
public:
    /// All outlive the poster.
    HttpPoster(const Settings& settings, const http::Endpoint& endpoint,
               const http::Cancellation& cancellation);

    /// Makes one POST; see http::Connection::ask(). Never throws because of the endpoint.
    Answer post(const std::string& body);

private:
    const Settings& _settings;
    http::Connection _connection;
};

} // namespace webhook
