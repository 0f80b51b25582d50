#include "Shell.h"
#include "Verbs.h"

#include <Poco/JSON/Array.h>

#include <algorithm>
#include <iostream>
#include <limits>

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

int clientsVerb(const Arguments& arguments)
{
    Options options =
        listing("clients [OPTION]...", "Clients that are connected, or have a session.");
    options.value("like", "", "TEXT", "only those whose Client Identifier has this in it");
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;
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
