#include "http/Connection.h"

#include "PatientSocket.h"
#include "Secure.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/NumberFormatter.h>

#include <algorithm>
#include <array>
#include <istream>
#include <ostream>
#include <poll.h>

namespace http
{

namespace
{

using Poco::Net::HTTPResponse;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string seconds(milliseconds time)
{
    std::string text = Poco::NumberFormatter::format(static_cast<double>(time.count()) / 1000.0);
    return text + " s";
}

/// A server's words go into a log: only what is printable, and not much of it.
std::string printable(const std::string& text)
{
    std::string result;
    for (const char c : text.substr(0, 60))
        if (c >= 0x20 && c < 0x7F) result += c;
    return result;
}

bool hasBody(const HTTPResponse& response)
{
    return response.getStatus() != HTTPResponse::HTTP_NO_CONTENT &&
           response.getStatus() != HTTPResponse::HTTP_NOT_MODIFIED;
}

/// Whether the end of the answer can be told without the end of the connection.
bool isDelimited(const HTTPResponse& response)
{
    return response.hasContentLength() || response.getChunkedTransferEncoding() ||
           !hasBody(response);
}

} // namespace

/// Poco's session on sockets that are patient.
class Connection::Session final : public Poco::Net::HTTPClientSession
{
public:
    explicit Session(Connection& connection)
        : HTTPClientSession(connection._endpoint.address().host,
                            connection._endpoint.address().port),
          _connection(connection)
    {
        setKeepAlive(true);
        // Whether the connection is still good is seen by looking at it; see isStale().
        setKeepAliveTimeout(Poco::Timespan(1, 0, 0, 0, 0));
        // Nor does Poco's TLS count the time.
        setTimeout(Poco::Timespan(1, 0, 0, 0, 0));
    }

    bool isConnecting() const noexcept { return _connecting; }

    /// An idle connection with something to read has been closed by the server, or is out of step.
    bool isStale()
    {
        if (!connected()) return false;
        pollfd descriptor{socket().impl()->sockfd(), POLLIN, 0};
        return ::poll(&descriptor, 1, 0) != 0;
    }

private:
    void connect(const Poco::Net::SocketAddress& address) override
    {
        const Endpoint& endpoint = _connection._endpoint;
        _connecting = true;
        _connection.allow(endpoint.settings().connectTimeout);
        attachSocket(Poco::Net::StreamSocket(new PatientSocket(_connection._patience)));
        HTTPClientSession::connect(address);
        if (endpoint._secure) attachSocket(endpoint._secure->handshake(socket()));
        _connection.allow(endpoint.settings().timeout);
        _connecting = false;
    }

    Connection& _connection;
    bool _connecting = false;
};

Connection::Connection(const Endpoint& endpoint, const Cancellation& cancellation)
    : _endpoint(endpoint),
      _patience(cancellation),
      _session(std::make_unique<Session>(*this))
{
}

Connection::~Connection() = default;

bool Connection::isOpen() const noexcept
{
    return _session->connected();
}

Answer Connection::ask(const Request& request)
{
    const auto& settings = _endpoint.settings();
    _end = std::min(request.deadline,
                    steady_clock::now() + settings.connectTimeout + settings.timeout);
    if (_session->isStale()) _session->reset();
    if (_session->connected())
    {
        try
        {
            return attempt(request);
        }
        catch (const Poco::IOException&)
        {
            _session->reset(); // closed by the server just now: that says nothing about it
        }
    }
    try
    {
        return attempt(request);
    }
    catch (const Poco::Net::NoMessageException&)
    {
        return ended(Answer::Outcome::Failed, "closed the connection without an answer");
    }
    catch (const Poco::IOException& failure)
    {
        return ended(Answer::Outcome::Failed, "failed: " + failure.displayText());
    }
}

/// Lets only IOExceptions out: those tell of a connection that ended.
Answer Connection::attempt(const Request& request)
{
    try
    {
        return exchange(request);
    }
    catch (const Poco::IOException&)
    {
        throw;
    }
    catch (const Poco::TimeoutException&)
    {
        if (_patience.cancelled()) return ended(Answer::Outcome::Cancelled, "cancelled");
        const auto& settings = _endpoint.settings();
        if (steady_clock::now() >= request.deadline)
            return ended(Answer::Outcome::TimedOut, "did not answer before the deadline");
        return ended(Answer::Outcome::TimedOut,
                     _session->isConnecting()
                         ? "accepted no connection within " + seconds(settings.connectTimeout)
                         : "timed out after " + seconds(settings.timeout));
    }
    catch (const Poco::Exception& failure)
    {
        return ended(Answer::Outcome::Failed, "failed: " + failure.displayText());
    }
}

Answer Connection::ended(Answer::Outcome outcome, std::string text)
{
    _session->reset();
    return {outcome, std::move(text), 0, {}, {}, false};
}

void Connection::allow(milliseconds time)
{
    _patience.endsAt(std::min(_end, steady_clock::now() + time));
}

Answer Connection::exchange(const Request& asked)
{
    using Poco::Net::HTTPMessage;
    using Poco::Net::HTTPRequest;
    allow(_endpoint.settings().timeout);

    HTTPRequest request(std::string(asked.method),
                        asked.target.empty() ? _endpoint.address().target
                                             : std::string(asked.target),
                        HTTPMessage::HTTP_1_1);
    if (!asked.contentType.empty()) request.setContentType(std::string(asked.contentType));
    if (asked.headers)
        for (const auto& [name, value] : *asked.headers) request.set(name, value);
    if (!asked.content.empty() || asked.method != HTTPRequest::HTTP_GET)
        request.setContentLength64(static_cast<Poco::Int64>(asked.content.size()));
    _session->sendRequest(request).write(asked.content.data(),
                                         static_cast<std::streamsize>(asked.content.size()));

    HTTPResponse response;
    std::istream& content = _session->receiveResponse(response);
    Answer answer{Answer::Outcome::Answered,
                  "answered " + std::to_string(response.getStatus()) + " " +
                      printable(response.getReason()),
                  response.getStatus(),
                  Headers(response.begin(), response.end()),
                  {},
                  false};

    const bool wanted = asked.body == Request::Body::Wanted;
    const bool delimited = isDelimited(response);
    const bool reusable = delimited && response.getKeepAlive();
    std::array<char, 4096> part;
    std::size_t read = 0;
    while ((wanted || reusable) && content && read <= Answer::kMaxBody)
    {
        content.read(part.data(), part.size());
        const auto got = static_cast<std::size_t>(content.gcount());
        if (wanted) answer.body.append(part.data(), std::min(got, Answer::kMaxBody - read));
        read += got;
    }
    // The stream keeps an exception of the socket to itself.
    if (wanted && content.bad() && _session->networkException())
        _session->networkException()->rethrow();
    const bool whole = content.eof() && !content.bad() && read <= Answer::kMaxBody &&
                       (!hasBody(response) || !response.hasContentLength() ||
                        static_cast<Poco::Int64>(read) == response.getContentLength64());
    answer.bodyCut = wanted && !whole;
    if (!whole || !reusable) _session->reset();
    return answer;
}

} // namespace http
