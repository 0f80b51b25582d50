#include "HttpPoster.h"

namespace webhook
{

namespace
{

Answer::Kind kindOf(int status) noexcept
{
    if (status >= 200 && status < 300) return Answer::Kind::Delivered;
    if (status == 408 || status == 429 || status >= 500) return Answer::Kind::TryAgain;
    return Answer::Kind::Refused;
}

} // namespace

HttpPoster::HttpPoster(const Settings& settings, const http::Endpoint& endpoint,
                       const http::Cancellation& cancellation)
    : _settings(settings),
      _connection(endpoint, cancellation)
{
}

Answer HttpPoster::post(const std::string& body)
{
    http::Request request;
    request.headers = &_settings.headers;
    request.contentType = "application/json";
    request.content = body;
    const http::Answer answer = _connection.ask(request);
    switch (answer.outcome)
    {
    case http::Answer::Outcome::Answered: return {kindOf(answer.status), answer.text};
    case http::Answer::Outcome::Failed:
    case http::Answer::Outcome::TimedOut: return {Answer::Kind::TryAgain, answer.text};
    case http::Answer::Outcome::Cancelled: break;
    }
    return {Answer::Kind::Cancelled, answer.text};
}

} // namespace webhook
