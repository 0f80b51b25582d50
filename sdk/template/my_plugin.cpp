#include "my_plugin.h"

#include <string>
#include <vector>

namespace sdk = nanomq::sdk;

void MyPlugin::onInit() // [host]; what it throws is why the plugin is not loaded
{
    _messages = get<sdk::Metrics>().counter("my_plugin_messages_total", "", "Messages counted");
    get<sdk::Control>().command("status", "what was counted", &MyPlugin::status, this);
    hook<&MyPlugin::onPublished>(0, std::vector<std::string>{configText("my_plugin.topic", "#")});
}

void MyPlugin::onPublished(const sdk::MessagePublished& event) // [executor]; may block
{
    _messages->add(1);
    _payloadBytes += event.payload.size;
}

void MyPlugin::status(void* self, sdk::Str, sdk::Control::Reply* reply)
{
    const auto& plugin = *static_cast<MyPlugin*>(self);
    reply->json("{\"messages\":" + std::to_string(plugin._messages->value()) +
                ",\"payload_bytes\":" + std::to_string(plugin._payloadBytes) + "}");
}

NANOMQ_PLUGIN(MyPlugin, "my_plugin", "0.1.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)
