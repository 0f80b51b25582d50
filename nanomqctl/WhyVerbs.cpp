// Why did it happen, and what would happen: trace and explain.

#include "Shell.h"
#include "Verbs.h"

#include <Poco/JSON/Array.h>

#include <ctime>
#include <iostream>
#include <string>

namespace nanomq::ctl
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

/// "12:04:31.250 message.published c1 a/b qos 1 20 bytes".
std::string lineOf(const Object& event)
{
    const auto timeMs = event.optValue<Poco::Int64>("time_ms", 0);
    const std::time_t seconds = timeMs / 1000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    char clock[16];
    std::strftime(clock, sizeof clock, "%H:%M:%S", &local);
    std::string millis = std::to_string(1000 + timeMs % 1000);
    std::string line = std::string(clock) + '.' + millis.substr(1) + ' ' +
                       event.optValue<std::string>("what", "");
    if (event.has("plugin")) return line + ' ' + event.optValue<std::string>("text", "");
    const auto add = [&](const char* key, const std::string& before, const std::string& behind) {
        if (event.has(key)) line += ' ' + before + event.get(key).convert<std::string>() + behind;
    };
    add("client_id", "", "");
    add("topic", "", "");
    add("qos", "qos ", "");
    add("payload_bytes", "", " bytes");
    add("text", "(", ")");
    return line;
}

void printExplanation(const Shell& shell, const Object::Ptr& answer)
{
    const auto text = [&answer](const char* key) { return answer->optValue<std::string>(key, ""); };
    std::cout << "client " << harmless(text("client_id"))
              << (answer->optValue("connected", false) ? "" : " (not connected)") << ", user "
              << (text("user_name").empty() ? "unnamed" : harmless(text("user_name"))) << ": "
              << text("action") << ' ' << harmless(text("topic")) << '\n'
              << harmless(text("outcome")) << '\n';
    const auto table = [&](const char* key, const char* title) {
        const auto rows = answer->getArray(key);
        if (rows.isNull() || rows->size() == 0) return;
        std::cout << '\n' << title << '\n';
        shell.print(rows);
    };
    table("hooks", "hooks, in the order in which they are asked:");
    table("matched_filters", "topic filters that match:");
    table("recipients", "who would get it:");
    table("observers", "plugins that would be told:");
    if (const auto skipped = answer->optValue<int>("not_asked", 0); skipped > 0)
        std::cout << '\n' << skipped << " of the hooks could not be asked, so this may be wrong\n";
}

} // namespace

int explainVerb(const Arguments& arguments)
{
    Options options("explain --client ID --topic TOPIC [--publish | --subscribe] [OPTION]...",
                    "What would happen if this client published, or subscribed: every plugin's "
                    "verdict and its reason, the topic filters that match, and who would get the "
                    "message. Asks the real plugins, and changes nothing.");
    options.value("client", "c", "ID", "the Client Identifier; it need not be connected")
        .value("topic", "t", "TOPIC", "a Topic Name, or with --subscribe a Topic Filter")
        .flag("publish", "", "publish (the default)")
        .flag("subscribe", "", "subscribe")
        .value("qos", "q", "QOS", "0, 1 or 2 (0)")
        .flag("retain", "r", "with RETAIN set")
        .value("user", "u", "NAME", "the user name of a client that is not connected");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    options.noWordsBeyond(0);
    if (!options.has("client") || !options.has("topic"))
        throw UsageError("expected --client and --topic");
    if (options.has("publish") && options.has("subscribe"))
        throw UsageError("expected one of --publish and --subscribe");
    auto request = makeObject();
    request->set("client", options.text("client"));
    request->set("topic", options.text("topic"));
    request->set("action", options.has("subscribe") ? "subscribe" : "publish");
    request->set("qos", options.number("qos", 0, 0, 2));
    request->set("retain", options.has("retain"));
    if (options.has("user")) request->set("user", options.text("user"));
    Shell shell(options);
    const auto answer = shell.callForObject("explain", request);
    if (shell.look() == Look::Json) shell.print(answer);
    else printExplanation(shell, answer);
    return 0;
}

int traceVerb(const Arguments& arguments)
{
    Options options("trace [--client ID] [--topic FILTER] [OPTION]...",
                    "What happens to a client, or on a topic, as it happens: connections, "
                    "subscriptions, messages, and what plugins refuse, drop, change and delay. Ends "
                    "with Ctrl-C. Costs the broker nothing while nobody looks.");
    options.value("client", "c", "ID", "only what concerns this Client Identifier")
        .value("topic", "t", "FILTER", "only what concerns topics that match")
        .value("sample", "", "N", "of each kind of message event, tell one in N (1)")
        .value("count", "", "N", "end after so many");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    options.noWordsBeyond(0);
    auto request = makeObject();
    if (options.has("client")) request->set("client", options.text("client"));
    if (options.has("topic")) request->set("topic", options.text("topic"));
    request->set("sample", options.number("sample", 1, 1, 1'000'000'000));
    auto left = options.number("count", 0, 0, 1'000'000'000); // 0: no end
    Shell shell(options);
    shell.follow("trace", request, [&](const Var& event) {
        if (event.type() != typeid(Object::Ptr)) return true;
        const auto& line = *event.extract<Object::Ptr>();
        if (shell.look() == Look::Json)
        {
            line.stringify(std::cout);
            std::cout << std::endl;
        }
        else
        {
            if (line.has("left_out_before"))
                std::cout << line.get("left_out_before").convert<std::string>()
                          << " events were left out: they came too fast\n";
            std::cout << harmless(lineOf(line)) << std::endl;
        }
        return std::cout.good() && (left == 0 || --left > 0);
    });
    return 0;
}

} // namespace nanomq::ctl
