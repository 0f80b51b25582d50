#pragma once

#include "Delivery.h"

#include <Poco/JSON/Object.h>

namespace webhook
{

/// Makes one request to the endpoint as for an event, on a connection of its own, with the body
/// {"action":"webhook_test","ts":…}. It is not counted and not tried again.
///
/// Returns request, answer, and a verdict in words. Values of headers are shown only where they
/// hold no secret. Takes up to four seconds, or as long as the endpoint's timeouts allow.
/// Thread: [any].
Poco::JSON::Object::Ptr testEndpoint(const Delivery& delivery);

} // namespace webhook
