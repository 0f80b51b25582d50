#include "HttpPoster.h"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>

#include <algorithm>
#include <charconv>

namespace webhook
{

namespace
{

constexpr std::chrono::seconds kMostPatience{3'600};

} // namespace

std::optional<std::chrono::seconds> retryAfter(std::string_view value)
{
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error != std::errc() || end != value.data() + value.size())
    {
        constexpr std::size_t length = sizeof "Sun, 06 Nov 1994 08:49:37 GMT" - 1;
        Poco::DateTime date;
        int zone = 0;
        // Poco's parser finds a date in nearly everything.
        if (value.size() != length || !value.ends_with(" GMT") ||
            !Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::HTTP_FORMAT, std::string(value),
                                            date, zone))
            return {};
        seconds = (date.timestamp() - Poco::Timestamp()) / Poco::Timestamp::resolution();
    }
    return std::chrono::seconds(
        std::clamp<std::int64_t>(seconds, 0, static_cast<std::int64_t>(kMostPatience.count())));
}

Answer meaningOf(const http::Answer& answer)
{
    using Kind = Answer::Kind;
    if (answer.outcome == http::Answer::Outcome::Cancelled)
        return {Kind::Cancelled, answer.text, false, {}};
    if (answer.outcome != http::Answer::Outcome::Answered)
        return {Kind::TryAgain, answer.text, false, {}};
    const int status = answer.status;
    if (status >= 200 && status < 300) return {Kind::Delivered, answer.text, false, {}};
    if (status != 408 && status != 429 && status < 500)
        return {Kind::Refused, answer.text, true, {}};
    const auto wait = retryAfter(http::find(answer.headers, "Retry-After"));
    const bool mayBeTheEvent = status >= 500 && status != 502 && status != 503 && status != 504;
    return {Kind::TryAgain, answer.text, mayBeTheEvent && !wait, wait};
}

Answer HttpPoster::post(const Wire& wire)
{
    http::Request request;
    request.headers = &wire.headers;
    request.contentType = "application/json";
    request.content = wire.content;
    return meaningOf(_connection.ask(request));
}

} // namespace webhook
