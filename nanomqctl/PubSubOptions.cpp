#include "PubSubOptions.h"

#include "wire/Utf8.h"
#include "wire/Words.h"

namespace nanomq::ctl
{

namespace
{

std::string textOption(const Options& options, const char* name)
{
    constexpr std::size_t kLongest = 65'535; // §1.5.4
    std::string text = options.text(name);
    if (text.size() > kLongest || !isUtf8(text))
        throw UsageError("--" + std::string(name) + " takes at most 65,535 bytes of UTF-8");
    return text;
}

} // namespace

void addConnectOptions(Options& options)
{
    options.value("host", "h", "HOST", "the broker (127.0.0.1)")
        .value("port", "p", "PORT", "its port (1883)")
        .value("version", "V", "VERSION", "MQTT version: 3 (3.1), 4 (3.1.1), 5 (5)")
        .value("user", "u", "NAME", "user name")
        .value("password", "P", "TEXT", "password")
        .value("identifier", "i", "ID", "Client Identifier (made up)")
        .value("keepalive", "k", "SECONDS", "Keep Alive; 0: none (60)")
        .value("clean_session", "c", "BOOL", "begin with a new session (true)")
        .value("will-topic", "", "TOPIC", "leave a will")
        .value("will-msg", "", "TEXT", "its payload")
        .value("will-qos", "", "QOS", "its QoS (0)")
        .flag("will-retain", "", "have it retained");
}

QoS qosOption(const Options& options, const char* name)
{
    return static_cast<QoS>(options.number(name, 0, 0, 2));
}

MqttOptions connectOptions(const Options& options)
{
    MqttOptions mqtt;
    mqtt.host = options.text("host", mqtt.host);
    mqtt.port = static_cast<std::uint16_t>(options.number("port", mqtt.port, 1, 65'535));
    mqtt.version = static_cast<ProtocolVersion>(options.number("version", 5, 3, 5));
    mqtt.clientId = textOption(options, "identifier");
    mqtt.keepAlive = std::chrono::seconds(options.number("keepalive", 60, 0, 65'535));
    mqtt.cleanStart = options.truth("clean_session", true);
    if (!mqtt.cleanStart && mqtt.clientId.empty())
        throw UsageError("--clean_session false needs an --identifier to come back with");
    if (options.has("user")) mqtt.userName = textOption(options, "user");
    if (options.has("password"))
    {
        if (!mqtt.userName && mqtt.version != ProtocolVersion::v5_0)
            throw UsageError("before MQTT 5.0 a --password needs a --user");
        mqtt.password = textOption(options, "password");
    }
    if (options.has("will-topic"))
    {
        mqtt.will =
            MqttOptions::Will{textOption(options, "will-topic"), textOption(options, "will-msg"),
                              qosOption(options, "will-qos"), options.has("will-retain")};
        if (mqtt.will->topic.empty() || hasWildcard(mqtt.will->topic))
            throw UsageError("a will needs a Topic Name without wildcards");
    }
    else if (options.has("will-msg") || options.has("will-qos") || options.has("will-retain"))
        throw UsageError("a will needs a --will-topic");
    return mqtt;
}

} // namespace nanomq::ctl
