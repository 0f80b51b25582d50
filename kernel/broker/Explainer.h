#pragma once

#include "broker/Worker.h"
#include "hook/HookWitness.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nanomq
{

/// "What would happen if this client published, or subscribed?"
struct ExplainRequest
{
    std::string clientId;
    /// For a client that is not connected; nothing: the one it had, or none.
    std::optional<std::string> userName;
    std::string topic; // a Topic Name; for a subscription a Topic Filter
    bool subscribe = false;
    QoS qos = QoS::AtMostOnce;
    bool retain = false;
};

/// The answer: what each hook says, and what would come of it.
struct Explanation
{
    /// At most so many recipients are listed by name; the others are counted, once for each of
    /// their matching filters.
    static constexpr std::size_t kMaximumRecipients = 1'000;

    struct Recipient
    {
        std::string clientId;
        std::vector<std::string> topicFilters; // those that match
        QoS qos = QoS::AtMostOnce;             // it would get the message with
        std::string fate;                      // "sent", "queued", "dropped: not connected"
    };

    bool connected = false;
    bool hasSession = false;
    std::string userName;
    std::vector<HookOpinion> opinions;
    /// Hooks that concern the question and could not be asked.
    std::size_t notAsked = 0;
    bool allowed = false;
    ReasonCode reason = ReasonCode::Success; // with which it would be answered, to a 5.0 client
    std::string outcome;                     // a sentence
    std::string topic;                       // as the hooks have left it
    QoS qos = QoS::AtMostOnce;

    // Of a message that would be routed:
    std::vector<std::string> topicFilters; // that match, "$share/…" included
    std::vector<Recipient> recipients;
    std::size_t recipientCount = 0;
    std::vector<std::string> observers; // plugins that would be told of it
};

/// Asks the real hooks with kDryRun, and looks into the real index; sends, counts and changes
/// nothing. Plugins that do not declare kDryRunAware are shown as not asked.
/// Thread: any but a worker; throws what awaitWorker() throws.
class Explainer
{
public:
    explicit Explainer(BrokerState& broker) noexcept : _broker(broker) {}

    Explanation explain(const ExplainRequest& request);

private:
    void nameFilters(Explanation& explanation, const std::vector<SubscriberId>& recipients);

    BrokerState& _broker;
};

} // namespace nanomq
