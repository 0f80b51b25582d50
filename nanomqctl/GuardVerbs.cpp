#include "Shell.h"
#include "Verbs.h"

#include <cstdint>
#include <iostream>

namespace nanomq::ctl
{

namespace
{

using Poco::JSON::Object;

constexpr const char* kUsage = "ban list | add KIND WHO [OPTION]... | remove KIND WHO";
constexpr std::int64_t kLongestSeconds = std::int64_t{100} * 365 * 86'400;

int listBans(Shell& shell)
{
    const Object::Ptr answer = shell.callForObject("ban.list", makeObject());
    if (shell.look() == Look::Json) shell.print(answer);
    else shell.print(answer->get("bans"));
    return 0;
}

int changeBans(Shell& shell, const Options& options, const std::string& verb)
{
    std::string kind = options.word(1, "a kind: address, client_id or user_name");
    const std::string who = options.word(2, "whom the ban is for");
    options.noWordsBeyond(3);
    Object::Ptr request = makeObject();
    request->set("kind", kind);
    request->set("who", who);
    if (verb == "add")
    {
        request->set("seconds", options.number("seconds", 0, 0, kLongestSeconds));
        request->set("reason", options.text("reason"));
    }
    const auto answer = shell.call("ban." + verb, request);
    shell.tell(kind + " '" + who + (verb == "add" ? "' is banned" : "' is not banned any more"),
               answer);
    return 0;
}

} // namespace

int banVerb(const Arguments& arguments)
{
    Options options(kUsage, "Who may not come in. KIND: address (or a network such as "
                            "192.0.2.0/24), client_id, user_name.");
    options.value("seconds", "", "COUNT", "how long the ban lasts (0: for good)")
        .value("reason", "", "TEXT", "why, for whoever looks at the list");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    const std::string verb = options.word(0, "list, add or remove");
    Shell shell(options);
    if (verb == "list") return options.noWordsBeyond(1), listBans(shell);
    if (verb == "add" || verb == "remove") return changeBans(shell, options, verb);
    throw UsageError("expected list, add or remove, found '" + verb + '\'');
}

int alarmsVerb(const Arguments& arguments)
{
    Options options("alarms [OPTION]...", "What is wrong with the broker now.");
    options.flag("history", "", "what was wrong and is over, the latest first");
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;
    Shell shell(options);
    const Object::Ptr answer = shell.callForObject("alarms", makeObject());
    if (shell.look() == Look::Json) shell.print(answer);
    else shell.print(answer->get(options.has("history") ? "history" : "active"));
    return 0;
}

} // namespace nanomq::ctl
