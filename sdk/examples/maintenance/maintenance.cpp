// A control verb with a metric.

#include "nanomq/plugin_base.h"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <atomic>
#include <mutex>
#include <string>

using namespace nanomq::sdk;

class Maintenance final : public PluginBase
{
    void onInit() override
    {
        auto& metrics = get<Metrics>();
        _onGauge = metrics.gauge("maintenance_on", "", "1 while new clients are refused");
        _refused = metrics.counter("maintenance_refused_total", "", "Clients refused meanwhile");
        _onGauge->set(0);
        auto& control = get<Control>();
        control.command("begin", "refuse new clients; --reason=TEXT", &Maintenance::begin, this);
        control.command("end", "let them in again", &Maintenance::end, this);
        control.command("status", "whether it is on", &Maintenance::status, this);
        hook<&Maintenance::onConnect>(1'000, {}, kDryRunAware);
    }

    /// [worker]
    Verdict onConnect(const ClientConnect& event, HookContext& context)
    {
        if (!_on) return Verdict::Next; // a load and a branch, while nothing is the matter
        {
            const std::lock_guard lock(_mutex);
            context.setReason(0x88, _reason); // Server unavailable
        }
        if ((event.header.flags & kDryRun) == 0) _refused->add(1);
        return Verdict::Deny;
    }

    // Verbs. [control], at the same time as hooks; PluginBase does not catch for them.

    static void begin(void* self, Str argumentsJson, Control::Reply* reply)
    {
        auto& plugin = *static_cast<Maintenance*>(self);
        try
        {
            const auto arguments = Poco::JSON::Parser()
                                       .parse(std::string(argumentsJson.view()))
                                       .extract<Poco::JSON::Object::Ptr>();
            const auto reason = arguments->optValue<std::string>("reason", "maintenance");
            if (reason.size() > 200) return reply->error("bad_argument", "--reason is too long");
            const std::lock_guard lock(plugin._mutex);
            plugin._reason = reason;
        }
        catch (const Poco::Exception& wrong)
        {
            return reply->error("bad_argument", wrong.displayText());
        }
        plugin.set(true);
        status(self, argumentsJson, reply);
    }
    static void end(void* self, Str argumentsJson, Control::Reply* reply)
    {
        static_cast<Maintenance*>(self)->set(false);
        status(self, argumentsJson, reply);
    }
    static void status(void* self, Str, Control::Reply* reply)
    {
        const auto& plugin = *static_cast<Maintenance*>(self);
        reply->json("{\"on\":" + std::string(plugin._on ? "true" : "false") +
                    ",\"refused\":" + std::to_string(plugin._refused->value()) + "}");
    }

    void set(bool on)
    {
        _on = on;
        _onGauge->set(on ? 1 : 0);
        host().log(LogLevel::Information, on ? "new clients are refused" : "new clients are let in");
    }

    std::atomic<bool> _on{false};
    std::mutex _mutex; // guards _reason
    std::string _reason;
    Metrics::Counter* _onGauge = nullptr;
    Metrics::Counter* _refused = nullptr;
};

NANOMQ_PLUGIN(Maintenance, "maintenance", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)
