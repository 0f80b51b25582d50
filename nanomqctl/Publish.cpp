#include "Interrupt.h"
#include "LineReader.h"
#include "PubSubOptions.h"
#include "Verbs.h"
#include "wire/Utf8.h"
#include "wire/Words.h"

#include <iostream>
#include <unistd.h>

namespace nanomq::ctl
{

namespace
{

constexpr std::size_t kLargestPayload = 268'000'000; // a packet's limit, with room for the rest

/// Publishes each line of standard input as it comes.
void publishLines(MqttClient& client, const std::string& topic, QoS qos, bool retain)
{
    const Interrupt interrupt;
    LineReader input(STDIN_FILENO);
    while (!input.atEnd())
    {
        switch (client.wait(STDIN_FILENO, interrupt.descriptor()))
        {
        case MqttClient::Event::Message: client.take(); break; // of a session that was kept
        case MqttClient::Event::Interrupted: return;
        case MqttClient::Event::Input:
            input.read();
            while (const auto line = input.next()) client.publish(topic, *line, qos, retain);
            break;
        }
    }
}

} // namespace

int publishVerb(const Arguments& arguments)
{
    Options options("pub --topic TOPIC [--msg TEXT] [OPTION]...",
                    "Publishes a message, or each line of standard input. Ends when the broker has "
                    "acknowledged it.");
    addConnectOptions(options);
    options.value("topic", "t", "TOPIC", "Topic Name")
        .value("msg", "m", "TEXT", "the payload (empty)")
        .value("qos", "q", "QOS", "0, 1 or 2 (0)")
        .flag("retain", "r", "have the broker retain it")
        .flag("stdin-line", "l", "publish each line of standard input");
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;

    const std::string topic = options.text("topic");
    if (topic.empty() || topic.size() > 65'535 || hasWildcard(topic) || !isUtf8(topic))
        throw UsageError("--topic takes a Topic Name: UTF-8, not empty, without '+' and '#'");
    const std::string payload = options.text("msg");
    if (payload.size() > kLargestPayload) throw UsageError("--msg is longer than MQTT can carry");
    const bool fromInput = options.has("stdin-line");
    if (fromInput && options.has("msg"))
        throw UsageError("--msg and --stdin-line exclude each other");
    const QoS qos = qosOption(options, "qos");

    MqttClient client(connectOptions(options));
    if (fromInput) publishLines(client, topic, qos, options.has("retain"));
    else client.publish(topic, payload, qos, options.has("retain"));
    client.disconnect();
    return 0;
}

} // namespace nanomq::ctl
