#include "TryOut.h"

#include "AuthHttp.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <chrono>
#include <sstream>

namespace auth_http
{

namespace sdk = nanomq::sdk;

namespace
{

using Poco::JSON::Object;

Object::Ptr makeObject()
{
    return new Object(Poco::JSON_PRESERVE_KEY_ORDER);
}

constexpr const char* kArguments[] = {"client", "username", "password", "ip",
                                      "topic",  "access",   "qos",      "retain"};

/// The client that the arguments describe. What is shown in the events lives here.
class Subject
{
public:
    explicit Subject(const Object& arguments)
    {
        const auto text = [&arguments](const char* name, const char* otherwise) {
            return arguments.has(name) ? arguments.get(name).toString() : std::string(otherwise);
        };
        for (const std::string& name : arguments.getNames())
            if (std::find(std::begin(kArguments), std::end(kArguments), name) ==
                std::end(kArguments))
                throw Poco::InvalidArgumentException("there is no --" + name);
        _client = text("client", "");
        if (_client.empty()) throw Poco::InvalidArgumentException("--client=ID is missing");
        _userName = text("username", "");
        _password = text("password", "");
        _address = text("ip", "127.0.0.1");
        _topic = text("topic", "");
        const std::string access = text("access", "publish");
        if (access != "publish" && access != "subscribe")
            throw Poco::InvalidArgumentException("--access is publish or subscribe");

        info.size = sizeof info;
        info.protocolVersion = 5;
        info.hasUserName = arguments.has("username");
        info.clientId = _client;
        info.userName = _userName;
        info.peerAddress = _address;
        login.header.size = sizeof login;
        login.client = &info;
        login.hasPassword = arguments.has("password");
        login.password = {_password.data(), _password.size()};
        rights.header.size = sizeof rights;
        rights.client = &info;
        rights.topic = _topic;
        rights.access = access == "publish" ? sdk::Access::Publish : sdk::Access::Subscribe;
        rights.qos = static_cast<std::uint8_t>(
            arguments.has("qos") ? std::clamp(arguments.get("qos").convert<int>(), 0, 2) : 0);
        rights.retain = arguments.has("retain");
    }
    bool hasTopic() const noexcept { return !_topic.empty(); }

    sdk::ClientInfo info{};
    sdk::ClientAuthenticate login{};
    sdk::ClientAuthorize rights{};

private:
    std::string _client, _userName, _password, _address, _topic;
};

void showRequest(Object& step, const RequestForm& form, const Facts& facts)
{
    const auto filled = form.fill(facts, true);
    const auto query = filled.target.find('?');
    std::string headers;
    for (const auto& [name, value] : form.headers) headers += (headers.empty() ? "" : ", ") + name;
    step.set("method", form.get ? "GET" : "POST");
    step.set("url", form.address.shown + (form.get && query != std::string::npos
                                              ? filled.target.substr(query)
                                              : std::string()));
    step.set("headers", headers);
    step.set("body", filled.content);
}

void showAnswer(Object& step, const http::Answer& answer, std::chrono::milliseconds took)
{
    step.set("answer", answer.text);
    step.set("status", answer.status);
    step.set("answer_body", answer.body);
    step.set("cache_control", std::string(http::find(answer.headers, "Cache-Control")));
    step.set("ms", took.count());
}

const char* verdictName(sdk::Verdict verdict)
{
    switch (verdict)
    {
    case sdk::Verdict::Allow: return "allow";
    case sdk::Verdict::Deny: return "deny";
    default: return "next"; // other plugins, and then the broker's own rule
    }
}

} // namespace

void TryOut::run(std::string_view argumentsJson, sdk::Control::Reply& reply) const
{
    try
    {
        Poco::JSON::Parser parser;
        const Subject subject(*parser.parse(std::string(argumentsJson)).extract<Object::Ptr>());
        Poco::JSON::Array steps;
        std::string verdict = "next";
        for (const Kind kind : {Kind::Login, Kind::Super, Kind::Rights})
        {
            const auto& form = _settings.form(kind);
            if (!form || (kind == Kind::Login) == subject.hasTopic()) continue;
            const Facts facts = kind == Kind::Login ? Facts(subject.login) : Facts(subject.rights);
            const auto begin = std::chrono::steady_clock::now();
            const http::Answer answer = _desk.tryOut(kind, form->fill(facts));
            const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::steady_clock::now() - begin);
            const Decision decision = decisionOf(_settings.dialect, kind, answer);
            const Outcome outcome = outcomeOf(_settings, kind, decision);
            verdict = verdictName(outcome.verdict);
            auto step = makeObject();
            step->set("asked", kindName(kind));
            showRequest(*step, *form, facts);
            showAnswer(*step, answer, took);
            step->set("means", decisionName(decision.kind));
            step->set("reason_code", static_cast<int>(outcome.reason));
            steps.add(step);
            if (kind == Kind::Super && decision.kind == Decision::Kind::Allow) break;
        }
        auto result = makeObject();
        result->set("steps", steps);
        result->set("verdict", verdict);
        std::ostringstream text;
        result->stringify(text);
        reply.json(text.str());
    }
    catch (const Poco::Exception& wrong)
    {
        reply.error("bad_argument", wrong.message());
    }
}

} // namespace auth_http
