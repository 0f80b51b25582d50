#include "Interrupt.h"
#include "PubSubOptions.h"
#include "Table.h"
#include "Verbs.h"
#include "wire/Utf8.h"

#include <Poco/Base64Encoder.h>

#include <iostream>
#include <sstream>

namespace nanomq::ctl
{

namespace
{

enum class Form
{
    Payload,
    TopicAndPayload,
    Json,
};

std::string base64(const std::string& bytes)
{
    std::ostringstream out;
    Poco::Base64Encoder encoder(out);
    encoder.rdbuf()->setLineLength(0);
    encoder << bytes;
    encoder.close();
    return out.str();
}

void show(const ReceivedMessage& message, Form form)
{
    if (form == Form::Json)
    {
        Poco::JSON::Object::Ptr object = makeObject();
        object->set("topic", message.topic);
        object->set("qos", static_cast<int>(message.qos));
        object->set("retain", message.retain);
        object->set("dup", message.dup);
        if (isUtf8(message.payload)) object->set("payload", message.payload);
        else object->set("payload_base64", base64(message.payload));
        print(object, Look::Json, std::cout);
    }
    else
    {
        if (form == Form::TopicAndPayload) std::cout << message.topic << ' ';
        std::cout << message.payload << '\n';
    }
    // Whoever reads along in a pipe wants it now.
    if (!std::cout.flush()) throw Failure("nobody reads the output any more");
}

void checkFilters(const std::vector<std::string>& filters)
{
    if (filters.empty()) throw UsageError("sub needs at least one --topic");
    for (const std::string& filter : filters)
        if (filter.empty() || filter.size() > 65'535 || !isUtf8(filter))
            throw UsageError("--topic takes a Topic Filter: UTF-8, not empty");
}

void subscribe(MqttClient& client, const std::vector<std::string>& filters, QoS qos)
{
    const std::vector<ReasonCode> reasons = client.subscribe(filters, qos);
    for (std::size_t i = 0; i < reasons.size(); ++i)
        if (isFailure(reasons[i]))
            throw Failure("the broker refused '" + harmless(filters[i]) +
                          "': " + std::string(reasonText(reasons[i])));
}

} // namespace

int subscribeVerb(const Arguments& arguments)
{
    Options options("sub --topic FILTER [OPTION]...",
                    "Subscribes, and prints messages as they come, until it is interrupted.");
    addConnectOptions(options);
    options.value("topic", "t", "FILTER", "Topic Filter; may be repeated")
        .value("qos", "q", "QOS", "the highest QoS: 0, 1 or 2 (0)")
        .value("count", "C", "COUNT", "end after so many messages")
        .flag("verbose", "v", "print the topic before each payload");
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;

    const std::vector<std::string> filters = options.all("topic");
    checkFilters(filters);
    std::int64_t left = options.number("count", 0, 1, INT64_MAX);
    const Form form = options.has("json")      ? Form::Json
                      : options.has("verbose") ? Form::TopicAndPayload
                                               : Form::Payload;
    const QoS qos = qosOption(options, "qos");

    const Interrupt interrupt;
    MqttClient client(connectOptions(options));
    subscribe(client, filters, qos);
    while (client.wait(-1, interrupt.descriptor()) == MqttClient::Event::Message)
    {
        show(client.take(), form);
        if (left > 0 && --left == 0) break;
    }
    client.disconnect();
    return 0;
}

} // namespace nanomq::ctl
