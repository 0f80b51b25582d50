#include "app/Trace.h"

#include "hook/EventViews.h"
#include "topic/TopicFilter.h"

#include <Poco/JSON/Object.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace nanomq
{

namespace
{

using Poco::JSON::Object;
using sdk::HookPoint;

constexpr std::size_t kMaximumLines = 1'024;
constexpr std::chrono::milliseconds kLookEvery{200}; // whether the peer is still there

/// What is told about, and how much of it.
struct TraceFilter
{
    std::string clientId;    // empty: all
    std::string topicFilter; // empty: all
    std::uint64_t sampleEvery = 1;

    bool wantsClient(const sdk::ClientInfo* client, const sdk::ClientInfo* other = nullptr) const
    {
        return clientId.empty() || (client && client->clientId.view() == clientId) ||
               (other && other->clientId.view() == clientId);
    }
    bool wantsTopic(std::string_view topic) const
    {
        return topicFilter.empty() || topic == topicFilter || matches(topicFilter, topic);
    }
};

/// One event, in the trace's own words.
struct TraceLine
{
    std::uint64_t timeMs = 0;
    std::string_view what; // "message.published", "refused"
    std::string client, topic, plugin, text;
    std::optional<unsigned> qos;
    std::optional<std::uint64_t> payloadBytes;

    Object::Ptr toJson() const
    {
        Object::Ptr object = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
        object->set("time_ms", timeMs);
        object->set("what", std::string(what));
        const auto add = [&object](const char* key, const std::string& value) {
            if (!value.empty()) object->set(key, value);
        };
        add("client_id", client);
        add("topic", topic);
        if (qos) object->set("qos", *qos);
        if (payloadBytes) object->set("payload_bytes", *payloadBytes);
        add("plugin", plugin);
        add("text", text);
        return object;
    }
};

/// A trace that runs: its hooks write lines on the workers, the control connection reads them.
class Trace final : private Decisions::Listener
{
public:
    Trace(TraceFilter filter, Decisions& decisions)
        : _filter(std::move(filter)),
          _decisions(decisions)
    {
    }

    std::vector<sdk::HookSpec> hooks()
    {
        const bool withFilter = !_filter.topicFilter.empty();
        _filterView = _filter.topicFilter;
        std::vector<sdk::HookSpec> specs;
        for (std::uint16_t number = 1; number < sdk::kHookPoints; ++number)
        {
            const auto point = static_cast<HookPoint>(number);
            if (sdk::hookKind(point) != sdk::HookKind::Observe || !hasClient(point)) continue;
            if (withFilter && !hasTopic(point)) continue;
            // Topic Filters of subscriptions are compared here: one may be equal to what is asked for.
            const bool inIndex = withFilter && point != HookPoint::SessionSubscribed &&
                                 point != HookPoint::SessionUnsubscribed;
            sdk::HookSpec spec{};
            spec.size = sizeof spec;
            spec.point = point;
            spec.flags = sdk::kInline;
            spec.filterCount = inIndex ? 1 : 0;
            spec.topicFilters = inIndex ? &_filterView : nullptr;
            spec.function = [](void* self, const sdk::EventHeader* event, sdk::HookContext*) {
                static_cast<Trace*>(self)->told(*event);
                return sdk::Verdict::Next;
            };
            spec.self = this;
            specs.push_back(spec);
        }
        return specs;
    }
    void listen() { _decisions.add(*this); }
    void stopListening() { _decisions.remove(*this); }

    /// The next line, if there is one within a moment; and how many were left out before it.
    std::optional<TraceLine> next(std::uint64_t& leftOut)
    {
        std::unique_lock lock(_mutex);
        _news.wait_for(lock, kLookEvery, [this] { return !_lines.empty(); });
        if (_lines.empty()) return std::nullopt;
        TraceLine line = std::move(_lines.front());
        _lines.pop_front();
        leftOut = std::exchange(_leftOut, 0);
        return line;
    }

private:
    void add(TraceLine line)
    {
        const std::lock_guard lock(_mutex);
        if (_lines.size() >= kMaximumLines)
        {
            ++_leftOut;
            return;
        }
        _lines.push_back(std::move(line));
        _news.notify_one();
    }

    /// One in so many of each kind of message event; connections and decisions are always told.
    bool sampled(HookPoint point)
    {
        if (_filter.sampleEvery == 1) return true;
        auto& seen = _seen[static_cast<std::size_t>(point)];
        return seen.fetch_add(1, std::memory_order_relaxed) % _filter.sampleEvery == 0;
    }

    void told(const sdk::EventHeader& event)
    {
        const auto* const client = eventAs<sdk::ClientConnected>(event).client;
        const bool ofReceiver = isMessageOfReceiver(event.point);
        const auto* const publisher =
            ofReceiver ? eventAs<sdk::MessageOfReceiver>(event).publisher : nullptr;
        if (!_filter.wantsClient(client, publisher)) return;
        if ((ofReceiver || event.point == HookPoint::MessagePublished) && !sampled(event.point))
            return;
        TraceLine line;
        line.timeMs = event.timeMs;
        line.what = sdk::hookPointName(event.point);
        if (client) line.client = std::string(client->clientId.view());
        if (describe(event, publisher, line)) add(std::move(line));
    }

    /// False for an event that is not wanted after all.
    bool describe(const sdk::EventHeader& event, const sdk::ClientInfo* publisher, TraceLine& line)
    {
        const auto text = [&line](sdk::Str value) { line.text = std::string(value.view()); };
        if (isMessageOfReceiver(event.point))
        {
            const auto& message = eventAs<sdk::MessageOfReceiver>(event);
            line.topic = std::string(message.topic.view());
            line.qos = message.qos;
            line.payloadBytes = message.payload.size;
            text(message.reasonText);
            if (publisher)
                line.text += (line.text.empty() ? "from " : ", from ") +
                             std::string(publisher->clientId.view());
            return true;
        }
        switch (event.point)
        {
        case HookPoint::MessagePublished:
        {
            const auto& message = eventAs<sdk::MessagePublished>(event);
            line.topic = std::string(message.topic.view());
            line.qos = message.qos;
            line.payloadBytes = message.payload.size;
            line.text = message.isWill ? "will" : message.retain ? "retained" : "";
            break;
        }
        case HookPoint::SessionSubscribed:
        {
            const auto& subscribed = eventAs<sdk::SessionSubscribed>(event);
            line.topic = std::string(subscribed.topicFilter.view());
            line.qos = subscribed.options.qos;
            return _filter.wantsTopic(line.topic);
        }
        case HookPoint::SessionUnsubscribed:
            line.topic = std::string(eventAs<sdk::SessionUnsubscribed>(event).topicFilter.view());
            return _filter.wantsTopic(line.topic);
        case HookPoint::ClientConnack:
            line.text = "reason " + std::to_string(eventAs<sdk::ClientConnack>(event).reason);
            break;
        case HookPoint::ClientDisconnected:
            text(eventAs<sdk::ClientDisconnected>(event).reasonText);
            break;
        case HookPoint::SessionTerminated:
            text(eventAs<sdk::SessionTerminated>(event).reasonText);
            break;
        default: break;
        }
        return true;
    }

    void decided(const HookDecision& decision) noexcept override
    {
        const auto* const client = eventAs<sdk::ClientConnected>(decision.event).client;
        const auto topic = topicOf(decision.event);
        if (!_filter.wantsClient(client)) return;
        if (!_filter.topicFilter.empty() && (topic.empty() || !_filter.wantsTopic(topic))) return;
        TraceLine line;
        line.timeMs = decision.event.timeMs;
        line.what = Decisions::kindOf(decision);
        if (client) line.client = std::string(client->clientId.view());
        line.topic = std::string(topic);
        line.plugin = std::string(decision.plugin);
        line.text = Decisions::describe(decision);
        add(std::move(line));
    }

    const TraceFilter _filter;
    Decisions& _decisions;
    sdk::Str _filterView;
    std::atomic<std::uint64_t> _seen[sdk::kHookPoints] = {};
    std::mutex _mutex; // guards all below
    std::condition_variable _news;
    std::deque<TraceLine> _lines;
    std::uint64_t _leftOut = 0;
};

std::optional<ControlError> run(const Object& arguments, ControlServer::Events& events,
                                PluginHost& host, Decisions& decisions)
{
    TraceFilter filter;
    filter.clientId = arguments.optValue<std::string>("client", "");
    filter.topicFilter = arguments.optValue<std::string>("topic", "");
    filter.sampleEvery = std::max<Poco::UInt64>(1, arguments.optValue<Poco::UInt64>("sample", 1));
    if (!filter.topicFilter.empty())
        if (const auto parsed = TopicFilter::parse(filter.topicFilter); !parsed || parsed->isShared())
            return ControlError{"bad_argument", "'" + filter.topicFilter + "' is no Topic Filter"};

    const auto trace = std::make_shared<Trace>(std::move(filter), decisions);
    const auto hooks = host.addHooks("trace", trace->hooks(), trace);
    if (!hooks) return ControlError{hooks.error().code, hooks.error().message};
    trace->listen();
    std::uint64_t leftOut = 0;
    for (bool goOn = true; goOn && events.wanted();)
    {
        const auto line = trace->next(leftOut);
        if (!line) continue;
        Object::Ptr json = line->toJson();
        if (leftOut > 0) json->set("left_out_before", leftOut);
        goOn = events.send(json);
    }
    trace->stopListening();
    host.removeHooks(*hooks);
    return std::nullopt;
}

} // namespace

void registerTrace(ControlServer& server, PluginHost& host, Decisions& decisions)
{
    server.stream("trace",
                  [&host, &decisions](const Object& arguments, ControlServer::Events& events) {
                      return run(arguments, events, host, decisions);
                  });
}

} // namespace nanomq
