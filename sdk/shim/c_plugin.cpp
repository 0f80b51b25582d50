// The shim for plugins in C: compiled into each of them by nanomq_add_c_plugin(), which defines
// NANOMQ_C_PLUGIN_NAME, _VERSION and _FLAGS. Exports the Poco manifest, forwards to nanomq_plugin.

#include "nanomq/c.h"
#include "nanomq/plugin_base.h"

#include <cstddef>
#include <list>

using namespace nanomq::sdk;

/// The broker as C sees it, and the functions of C that the broker calls.
struct nanomq_host
{
    struct HookOfC
    {
        nanomq_hook_function function;
        void* self;
    };
    struct VerbOfC
    {
        void (*run)(void*, nanomq_str, nanomq_reply*);
        void* self;
    };

    Host* host = nullptr;
    std::list<HookOfC> hooks; // addresses stay
    std::list<VerbOfC> verbs;
};

namespace
{

// What C sees of a struct is what C++ has.
static_assert(sizeof(nanomq_str) == sizeof(Str) && offsetof(nanomq_str, size) == offsetof(Str, size));
static_assert(sizeof(nanomq_event_header) == sizeof(EventHeader));
static_assert(offsetof(nanomq_event_header, id) == offsetof(EventHeader, id));
static_assert(sizeof(nanomq_client_info) == sizeof(ClientInfo));
static_assert(offsetof(nanomq_client_info, certificate_subject) ==
              offsetof(ClientInfo, certificateSubject));
static_assert(sizeof(nanomq_client_authenticate) == sizeof(ClientAuthenticate));
static_assert(offsetof(nanomq_client_authenticate, has_password) ==
              offsetof(ClientAuthenticate, hasPassword));
static_assert(sizeof(nanomq_client_authorize) == sizeof(ClientAuthorize));
static_assert(offsetof(nanomq_client_authorize, access) == offsetof(ClientAuthorize, access));
static_assert(sizeof(nanomq_message_publish) == sizeof(MessagePublish));
static_assert(offsetof(nanomq_message_publish, expiry_seconds) ==
              offsetof(MessagePublish, expirySeconds));
static_assert(sizeof(nanomq_message_published) == sizeof(MessagePublished));
static_assert(offsetof(nanomq_message_published, is_will) == offsetof(MessagePublished, isWill));
static_assert(NANOMQ_CLIENT_AUTHORIZE == static_cast<int>(HookPoint::ClientAuthorize) &&
              NANOMQ_CLIENT_SUBSCRIBE == static_cast<int>(HookPoint::ClientSubscribe) &&
              NANOMQ_MESSAGE_PUBLISH == static_cast<int>(HookPoint::MessagePublish) &&
              NANOMQ_MESSAGE_PUBLISHED == static_cast<int>(HookPoint::MessagePublished));

Host& hostOf(nanomq_host* host)
{
    return *host->host;
}
HookContext& contextOf(nanomq_context* context)
{
    return *reinterpret_cast<HookContext*>(context);
}
template <class Interface> Interface* get(nanomq_host* host)
{
    return static_cast<Interface*>(hostOf(host).query(Interface::kInterface));
}
Str strOf(nanomq_str text)
{
    return std::string_view(text.data, text.size);
}
Str strOf(const char* text)
{
    return text ? std::string_view(text) : std::string_view();
}

Verdict callHook(void* self, const EventHeader* event, HookContext* context)
{
    const auto& hook = *static_cast<const nanomq_host::HookOfC*>(self);
    return static_cast<Verdict>(hook.function(hook.self,
                                              reinterpret_cast<const nanomq_event_header*>(event),
                                              reinterpret_cast<nanomq_context*>(context)));
}

void callVerb(void* self, Str argumentsJson, Control::Reply* reply)
{
    const auto& verb = *static_cast<const nanomq_host::VerbOfC*>(self);
    verb.run(verb.self, {argumentsJson.data, argumentsJson.size},
             reinterpret_cast<nanomq_reply*>(reply));
}

class CPlugin final : public Plugin
{
public:
    ~CPlugin() override
    {
        if (_initialised && nanomq_plugin.destroy) nanomq_plugin.destroy(_self);
    }
    Status init(Host* host) override
    {
        if (nanomq_plugin.size < sizeof(nanomq_plugin_table) || !nanomq_plugin.init) return -EINVAL;
        _initialised = true;
        _host.host = host;
        return nanomq_plugin.init(&_host, &_self);
    }
    Status start() override { return nanomq_plugin.start ? nanomq_plugin.start(_self) : 0; }
    void quiesce(std::uint32_t deadlineMs) override
    {
        if (nanomq_plugin.quiesce) nanomq_plugin.quiesce(_self, deadlineMs);
    }
    void* query(const char*) override { return nullptr; }

private:
    nanomq_host _host;
    void* _self = nullptr;
    bool _initialised = false;
};

} // namespace

extern "C"
{

nanomq_str nanomq_text(const char* text)
{
    return {text, text ? std::strlen(text) : 0};
}

int32_t nanomq_hook(nanomq_host* host, uint16_t point, int16_t priority, uint32_t flags,
                    nanomq_hook_function function, void* self, const nanomq_str* topicFilters,
                    uint32_t filterCount)
{
    HookSpec spec{};
    spec.size = sizeof spec;
    spec.point = static_cast<HookPoint>(point);
    spec.priority = priority;
    spec.flags = flags;
    spec.filterCount = filterCount;
    spec.function = function ? &callHook : nullptr;
    spec.self = &host->hooks.emplace_back(nanomq_host::HookOfC{function, self});
    spec.topicFilters = reinterpret_cast<const Str*>(topicFilters);
    return hostOf(host).subscribe(&spec);
}

int32_t nanomq_verb(nanomq_host* host, const char* path, const char* help,
                    void (*run)(void*, nanomq_str, nanomq_reply*), void* self)
{
    auto* const control = get<Control>(host);
    if (!control || !run) return control ? -EINVAL : -ENOSYS;
    auto& verb = host->verbs.emplace_back(nanomq_host::VerbOfC{run, self});
    return control->command(strOf(path), strOf(help), &callVerb, &verb);
}

void nanomq_log(nanomq_host* host, int32_t level, const char* text)
{
    hostOf(host).log(static_cast<LogLevel>(level), strOf(text));
}

void nanomq_error(nanomq_host* host, const char* where, const char* what)
{
    hostOf(host).error(strOf(where), strOf(what));
}

int32_t nanomq_config(nanomq_host* host, const char* key, nanomq_str* value)
{
    Str text;
    auto* const config = get<Config>(host);
    if (!config || !config->text(strOf(key), &text)) return 0;
    *value = {text.data, text.size};
    return 1;
}

int32_t nanomq_publish(nanomq_host* host, nanomq_str topic, nanomq_bytes payload, uint8_t qos,
                       uint8_t retain)
{
    auto* const broker = get<Broker>(host);
    if (!broker) return -ENOSYS;
    Broker::Publication publication{};
    publication.size = sizeof publication;
    publication.qos = qos;
    publication.retain = retain;
    publication.topic = strOf(topic);
    publication.payload = {payload.data, payload.size};
    publication.expirySeconds = 0xFFFFFFFF;
    return broker->publish(&publication);
}

void nanomq_complete(nanomq_host* host, uint64_t deferral, int32_t verdict, uint8_t reason,
                     const char* text)
{
    hostOf(host).complete({deferral}, static_cast<Verdict>(verdict), reason, strOf(text));
}

nanomq_counter* nanomq_counter_of(nanomq_host* host, const char* name, const char* labels,
                                  const char* help)
{
    return reinterpret_cast<nanomq_counter*>(
        get<Metrics>(host)->counter(strOf(name), strOf(labels), strOf(help)));
}

void nanomq_counter_add(nanomq_counter* counter, int64_t by)
{
    reinterpret_cast<Metrics::Counter*>(counter)->add(by);
}

int64_t nanomq_counter_value(const nanomq_counter* counter)
{
    return reinterpret_cast<const Metrics::Counter*>(counter)->value();
}

void* nanomq_query(nanomq_host* host, const char* interfaceId)
{
    return hostOf(host).query(interfaceId);
}

uint64_t nanomq_defer(nanomq_context* context, uint32_t timeoutMs, int32_t onTimeout)
{
    return contextOf(context).defer(timeoutMs, static_cast<Verdict>(onTimeout)).token;
}

int32_t nanomq_set_topic(nanomq_context* context, nanomq_str topic)
{
    return contextOf(context).setTopic(strOf(topic));
}

int32_t nanomq_set_payload(nanomq_context* context, nanomq_bytes payload)
{
    return contextOf(context).setPayload({payload.data, payload.size});
}

int32_t nanomq_set_qos(nanomq_context* context, uint8_t qos)
{
    return contextOf(context).setQoS(qos);
}

void nanomq_set_reason(nanomq_context* context, uint8_t reason, const char* text)
{
    contextOf(context).setReason(reason, strOf(text));
}

void nanomq_reply_json(nanomq_reply* reply, const char* json)
{
    reinterpret_cast<Control::Reply*>(reply)->json(strOf(json));
}

void nanomq_reply_error(nanomq_reply* reply, const char* code, const char* message)
{
    reinterpret_cast<Control::Reply*>(reply)->error(strOf(code), strOf(message));
}

} // extern "C"

NANOMQ_PLUGIN(CPlugin, NANOMQ_C_PLUGIN_NAME, NANOMQ_C_PLUGIN_VERSION, NANOMQ_C_PLUGIN_FLAGS)
