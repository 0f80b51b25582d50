// Hooks without a broker: FakeHost stands for it.

#include "my_plugin.h"
#include "nanomq/testing.h"

#include <iostream>
#include <stdexcept>
#include <string>

using namespace nanomq::sdk;
using namespace nanomq::sdk::testing;

namespace
{

void require(bool holds, const std::string& what)
{
    if (!holds) throw std::runtime_error(what);
}

void countsWhatIsPublished()
{
    FakeHost host("my_plugin.topic = sensors/#\n");
    MyPlugin plugin;
    require(host.load(plugin) == 0, host.allErrors());
    require(host.hooks().at(0).topicFilters.at(0) == "sensors/#", "the configured filter is used");

    const FakeClient client("c1");
    auto message = event<MessagePublished>(client);
    message.topic = "sensors/1";
    message.payload = {"42", 2};
    host.fire(message);
    host.fire(message);

    require(host.metrics->value("my_plugin_messages_total") == 2, "both messages are counted");
    require(host.control.call("status").json == R"({"messages":2,"payload_bytes":4})",
            "the verb tells what was counted");
    host.unload(plugin);
}

} // namespace

int main()
{
    try
    {
        countsWhatIsPublished();
    }
    catch (const std::exception& failure)
    {
        std::cerr << failure.what() << '\n';
        return 1;
    }
}
