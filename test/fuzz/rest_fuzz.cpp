// Requests of the REST API, from the request line to the answer: method and target, then the body.
// Whatever comes in, it is served or refused with a status and a code, and every answer is JSON.

#include "Fuzz.h"
#include "PublishProperties.h"
#include "Router.h"
#include "TopicTree.h"

#include <Poco/JSON/Parser.h>

#include <string>

namespace
{

using nanomq::fuzz::Input;
using nanomq::fuzz::require;
using namespace rest_api;

class Sink final : public Reply::Sink
{
public:
    void begin(int status, const Reply::Headers&, std::optional<std::size_t> length) override
    {
        require(begun++ == 0, "an answer began twice");
        require(status >= 200 && status < 600, "no status of HTTP");
        announced = length;
    }
    void send(std::string_view body) override { text += body; }

    int begun = 0;
    std::optional<std::size_t> announced;
    std::string text;
};

/// Routes that do with a request what ours do.
const Router& router()
{
    static const Router* const built = [] {
        auto* const all = new Router(nullptr);
        using Role = nanomq::sdk::HttpRole;
        all->add({"GET", "/a/{one}", Role::Reader, "", "", [](const Request& request, Reply& reply) {
                      request.allowQuery({"_page", "_limit", "topic"});
                      request.number("_page", 1, 1, 1'000);
                      TopicTree tree;
                      tree.add(request.parameterText("one"), "id");
                      if (const auto* topic = request.queryText("topic")) tree.add(*topic, "id");
                      tree.write(reply, "clientid");
                  }});
        all->add({"POST", "/a/{one}", Role::Operator, "", "", [](const Request& request, Reply& reply) {
                      const PublishProperties properties(request.object());
                      reply.append("[" + std::to_string(properties.encoded().size()) + "]");
                  }});
        all->add({"GET", "/a/b", Role::Admin, "", "", [](const Request&, Reply& reply) { reply.done(); }});
        return all;
    }();
    return *built;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    const std::string method(input.line());
    const std::string target(input.line());
    const std::size_t head = method.size() + target.size() + 2;
    const std::string body(reinterpret_cast<const char*>(data) + std::min(head, size),
                           size - std::min(head, size));
    Sink sink;
    Reply reply(sink);
    try
    {
        Request request(method, target, {}, body, "192.0.2.7");
        router().serve(request, std::string_view(target).substr(0, target.find('?')), reply,
                       [](Request& caller) { caller.setCaller("fuzz", nanomq::sdk::HttpRole::Operator); });
    }
    catch (const ApiError& error)
    {
        require(error.status >= 400 && error.status < 600, "a refusal without its status");
        reply.fail(error);
    }
    reply.finish();
    require(sink.begun == 1, "no answer");
    require(!sink.announced || *sink.announced == sink.text.size(), "another length than announced");
    Poco::JSON::Parser().parse(sink.text); // throws for what is no JSON
    return 0;
}
