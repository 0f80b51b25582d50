#include "Status.h"

#include "JsonObject.h"

#include <Poco/Dynamic/Var.h>

namespace webhook
{

using Poco::Dynamic::Var;
using Poco::JSON::Object;

Object::Ptr statusOf(const Delivery& delivery)
{
    const Counts now = delivery.counts();
    const Health::Report health = delivery.health();
    const auto textOrNull = [](const std::string& text) { return text.empty() ? Var() : Var(text); };

    Object::Ptr reasons = makeObject();
    for (std::size_t i = 0; i < kDropReasons; ++i)
        reasons->set(std::string(dropReasonName(static_cast<DropReason>(i))), now.drops[i]);

    Object::Ptr endpoint = makeObject();
    endpoint->set("name", delivery.settings().name);
    endpoint->set("url", delivery.settings().address->shown);
    endpoint->set("state", health.state);
    endpoint->set("senders_failing", health.failingSenders);
    endpoint->set("last_error", textOrNull(health.lastError));
    endpoint->set("last_error_ms", health.lastErrorMs);
    endpoint->set("accepted", now.accepted);
    endpoint->set("delivered", now.delivered);
    endpoint->set("in_flight", now.at(Place::InFlight));
    endpoint->set("queued", now.at(Place::Queued));
    endpoint->set("spooled", now.at(Place::Spooled));
    endpoint->set("dead", now.at(Place::Dead));
    endpoint->set("dropped", now.dropped());
    endpoint->set("dropped_by_reason", reasons);
    endpoint->set("queued_bytes", now.memoryBytes);
    endpoint->set("spooled_bytes", now.diskBytes);
    endpoint->set("failed_attempts", now.failedAttempts);
    if (const auto spool = delivery.spool())
    {
        Object::Ptr file = makeObject();
        file->set("file", spool->file);
        file->set("errors", spool->errors);
        file->set("last_error", textOrNull(spool->lastError));
        endpoint->set("spool", file);
    }
    return endpoint;
}

} // namespace webhook
