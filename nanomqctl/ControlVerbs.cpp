#include "Shell.h"
#include "Verbs.h"

#include <Poco/JSON/Array.h>

#include <algorithm>
#include <iostream>
#include <limits>
#include <vector>

namespace nanomq::ctl
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr std::int64_t kUsualRows = 1'000;

/// Prints the answer to one command without arguments.
int show(const Arguments& arguments, const char* command, const char* summary)
{
    Options options(std::string(command) + " [--json]", summary);
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;
    Shell shell(options);
    shell.print(shell.call(command, makeObject()));
    return 0;
}

Options listing(const char* usage, const char* summary)
{
    Options options(usage, summary);
    options.value("limit", "", "COUNT", "show so many at most (1000; 0: all)")
        .value("after", "", "CURSOR", "go on behind what an earlier call showed");
    return options;
}

/// Gathers pages of a listing up to the limit, and prints them as one.
int list(const Options& options, const char* command, Object::Ptr request)
{
    constexpr std::int64_t kPage = 500;
    std::int64_t left =
        options.number("limit", kUsualRows, 0, std::numeric_limits<std::int64_t>::max());
    if (left == 0) left = std::numeric_limits<std::int64_t>::max();

    Shell shell(options);
    Array::Ptr rows = new Array;
    Var next;
    if (options.has("after")) next = options.text("after");
    do {
        if (!next.isEmpty()) request->set("after", next);
        request->set("limit", std::min(left, kPage));
        Object::Ptr page = shell.callForObject(command, request);
        const Array::Ptr more = page->getArray(command);
        if (more.isNull())
            throw Failure(std::string("the broker's answer has no '") + command + '\'');
        for (const Var& row : *more) rows->add(row);
        left -= static_cast<std::int64_t>(more->size());
        next = page->get("next");
    } while (!next.isEmpty() && left > 0);

    if (shell.look() == Look::Json)
    {
        Object::Ptr all = makeObject();
        all->set(command, rows);
        all->set("next", next);
        shell.print(all);
        return 0;
    }
    shell.print(rows);
    if (!next.isEmpty())
        std::cerr << "nanomqctl: there are more; --limit 0 shows all, --after '"
                  << harmless(next.convert<std::string>()) << "' the next\n";
    return 0;
}

} // namespace

int statusVerb(const Arguments& arguments)
{
    return show(arguments, "status", "The broker at a glance.");
}

int metricsVerb(const Arguments& arguments)
{
    return show(arguments, "metrics", "Every counter and gauge of the broker and its plugins.");
}

namespace
{

/// `clients kick ID`: disconnects a client; its session stays.
int kick(const Options& options)
{
    Object::Ptr request = makeObject();
    request->set("client", options.word(1, "a Client Identifier"));
    options.noWordsBeyond(2);
    Shell shell(options);
    shell.tell("disconnected", shell.call("clients.kick", request));
    return 0;
}

/// Topic Filters level by level, indented; a filter's own subscribers stand behind its last level.
void printTree(const Array& topics, std::ostream& out)
{
    std::vector<std::string> above;
    for (const Var& row : topics)
    {
        const auto topic = row.extract<Object::Ptr>();
        std::vector<std::string> levels(1);
        for (const char c : topic->getValue<std::string>("topic_filter"))
            if (c == '/') levels.emplace_back();
            else levels.back() += c;
        std::size_t same = 0;
        while (same < std::min(above.size(), levels.size()) && above[same] == levels[same]) ++same;
        for (std::size_t i = same; i < levels.size(); ++i)
        {
            out << std::string(2 * i, ' ') << (levels[i].empty() ? "\"\"" : harmless(levels[i]));
            if (i + 1 < levels.size()) out << '\n';
        }
        if (same == levels.size()) out << std::string(2 * (same - 1), ' ') << harmless(levels.back());
        out << "  (" << topic->getValue<std::string>("subscribers") << ")\n";
        above = std::move(levels);
    }
}

} // namespace

int topicsVerb(const Arguments& arguments)
{
    Options options("topics [OPTION]...", "Topic Filters that have subscribers.");
    options.flag("tree", "", "level by level, indented")
        .value("like", "", "TEXT", "only those that have this in them");
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;
    Object::Ptr request = makeObject();
    if (options.has("like")) request->set("like", options.text("like"));
    Shell shell(options);
    const Object::Ptr answer = shell.callForObject("topics", request);
    const Array::Ptr topics = answer->getArray("topics");
    if (shell.look() == Look::Json) shell.print(answer);
    else if (options.has("tree")) printTree(*topics, std::cout);
    else shell.print(topics);
    if (!answer->getValue<bool>("complete"))
        std::cerr << "nanomqctl: there are more than " << topics->size() << "; --like narrows it\n";
    return 0;
}

int retainedVerb(const Arguments& arguments)
{
    Options options("retained [FILTER] | retained delete TOPIC",
                    "Retained messages, or the end of one.");
    options.value("limit", "", "COUNT", "show so many at most (1000)");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    Object::Ptr request = makeObject();
    Shell shell(options);
    const auto& words = options.words();
    if (!words.empty() && words[0] == "delete")
    {
        request->set("topic", options.word(1, "a Topic Name"));
        options.noWordsBeyond(2);
        shell.tell("forgotten", shell.call("retained.delete", request));
        return 0;
    }
    options.noWordsBeyond(1);
    if (!words.empty()) request->set("topic", words[0]);
    request->set("limit", options.number("limit", kUsualRows, 1, 10'000));
    const Object::Ptr answer = shell.callForObject("retained", request);
    if (shell.look() == Look::Json) shell.print(answer);
    else shell.print(answer->getArray("retained"));
    return 0;
}

int logVerb(const Arguments& arguments)
{
    Options options("log level [LEVEL]", "Shows the level of the broker's log, or sets it.");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    if (options.word(0, "level") != "level") throw UsageError("expected level");
    options.noWordsBeyond(2);
    Object::Ptr request = makeObject();
    if (options.words().size() == 2) request->set("level", options.words()[1]);
    Shell shell(options);
    const Object::Ptr answer = shell.callForObject("log.level", request);
    shell.tell(answer->getValue<std::string>("level"), answer);
    return 0;
}

int clientsVerb(const Arguments& arguments)
{
    Options options =
        listing("clients [OPTION]... | clients kick ID", "Clients that are connected, or have a session.");
    options.value("like", "", "TEXT", "only those whose Client Identifier has this in it");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    if (!options.words().empty() && options.words()[0] == "kick") return kick(options);
    options.noWordsBeyond(0);
    Object::Ptr request = makeObject();
    if (options.has("like")) request->set("like", options.text("like"));
    return list(options, "clients", request);
}

int subscriptionsVerb(const Arguments& arguments)
{
    Options options = listing("subscriptions [OPTION]...", "What clients are subscribed to.");
    options.value("client", "", "ID", "only those of this Client Identifier");
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;
    Object::Ptr request = makeObject();
    if (options.has("client")) request->set("client", options.text("client"));
    return list(options, "subscriptions", request);
}

} // namespace nanomq::ctl
