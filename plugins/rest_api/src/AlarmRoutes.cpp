// What is wrong with the broker, and what was, in the words of the EMQX v4 family.

#include "Routes.h"
#include "Times.h"

#include <Poco/JSON/Array.h>

#include <algorithm>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

using sdk::Alarms;

/// Times are in microseconds here, as in EMQX.
constexpr std::uint64_t kMicroseconds = 1'000;

class AlarmCollector final : public Alarms::Visitor
{
public:
    void alarm(const Alarms::Alarm* alarm) override
    {
        const bool stands = alarm->clearedAtMs == 0;
        const std::uint64_t end = stands ? std::max(_nowMs, alarm->raisedAtMs) : alarm->clearedAtMs;
        auto details = makeObject();
        details->set("severity",
                     alarm->severity == Alarms::Severity::Error ? "error" : "warning");
        details->set("raised", alarm->raised);
        auto item = makeObject();
        item->set("name", asText(alarm->name.view()));
        item->set("message", asText(alarm->details.view()));
        item->set("details", details);
        item->set("activated", stands);
        item->set("activate_at", alarm->raisedAtMs * kMicroseconds);
        if (stands) item->set("deactivate_at", "infinity");
        else item->set("deactivate_at", alarm->clearedAtMs * kMicroseconds);
        item->set("duration", (end - std::min(end, alarm->raisedAtMs)) * kMicroseconds);
        alarms->add(item);
    }

    Poco::JSON::Array::Ptr alarms = new Poco::JSON::Array;

private:
    const std::uint64_t _nowMs = nowMs();
};

void listAlarms(Alarms& service, bool withActive, bool withHistory, Reply& reply)
{
    AlarmCollector collector;
    if (withActive) service.active(&collector);
    if (withHistory) service.history(&collector);
    auto item = makeObject();
    item->set("node", Services::kNode);
    item->set("alarms", collector.alarms);
    DataList data(reply);
    data.add(item);
    data.end({});
}

} // namespace

void addAlarmRoutes(Router& router, Alarms* alarms)
{
    if (!alarms) return;
    struct Listing
    {
        const char* path;
        const char* summary;
        bool withActive;
        bool withHistory;
    };
    for (const Listing& listing :
         {Listing{"/api/v4/alarms", "Alarms that stand, and those that are over", true, true},
          Listing{"/api/v4/alarms/activated", "Alarms that stand", true, false},
          Listing{"/api/v4/alarms/deactivated", "Alarms that are over, the latest first", false,
                  true}})
        router.add({"GET", listing.path, sdk::HttpRole::Reader, listing.summary,
                    R"("responses":{"200":{"$ref":"#/components/responses/alarms"}})",
                    [alarms, listing](const Request& request, Reply& reply) {
                        request.allowQuery({});
                        listAlarms(*alarms, listing.withActive, listing.withHistory, reply);
                    }});
}

} // namespace rest_api
