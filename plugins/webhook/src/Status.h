#pragma once

#include "Delivery.h"

#include <Poco/JSON/Object.h>

namespace webhook
{

/// State and counters of one endpoint; README.md tells the fields. Thread: [any].
Poco::JSON::Object::Ptr statusOf(const Delivery& delivery);

} // namespace webhook
