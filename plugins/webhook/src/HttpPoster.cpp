#include "HttpPoster.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/NumberFormatter.h>

#include <array>
#include <istream>
#include <ostream>
#include <poll.h>

namespace webhook
{

namespace
{

using Poco::Net::HTTPResponse;

constexpr std::size_t kLongestAnswer = 64 * 1024; // read for the sake of the connection only

std::string seconds(std::chrono::milliseconds time)
{
    std::string text = Poco::NumberFormatter::format(static_cast<double>(time.count()) / 1000.0);
    return text + " s";
}

Answer::Kind kindOf(int status) noexcept
{
    if (status >= 200 && status < 300) return Answer::Kind::Delivered;
    if (status == HTTPResponse::HTTP_REQUEST_TIMEOUT ||
        status == HTTPResponse::HTTP_TOO_MANY_REQUESTS || status >= 500)
        return Answer::Kind::TryAgain;
    return Answer::Kind::Refused;
}

/// A server's words go into a log: only what is printable, and not much of it.
std::string printable(const std::string& text)
{
    std::string result;
    for (const char c : text.substr(0, 60))
        if (c >= 0x20 && c < 0x7F) result += c;
    return result;
}

/// Whether the end of the answer can be told without the end of the connection.
bool isDelimited(const HTTPResponse& response)
{
    return response.hasContentLength() || response.getChunkedTransferEncoding() ||
           response.getStatus() == HTTPResponse::HTTP_NO_CONTENT;
}

} // namespace

/// Poco's session on sockets that are patient.
class HttpPoster::Session final : public Poco::Net::HTTPClientSession
{
public:
    Session(const Settings& settings, Patience& patience)
        : HTTPClientSession(settings.endpoint->host, settings.endpoint->port),
          _settings(settings),
          _patience(patience)
    {
        setKeepAlive(true);
        // Whether the connection is still good is seen by looking at it; see isStale().
        setKeepAliveTimeout(Poco::Timespan(1, 0, 0, 0, 0));
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
        const auto now = std::chrono::steady_clock::now;
        _connecting = true;
        _patience.endsAt(now() + _settings.connectTimeout);
        attachSocket(Poco::Net::StreamSocket(new PatientSocket(_patience)));
        HTTPClientSession::connect(address);
        _patience.endsAt(now() + _settings.timeout);
        _connecting = false;
    }

    const Settings& _settings;
    Patience& _patience;
    bool _connecting = false;
};

HttpPoster::HttpPoster(const Settings& settings, const Cancellation& cancellation)
    : _settings(settings),
      _patience(cancellation),
      _session(std::make_unique<Session>(settings, _patience))
{
}

HttpPoster::~HttpPoster() = default;

Answer HttpPoster::post(const std::string& body)
{
    if (_session->isStale()) _session->reset();
    if (_session->connected())
    {
        try
        {
            return attempt(body);
        }
        catch (const Poco::IOException&)
        {
            _session->reset(); // closed by the server just now: that says nothing about it
        }
    }
    try
    {
        return attempt(body);
    }
    catch (const Poco::Net::NoMessageException&)
    {
        _session->reset();
        return {Answer::Kind::TryAgain, "closed the connection without an answer"};
    }
    catch (const Poco::IOException& failure)
    {
        _session->reset();
        return {Answer::Kind::TryAgain, "failed: " + failure.displayText()};
    }
}

/// Lets only IOExceptions out: those tell of a connection that ended.
Answer HttpPoster::attempt(const std::string& body)
{
    try
    {
        return exchange(body);
    }
    catch (const Poco::IOException&)
    {
        throw;
    }
    catch (const Poco::TimeoutException&)
    {
        _session->reset();
        if (_patience.cancelled()) return {Answer::Kind::Cancelled, "cancelled"};
        return {Answer::Kind::TryAgain,
                _session->isConnecting()
                    ? "accepted no connection within " + seconds(_settings.connectTimeout)
                    : "timed out after " + seconds(_settings.timeout)};
    }
    catch (const Poco::Exception& failure)
    {
        _session->reset();
        return {Answer::Kind::TryAgain, "failed: " + failure.displayText()};
    }
}

Answer HttpPoster::exchange(const std::string& body)
{
    using Poco::Net::HTTPMessage;
    using Poco::Net::HTTPRequest;
    _patience.endsAt(std::chrono::steady_clock::now() + _settings.timeout);

    HTTPRequest request(HTTPRequest::HTTP_POST, _settings.endpoint->target, HTTPMessage::HTTP_1_1);
    request.setContentType("application/json");
    for (const auto& [name, value] : _settings.headers) request.set(name, value);
    request.setContentLength64(static_cast<Poco::Int64>(body.size()));
    _session->sendRequest(request).write(body.data(), static_cast<std::streamsize>(body.size()));

    HTTPResponse response;
    std::istream& content = _session->receiveResponse(response);
    const int status = response.getStatus();

    // The status is the answer; what follows matters only for using the connection again.
    bool reusable = response.getKeepAlive() && isDelimited(response);
    std::array<char, 4096> ignored;
    for (std::size_t read = 0; reusable && content; read += ignored.size())
    {
        content.read(ignored.data(), ignored.size());
        reusable = !content.bad() && read < kLongestAnswer;
    }
    if (!reusable) _session->reset();
    return {kindOf(status),
            "answered " + std::to_string(status) + " " + printable(response.getReason())};
}

} // namespace webhook
