// A plugin that uses all that version 1.0 of the SDK has. It is built from the frozen headers, and
// must go on working in every broker with NANOMQ_ABI_MAJOR 1: so it is added to, never changed.

#include "nanomq/plugin_base.h"

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

namespace golden
{

using namespace nanomq::sdk;

std::string text(Str view)
{
    return std::string(view.view());
}
std::string number(std::uint64_t value)
{
    return std::to_string(value);
}

class Golden final : public PluginBase, public Handover, public Health
{
public:
    void* query(const char* interfaceId) override
    {
        const std::string_view id(interfaceId);
        if (id == Handover::kInterface) return static_cast<Handover*>(this);
        if (id == Health::kInterface) return static_cast<Health*>(this);
        return nullptr;
    }
    Status check() override
    {
        note("health", "asked");
        return 0;
    }
    Status save(Sink* sink) override
    {
        const std::uint64_t count = _published;
        sink->write({&count, sizeof count});
        return 0;
    }
    Status adopt(Bytes state) override
    {
        std::uint64_t count = 0;
        if (state.size != sizeof count) return -EINVAL;
        std::memcpy(&count, state.data, sizeof count);
        _published += count;
        return 0;
    }

private:
    void note(const std::string& what, const std::string& how)
    {
        std::lock_guard lock(_mutex);
        _seen[what] = how;
    }
    template <class Event> void seen(const Event& event, std::string how)
    {
        if (event.header.size < sizeof event || event.header.point != Event::kPoint ||
            event.header.timeMs == 0 || event.header.id == 0)
            how = "a broken header";
        note(std::string(hookPointName(Event::kPoint)), how);
    }
    static std::string of(const ClientInfo* client)
    {
        if (!client) return "nobody";
        return text(client->clientId) + " v" + number(client->protocolVersion) + " user " +
               (client->hasUserName ? text(client->userName) : "-") + " keep-alive " +
               number(client->keepAliveSeconds) + (client->cleanStart ? " clean" : "") +
               (client->peerPort != 0 && client->connectedAtMs != 0 ? "" : " without a place") +
               " from " + text(client->peerAddress);
    }

    void onInit() override
    {
        note("config", configText("golden.word", "no word"));
        hook<&Golden::onConnect>();
        hook<&Golden::onAuthenticate>(100, {}, kFailClosed);
        hook<&Golden::onEnhancedAuth>();
        hook<&Golden::onAuthorize>();
        hook<&Golden::onConnack>();
        hook<&Golden::onConnected>();
        hook<&Golden::onDisconnected>();
        hook<&Golden::onSubscribe>();
        hook<&Golden::onUnsubscribe>();
        hook<&Golden::onCreated>();
        hook<&Golden::onResumed>();
        hook<&Golden::onTakenOver>();
        hook<&Golden::onSubscribed>();
        hook<&Golden::onUnsubscribed>();
        hook<&Golden::onTerminated>();
        hook<&Golden::onPublish>(0, {"golden/#"});
        hook<&Golden::onPublished>(0, {"golden/#"});
        hook<&Golden::onDelivered>(0, {}, kInline);
        hook<&Golden::onAcked>();
        hook<&Golden::onDropped>();
        hook<&Golden::onExpired>();
        hook<&Golden::onRouteAdded>();
        hook<&Golden::onRouteRemoved>();
        hook<&Golden::onStarted>();
        hook<&Golden::onStopping>();
        hook<&Golden::onConfigChanged>();
        get<Control>().command("seen", "What it has seen.", &Golden::tell, this);
        get<Control>().command("publish", "Has the broker publish.", &Golden::publish, this);
        get<Control>().command("look", "Looks at what the broker has.", &Golden::look, this);
        _counter = get<Metrics>().counter("golden_total", "kind=\"a\"", "Messages seen.");
        get<Metrics>().gauge("golden_gauge", "", "A figure.")->set(7);
        std::uint64_t cancelled = 0;
        get<Tasks>().timer(60'000, 0, &Golden::onTimer, this, &cancelled);
        get<Tasks>().cancel(cancelled);
        get<Tasks>().timer(1, 0, &Golden::onTimer, this, nullptr);
        get<Tasks>().thread("golden", &Golden::run, this);
    }
    void onStart() override
    {
        note("start", "called");
        host().log(LogLevel::Information, "golden is there");
    }

    // Hooks that are asked.
    Verdict onConnect(const ClientConnect& event, HookContext&)
    {
        seen(event, of(event.client) + " will " + text(event.willTopic) + " qos " +
                        number(event.willQoS));
        return Verdict::Next;
    }
    Verdict onAuthenticate(const ClientAuthenticate& event, HookContext& context)
    {
        seen(event, of(event.client) + " password " +
                        (event.hasPassword ? std::string(event.password.view()) : "-"));
        if (event.password.view() == "secret") return Verdict::Allow;
        context.setReason(0x86, "another password");
        return Verdict::Deny;
    }
    Verdict onEnhancedAuth(const ClientEnhancedAuth& event, HookContext& context)
    {
        seen(event, text(event.method) + " stage " + number(event.stage) + " data " +
                        std::string(event.data.view()));
        context.setReason(0x87, "not this way");
        return Verdict::Deny;
    }
    Verdict onAuthorize(const ClientAuthorize& event, HookContext&)
    {
        seen(event, of(event.client) + " access " + number(static_cast<unsigned>(event.access)) +
                        ' ' + text(event.topic) + " qos " + number(event.qos));
        return Verdict::Allow;
    }
    Verdict onSubscribe(const ClientSubscribe& event, HookContext&)
    {
        seen(event, text(event.topicFilter) + " qos " + number(event.options.qos) + " id " +
                        number(event.options.subscriptionIdentifier));
        return Verdict::Next;
    }
    Verdict onUnsubscribe(const ClientUnsubscribe& event, HookContext&)
    {
        seen(event, text(event.topicFilter));
        return Verdict::Next;
    }
    Verdict onPublish(const MessagePublish& event, HookContext& context)
    {
        seen(event, text(event.topic) + '=' + std::string(event.payload.view()) + " qos " +
                        number(event.qos) + " retain " + number(event.retain) + " will " +
                        number(event.isWill));
        const auto topic = event.topic.view();
        if (topic == "golden/rewrite")
        {
            context.setTopic("golden/rewritten");
            context.setPayload({"anew", 4});
            context.addUserProperty("by", "golden");
        }
        if (topic == "golden/deny")
        {
            context.setReason(0x97, "enough of it");
            return Verdict::Deny;
        }
        if (topic == "golden/drop") return Verdict::Drop;
        if (topic == "golden/throw") throw std::runtime_error("told to throw");
        if (topic != "golden/later") return Verdict::Next;
        _deferral = context.defer(60'000, Verdict::Deny).token;
        get<Tasks>().post(&Golden::answer, this);
        return Verdict::Pending;
    }
    static void answer(void* self)
    {
        auto& golden = *static_cast<Golden*>(self);
        golden.host().complete({golden._deferral}, Verdict::Next, 0, {});
    }

    // Hooks that are told.
    void onConnack(const ClientConnack& event)
    {
        seen(event, of(event.client) + " reason " + number(event.reason) + " present " +
                        number(event.sessionPresent));
    }
    void onConnected(const ClientConnected& event) { seen(event, of(event.client)); }
    void onDisconnected(const ClientDisconnected& event)
    {
        seen(event, of(event.client) + " reason " + number(event.reason) + " by server " +
                        number(event.byServer));
    }
    void onCreated(const SessionCreated& event) { seen(event, of(event.client)); }
    void onResumed(const SessionResumed& event) { seen(event, of(event.client)); }
    void onTakenOver(const SessionTakenOver& event) { seen(event, of(event.client)); }
    void onSubscribed(const SessionSubscribed& event)
    {
        seen(event, text(event.topicFilter) + " qos " + number(event.options.qos));
    }
    void onUnsubscribed(const SessionUnsubscribed& event) { seen(event, text(event.topicFilter)); }
    void onTerminated(const SessionTerminated& event)
    {
        seen(event, of(event.client) + " reason " + number(event.reason));
    }
    void onPublished(const MessagePublished& event)
    {
        ++_published;
        _counter->add(1);
        seen(event, of(event.client) + ' ' + text(event.topic) + '=' +
                        std::string(event.payload.view()) + " qos " + number(event.qos));
    }
    template <class Event> void seenMessage(const Event& event)
    {
        seen(event, text(event.topic) + '=' + std::string(event.payload.view()) + " qos " +
                        number(event.qos) + " to " +
                        (event.client ? text(event.client->clientId) : "nobody") + " by " +
                        (event.publisher ? text(event.publisher->clientId) : "nobody") +
                        (event.reasonText.size > 0 ? ": " + text(event.reasonText) : ""));
    }
    void onDelivered(const MessageDelivered& event) { seenMessage(event); }
    void onAcked(const MessageAcked& event) { seenMessage(event); }
    void onDropped(const MessageDropped& event) { seenMessage(event); }
    void onExpired(const MessageExpired& event) { seenMessage(event); }
    void onRouteAdded(const RouteAdded& event) { seen(event, text(event.topicFilter)); }
    void onRouteRemoved(const RouteRemoved& event) { seen(event, text(event.topicFilter)); }
    void onStarted(const BrokerStarted& event) { seen(event, "told"); }
    void onStopping(const BrokerStopping& event) { seen(event, "told"); }
    void onConfigChanged(const ConfigChanged& event) { seen(event, text(event.file)); }

    static void onTimer(void* self) { static_cast<Golden*>(self)->note("timer", "fired"); }
    static void run(void* self, Tasks::Stop* stop)
    {
        static_cast<Golden*>(self)->note("thread", "runs");
        while (!stop->requested()) stop->wait(60'000);
    }

    // Verbs.
    static void tell(void* self, Str, Control::Reply* reply)
    {
        auto& golden = *static_cast<Golden*>(self);
        std::string json = "{\"version\":\"" GOLDEN_VERSION "\",\"published\":" +
                           number(golden._published);
        std::lock_guard lock(golden._mutex);
        for (const auto& [what, how] : golden._seen) json += ",\"" + what + "\":\"" + how + '"';
        reply->json(json + '}');
    }
    static void publish(void* self, Str, Control::Reply* reply)
    {
        auto& golden = *static_cast<Golden*>(self);
        Broker::Publication publication{};
        publication.size = sizeof publication;
        publication.topic = "golden/own";
        publication.payload = {"mine", 4};
        publication.expirySeconds = 0xFFFFFFFF;
        const Status status = golden.get<Broker>().publish(&publication);
        publication.topic = "golden/#";
        if (status != 0 || golden.get<Broker>().publish(&publication) != -EINVAL)
            return reply->error("failed", "publish()");
        reply->json("{}");
    }
    struct Series final : MetricsReader::Visitor
    {
        void series(const MetricsReader::Series& one) override
        {
            if (one.name.view() == "golden_gauge") gauge = one.value;
        }
        double gauge = 0;
    };
    struct Plugins final : PluginAdmin::Visitor
    {
        void plugin(const PluginAdmin::Plugin& plugin) override
        {
            found += text(plugin.name) + ' ' + text(plugin.state);
        }
        void hook(const PluginAdmin::Hook&) override { ++hooks; }
        std::string found;
        unsigned hooks = 0;
    };
    static void look(void* self, Str, Control::Reply* reply)
    {
        auto& golden = *static_cast<Golden*>(self);
        Series series;
        golden.get<MetricsReader>().snapshot(&series);
        Plugins plugins;
        golden.get<PluginAdmin>().list("golden", &plugins);
        BrokerAdmin::Info info{};
        info.size = sizeof info;
        golden.get<BrokerAdmin>().info(&info);
        Str folder;
        golden.get<Storage>().folder(&folder);
        reply->json("{\"gauge\":" + number(static_cast<std::uint64_t>(series.gauge)) +
                    ",\"plugins\":\"" + plugins.found + "\",\"hooks\":" + number(plugins.hooks) +
                    ",\"workers\":" + number(info.workers) + ",\"folder\":" +
                    (folder.size > 1 ? "true" : "false") + '}');
    }

    std::atomic<std::uint64_t> _published{0};
    std::atomic<std::uint64_t> _deferral{0};
    Metrics::Counter* _counter = nullptr;
    std::mutex _mutex; // guards _seen
    std::map<std::string, std::string> _seen;
};

} // namespace golden

NANOMQ_PLUGIN(golden::Golden, "golden", GOLDEN_VERSION,
              NANOMQ_PLUGIN_RELOAD_OVERLAP | NANOMQ_PLUGIN_HAS_STATE)
