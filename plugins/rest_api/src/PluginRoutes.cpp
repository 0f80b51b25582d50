// Plugins of the broker: who is there, loading, unloading, reloading.

#include "Routes.h"
#include "Times.h"
#include "Walks.h"

#include <Poco/JSON/Array.h>

#include <cerrno>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

using Poco::JSON::Array;
using Poco::JSON::Object;
using Admin = sdk::PluginAdmin;

constexpr const char* kOwnName = "rest_api";
constexpr std::uint32_t kStepMs = 100; // between two looks whether the plugin ends
constexpr int kSteps = 600;

class Collector final : public Admin::Visitor
{
public:
    explicit Collector(bool withHooks) noexcept : _withHooks(withHooks) {}

    void plugin(const Admin::Plugin& plugin) override
    {
        auto item = makeObject();
        item->set("name", std::string(plugin.name.view()));
        item->set("version", std::string(plugin.version.view()));
        item->set("active", plugin.state.view() == "active");
        item->set("state", std::string(plugin.state.view()));
        item->set("reason", asText(plugin.reason.view()));
        item->set("hooks_count", plugin.hooks);
        item->set("events", plugin.events);
        item->set("dropped", plugin.dropped);
        item->set("queued", plugin.queued);
        item->set("errors", plugin.errors);
        item->set("last_error", asText(plugin.lastError.view()));
        item->set("loaded_at", plugin.loadedAtMs == 0 ? "" : dateTime(plugin.loadedAtMs));
        plugins->add(item);
        if (!_withHooks) return;
        _hooks = new Array;
        item->set("hooks", _hooks);
    }
    void hook(const Admin::Hook& hook) override
    {
        if (!_withHooks) return;
        auto item = makeObject();
        item->set("point", std::string(hook.point.view()));
        item->set("priority", hook.priority);
        item->set("calls", hook.calls);
        item->set("errors", hook.errors);
        item->set("deferrals", hook.deferrals);
        item->set("timeouts", hook.timeouts);
        item->set("mean_ns", hook.samples == 0 ? 0 : hook.sampledNs / hook.samples);
        _hooks->add(item);
    }

    Array::Ptr plugins = new Array;

private:
    const bool _withHooks;
    Array::Ptr _hooks;
};

void list(const Services& services, Reply& reply)
{
    Collector collector(false);
    services.plugins.list({}, &collector);
    auto item = makeObject();
    item->set("node", Services::kNode);
    item->set("plugins", collector.plugins);
    DataList data(reply);
    data.add(item);
    data.end({});
}

void show(const Services& services, const Request& request, Reply& reply)
{
    const std::string& name = request.parameterText("plugin");
    Collector collector(true);
    if (services.plugins.list(name, &collector) != 0)
        throw ApiError::notFound("no such plugin: " + name);
    auto body = makeObject();
    body->set("code", 0);
    body->set("data", collector.plugins->getObject(0));
    reply.json(body);
}

Code codeOf(std::string_view text) noexcept
{
    if (text == "already_loaded") return Code::PluginAlreadyOn;
    if (text == "not_loaded") return Code::PluginOff;
    if (text == "not_found") return Code::Unknown;
    return Code::RpcError;
}

void finish(const std::string& code, const std::string& message, Reply& reply)
{
    if (!code.empty())
        throw ApiError(code == "not_found" ? 404 : 400, codeOf(code), message);
    reply.done();
}

/// Begins a job and waits for it, but no longer than this plugin lives: the job in front may be to
/// unload it.
void act(const Services& services, const Request& request, Reply& reply, Admin::Action action)
{
    struct Outcome final : Admin::Outcome
    {
        void outcome(sdk::Str givenCode, sdk::Str givenMessage) override
        {
            code = givenCode.view();
            message = asText(givenMessage.view());
        }
        std::string code, message;
    } outcome;
    const std::string& name = request.parameterText("plugin");
    std::uint64_t job = 0;
    if (services.plugins.begin(action, name, &job) != 0)
        throw ApiError(500, Code::RpcError, "too many plugin jobs are waiting");
    sdk::Status status = -EAGAIN;
    if (name != kOwnName)
        for (int step = 0; step < kSteps && status == -EAGAIN && !services.stopping; ++step)
            status = services.plugins.outcome(job, kStepMs, &outcome);
    if (status == 0) return finish(outcome.code, outcome.message, reply);
    reply.setStatus(202); // goes on without us
    reply.done();
}

} // namespace

void addPluginRoutes(Router& router, const Services& services)
{
    using Role = sdk::HttpRole;
    constexpr const char* kListDoc = R"("responses":{"200":{"$ref":"#/components/responses/list"}})";
    constexpr const char* kActDoc =
        R"("responses":{"200":{"$ref":"#/components/responses/done"},)"
        R"("202":{"description":"Begun; it goes on without this request"}})";
    router.add({"GET", "/api/v4/plugins", Role::Reader, "The plugins of the broker", kListDoc,
                [&services](const Request& request, Reply& reply) {
                    request.allowQuery({});
                    list(services, reply);
                }});
    router.add({"GET", "/api/v4/plugins/{plugin}", Role::Reader, "One plugin, with its hooks",
                R"("responses":{"200":{"$ref":"#/components/responses/object"}})",
                [&services](const Request& request, Reply& reply) {
                    show(services, request, reply);
                }});
    struct Verb
    {
        const char* name;
        Admin::Action action;
        const char* summary;
    };
    for (const Verb& verb : {Verb{"load", Admin::Action::Load, "Loads a plugin"},
                             Verb{"unload", Admin::Action::Unload, "Unloads a plugin"},
                             Verb{"reload", Admin::Action::Reload, "Exchanges a plugin"}})
        for (const char* method : {"PUT", "POST"})
            router.add({method, std::string("/api/v4/plugins/{plugin}/") + verb.name, Role::Admin,
                        verb.summary, kActDoc,
                        [&services, action = verb.action](const Request& request, Reply& reply) {
                            act(services, request, reply, action);
                        }});
}

} // namespace rest_api
