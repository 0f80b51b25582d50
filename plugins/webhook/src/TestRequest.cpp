#include "TestRequest.h"

#include "JsonObject.h"
#include "Wire.h"

#include <Poco/Dynamic/Var.h>
#include <Poco/String.h>
#include <Poco/Timestamp.h>

#include <chrono>
#include <random>

namespace webhook
{

using Poco::JSON::Object;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace
{

// A plugin that is to be unloaded waits for its verbs.
constexpr milliseconds kLongest{4'000};

Event testEvent()
{
    std::random_device random;
    Event event;
    event.id = {std::uint64_t{random()} << 32 | random(), 0};
    event.body = "{\"action\":\"webhook_test\",\"ts\":" +
                 std::to_string(Poco::Timestamp().epochMicroseconds() / 1000) + "}";
    return event;
}

/// What a client may not learn from an answer of ours stands in the configuration: its headers.
bool isOurs(const std::string& name)
{
    for (const char* harmless : {"Content-Type", "Idempotency-Key", "Content-Encoding"})
        if (Poco::icompare(name, harmless) == 0) return true;
    return false;
}

Object::Ptr shown(const http::Headers& headers, bool all)
{
    Object::Ptr object = makeObject();
    for (const auto& [name, value] : headers)
        object->set(name, all || isOurs(name) ? value : "(not shown)");
    return object;
}

std::string verdictOn(const Answer& meaning, bool keepsDeadLetters)
{
    switch (meaning.kind)
    {
    case Answer::Kind::Delivered: return "delivered";
    case Answer::Kind::TryAgain:
        return "failed: an event would be tried again" +
               (meaning.retryAfter
                    ? " in " + std::to_string(meaning.retryAfter->count()) + " s, as asked for"
                    : std::string());
    case Answer::Kind::Refused:
        return keepsDeadLetters ? "refused: an event would become a dead letter"
                                : "refused: an event would be dropped";
    case Answer::Kind::Cancelled: break;
    }
    return "given up: the plugin is being unloaded";
}

} // namespace

Object::Ptr testEndpoint(const Delivery& delivery)
{
    const EndpointSettings& settings = delivery.settings();
    const Wire wire = wireOf(settings, {testEvent()}, Poco::Timestamp().epochTime());

    http::Connection connection(delivery.endpoint(), delivery.cancellation());
    http::Request request;
    request.headers = &wire.headers;
    request.contentType = "application/json";
    request.content = wire.content;
    request.body = http::Request::Body::Wanted;
    const auto begin = steady_clock::now();
    request.deadline = begin + kLongest;
    const http::Answer answer = connection.ask(request);
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);

    Object::Ptr asked = makeObject();
    asked->set("method", "POST");
    asked->set("url", settings.address->shown);
    asked->set("headers", shown(wire.headers, false));
    asked->set("body", wire.content);

    Object::Ptr answered = makeObject();
    answered->set("outcome", answer.text);
    answered->set("milliseconds", took.count());
    if (answer.outcome == http::Answer::Outcome::Answered)
    {
        answered->set("status", answer.status);
        answered->set("headers", shown(answer.headers, true));
        answered->set("body", answer.body.substr(0, 1'000));
    }
    Object::Ptr result = makeObject();
    result->set("endpoint", settings.name);
    result->set("request", asked);
    result->set("answer", answered);
    result->set("verdict", verdictOn(meaningOf(answer), delivery.spool().has_value()));
    return result;
}

} // namespace webhook
