#pragma once

#include "EndpointSettings.h"
#include "Event.h"
#include "http/Headers.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace webhook
{

/// What goes out for one or several events: headers and content of a POST.
struct Wire
{
    http::Headers headers;
    std::string content;
};

/// One event is its body as it is; where batching is on, the content is a JSON array, of one event
/// too, each with its id as the last key, "event_id". All events have the same headers of their own.
///
/// Headers, beside those of the configuration: `Idempotency-Key`, the same for every attempt of the
/// same events; `Content-Encoding` when the content is compressed, which it is from 256 bytes on;
/// and `X-NanoMQ-Signature`.
/// @param unixSeconds  the time of the signature.
Wire wireOf(const EndpointSettings& settings, const std::vector<Event>& events,
            std::int64_t unixSeconds);

/// "t=1650609267,v1=HEX": HMAC-SHA256 with the secret over the digits of t, a point and the content
/// as it is sent.
std::string signatureOf(std::string_view secret, std::int64_t unixSeconds,
                        std::string_view content);

} // namespace webhook
