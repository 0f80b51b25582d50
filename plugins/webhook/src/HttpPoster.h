#pragma once

#include "Patience.h"
#include "Settings.h"

#include <memory>
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

/// One kept-alive HTTP/1.1 connection to the endpoint. Thread: one sender's.
class HttpPoster
{
public:
    /// @param settings  has an endpoint.
    HttpPoster(const Settings& settings, const Cancellation& cancellation);
    ~HttpPoster();

    /// Makes one POST. Takes at most `connect_timeout` plus `timeout` (looking up a host's name
    /// not counted) and a moment after a cancellation. A connection that the server closed while
    /// it was idle is no failure: the request goes out once more on a new one, at once. Never
    /// throws because of the endpoint.
    Answer post(const std::string& body);

private:
    class Session;

    Answer attempt(const std::string& body);
    Answer exchange(const std::string& body);

    const Settings& _settings;
    Patience _patience;
    std::unique_ptr<Session> _session;
};

} // namespace webhook
