#pragma once

#include "http/Endpoint.h"
#include "http/Headers.h"
#include "http/Patience.h"

#include <memory>
#include <string>
#include <string_view>

namespace http
{

/// What is asked. Views live until Connection::ask() returns.
struct Request
{
    /// Whether the answer's body is wanted. If not, it is read only as far as that lets the
    /// connection be used again, and a body that ends with the connection is not waited for.
    enum class Body
    {
        Ignored,
        Wanted,
    };

    std::string_view method = "POST";
    std::string_view target; ///< path and query; empty: the address's
    const Headers* headers = nullptr;
    std::string_view contentType; ///< unless there is one among the headers; empty: none
    std::string_view content;     ///< of a POST or PUT
    Body body = Body::Ignored;
    SteadyTime deadline = SteadyTime::max(); ///< beside the endpoint's timeouts
};

/// What came of a request.
struct Answer
{
    enum class Outcome
    {
        Answered,  ///< `status` is the server's
        Failed,    ///< no connection, a broken one, or no HTTP
        TimedOut,  ///< no connection or no whole answer in time
        Cancelled, ///< given up because of the Cancellation; nothing is known
    };
    static constexpr std::size_t kMaxBody = 64 * 1024;

    Outcome outcome;
    std::string text; ///< for people: "timed out after 5 s", "answered 500 Internal Server Error"
    int status = 0;
    Headers headers;
    std::string body;     ///< only if wanted, up to kMaxBody
    bool bodyCut = false; ///< the body was longer, or ended early
};

/// One kept-alive HTTP/1.1 connection to an Endpoint, opened when it is first needed.
///
/// Thread: one at a time.
class Connection
{
public:
    /// Both outlive the connection.
    Connection(const Endpoint& endpoint, const Cancellation& cancellation);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Makes one request. Takes at most `connectTimeout` plus `timeout` (looking up a host's name
    /// not counted) and a moment after a cancellation. A connection that the server closed while it
    /// was idle is no failure: the request goes out once more on a new one, at once. Never throws
    /// because of the server.
    Answer ask(const Request& request);

    /// Whether the connection is there to be used again.
    bool isOpen() const noexcept;

private:
    class Session;

    Answer attempt(const Request& request);
    Answer exchange(const Request& request);
    Answer ended(Answer::Outcome outcome, std::string text);
    void allow(std::chrono::milliseconds time);

    const Endpoint& _endpoint;
    Patience _patience;
    SteadyTime _end; // of the present request, whatever it does
    std::unique_ptr<Session> _session;
};

} // namespace http
