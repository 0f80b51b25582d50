// The plugin in a real broker, with a real client.

#include "nanomq/testing.h"
#include "nanomq/testing/mqtt_client.h"
#include "nanomq/testing/running_broker.h"

#include <iostream>
#include <stdexcept>
#include <string>

using namespace nanomq::sdk::testing;

int main()
{
    try
    {
        RunningBroker broker({.plugins = {MY_PLUGIN_FILE},
                              .conf = {{"my_plugin.conf", "my_plugin.topic = sensors/#\n"}},
                              .program = NANOMQ_BROKER});
        MqttClient client(broker.port(), {"c1"});
        client.publish("sensors/1", "42", 1);
        client.publish("elsewhere", "42", 1);
        // Observers are told a moment later.
        const bool counted = eventually([&] {
            const std::string answer =
                broker.control("plugin.verb", R"({"plugin":"my_plugin","words":["status"]})");
            return answer.find(R"({"messages":1,"payload_bytes":2})") != std::string::npos;
        });
        if (!counted) throw std::runtime_error("one message was to be counted\n" + broker.log());
        broker.stop();
    }
    catch (const std::exception& failure)
    {
        std::cerr << failure.what() << '\n';
        return 1;
    }
}
