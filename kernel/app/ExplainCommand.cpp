#include "app/ExplainCommand.h"

#include "app/JsonObject.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <string>
#include <vector>

namespace nanomq
{

namespace
{

using Poco::JSON::Array;
using Poco::JSON::Object;

Array::Ptr listOf(const std::vector<std::string>& texts)
{
    Array::Ptr list = new Array;
    for (const auto& text : texts) list->add(text);
    return list;
}

Object::Ptr describe(const HookOpinion& opinion)
{
    auto object = makeObject();
    object->set("point", std::string(sdk::hookPointName(opinion.point)));
    object->set("plugin", opinion.plugin);
    object->set("priority", opinion.priority);
    object->set("verdict",
                opinion.asked ? std::string(verdictName(opinion.verdict)) : "not asked");
    object->set("reason_code", opinion.reason);
    object->set("reason", opinion.reasonText);
    object->set("changes", opinion.changes);
    return object;
}

Object::Ptr describe(const Explanation::Recipient& recipient)
{
    auto object = makeObject();
    object->set("client_id", recipient.clientId);
    object->set("topic_filters", listOf(recipient.topicFilters));
    object->set("qos", static_cast<int>(recipient.qos));
    object->set("fate", recipient.fate);
    return object;
}

Poco::Dynamic::Var describe(const ExplainRequest& request, const Explanation& explanation)
{
    auto object = makeObject();
    object->set("client_id", request.clientId);
    object->set("user_name", explanation.userName);
    object->set("connected", explanation.connected);
    object->set("action", request.subscribe ? "subscribe" : "publish");
    object->set("topic", request.topic);
    object->set("allowed", explanation.allowed);
    object->set("reason_code", static_cast<int>(explanation.reason));
    object->set("outcome", explanation.outcome);
    object->set("not_asked", explanation.notAsked);
    Array::Ptr asked = new Array;
    for (const auto& opinion : explanation.opinions) asked->add(describe(opinion));
    object->set("hooks", asked);
    object->set("topic_after_hooks", explanation.topic);
    object->set("qos_after_hooks", static_cast<int>(explanation.qos));
    if (request.subscribe) return object;
    object->set("matched_filters", listOf(explanation.topicFilters));
    Array::Ptr recipients = new Array;
    for (const auto& recipient : explanation.recipients) recipients->add(describe(recipient));
    object->set("recipients", recipients);
    object->set("recipient_count", explanation.recipientCount);
    object->set("observers", listOf(explanation.observers));
    return object;
}

ControlResult explain(Broker& broker, const Object& arguments)
{
    ExplainRequest request;
    request.clientId = arguments.optValue<std::string>("client", "");
    request.topic = arguments.optValue<std::string>("topic", "");
    const auto action = arguments.optValue<std::string>("action", "publish");
    const auto qos = arguments.optValue<int>("qos", 0);
    request.retain = arguments.optValue("retain", false);
    if (arguments.has("user")) request.userName = arguments.getValue<std::string>("user");
    if (request.clientId.empty() || request.topic.empty())
        return ControlError{"bad_argument", "'client' and 'topic' must be given"};
    if (action != "publish" && action != "subscribe")
        return ControlError{"bad_argument", "'action' is publish or subscribe"};
    if (qos < 0 || qos > 2) return ControlError{"bad_argument", "'qos' is 0, 1 or 2"};
    request.subscribe = action == "subscribe";
    request.qos = static_cast<QoS>(qos);
    return describe(request, broker.explainer().explain(request));
}

} // namespace

void registerExplain(ControlServer& server, Broker& broker)
{
    server.command("explain",
                   [&broker](const Object& arguments) { return explain(broker, arguments); });
}

} // namespace nanomq
