// Two plugins of one source: one provides a service, the other (SERVICE_KEEPER) keeps a reference to it
// until the verb `release`.

#include "nanomq/plugin_base.h"

#include <mutex>
#include <string>

using namespace nanomq::sdk;

namespace
{

constexpr const char* kService = "test.service/1";

} // namespace

#ifndef SERVICE_KEEPER

class Provider final : public PluginBase
{
    void onInit() override
    {
        if (get<Registry>().provide(kService, &_answer) != 0)
            throw std::runtime_error("the service is taken");
    }
    int _answer = 42;
};

NANOMQ_PLUGIN(Provider, PROVIDER_NAME, "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)

#else

class Keeper final : public PluginBase
{
    void onInit() override
    {
        get<Registry>().watch(kService, &Keeper::changed, this);
        get<Control>().command("release", "", &Keeper::release, this);
        get<Control>().command("told", "", &Keeper::told, this);
    }

    static void changed(void* self, Str, std::uint8_t available)
    {
        auto& plugin = *static_cast<Keeper*>(self);
        const std::lock_guard lock(plugin._mutex);
        plugin._told += available != 0 ? '+' : '-';
        Registry::Reference reference{};
        if (available != 0 && plugin.get<Registry>().acquire(kService, &reference) == 0)
            plugin._token = reference.token;
    }
    static void release(void* self, Str, Control::Reply* reply)
    {
        auto& plugin = *static_cast<Keeper*>(self);
        const std::lock_guard lock(plugin._mutex);
        plugin.get<Registry>().release(plugin._token);
        reply->json("true");
    }
    static void told(void* self, Str, Control::Reply* reply)
    {
        auto& plugin = *static_cast<Keeper*>(self);
        const std::lock_guard lock(plugin._mutex);
        reply->json('"' + plugin._told + '"');
    }

    std::mutex _mutex; // guards all below
    std::string _told;
    std::uint64_t _token = 0;
};

NANOMQ_PLUGIN(Keeper, "keeper", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)

#endif
