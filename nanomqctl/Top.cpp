#include "Top.h"

#include "Interrupt.h"
#include "Shell.h"
#include "Verbs.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <poll.h>
#include <string>
#include <utility>
#include <vector>

namespace nanomq::ctl
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;
using Seconds = std::chrono::duration<double>;

double figure(const Object* object, const char* key)
{
    return object ? object->optValue<double>(key, 0) : 0;
}

/// Per second, to one decimal; a count that was begun anew counts from zero.
double rate(const Object& now, const Object* before, const char* key, Seconds time)
{
    const double grown = figure(&now, key) - figure(before, key);
    const double of = grown >= 0 ? grown : figure(&now, key);
    return std::round(of / time.count() * 10) / 10;
}

std::vector<Object::Ptr> objectsOf(const Object& object, const char* key)
{
    std::vector<Object::Ptr> all;
    const Array::Ptr array = object.getArray(key);
    if (array.isNull()) return all;
    for (const Var& item : *array)
        if (item.type() == typeid(Object::Ptr)) all.push_back(item.extract<Object::Ptr>());
    return all;
}

/// The same plugin in the same generation, or nothing.
Object::Ptr sameIn(const Object& figures, const Object& plugin)
{
    for (const auto& candidate : objectsOf(figures, "plugins"))
        if (candidate->optValue<std::string>("name", "") ==
                plugin.optValue<std::string>("name", "") &&
            figure(candidate.get(), "generation") == figure(&plugin, "generation"))
            return candidate;
    return {};
}

Object::Ptr pluginRow(const Object& plugin, const Object* before, Seconds time)
{
    Object::Ptr row = makeObject();
    for (const char* key : {"name", "version", "state"}) row->set(key, plugin.get(key));
    row->set("events_per_s", rate(plugin, before, "events", time));
    for (const char* key : {"queued", "queue_room", "dropped", "errors", "held_bytes",
                            "mapped_bytes", "open_deferrals"})
        row->set(key, plugin.get(key));
    std::string holds;
    for (const auto& held : objectsOf(plugin, "holds"))
        holds += (holds.empty() ? "" : ", ") + ("worker " + held->get("worker").toString()) + ' ' +
                 held->get("duration_ms").toString() + " ms";
    row->set("holds", holds);
    return row;
}

Object::Ptr hookRow(const Object& plugin, const Object& hook, const Object* before, Seconds time)
{
    Object::Ptr row = makeObject();
    const double calls = rate(hook, before, "calls", time);
    row->set("plugin", plugin.get("name"));
    row->set("hook", hook.get("point"));
    // Of one core.
    row->set("busy_percent", std::round(calls * figure(&hook, "mean_ns") / 1e9 * 1'000) / 10);
    row->set("calls_per_s", calls);
    row->set("errors_per_s", rate(hook, before, "errors", time));
    row->set("deferrals_per_s", rate(hook, before, "deferrals", time));
    for (const char* key : {"timeouts", "skipped", "median_ns", "p99_ns", "longest_ns", "breaker"})
        row->set(key, hook.get(key));
    return row;
}

TopFigures ask(Shell& shell)
{
    Object::Ptr status = shell.callForObject("status", makeObject());
    return {std::move(status), shell.callForObject("plugin.figures", makeObject())};
}

/// False when the user wants to end.
bool wait(const Interrupt& interrupt, Seconds time)
{
    pollfd ended{interrupt.descriptor(), POLLIN, 0};
    return ::poll(&ended, 1, static_cast<int>(time.count() * 1'000)) == 0;
}

} // namespace

Object::Ptr TopFigures::since(const TopFigures& before, Seconds time) const
{
    Object::Ptr shown = makeObject();
    for (const char* key : {"version", "uptime_s", "connections", "rss_bytes"})
        shown->set(key, _status->get(key));
    shown->set("received_per_s", rate(*_status, before._status.get(), "messages_received", time));
    shown->set("sent_per_s", rate(*_status, before._status.get(), "messages_sent", time));
    shown->set("dropped", _status->get("messages_dropped"));

    Array::Ptr plugins = new Array;
    std::vector<Object::Ptr> hooks;
    for (const auto& plugin : objectsOf(*_plugins, "plugins"))
    {
        const Object::Ptr old = sameIn(*before._plugins, *plugin);
        plugins->add(pluginRow(*plugin, old.get(), time));
        const auto oldHooks = old ? objectsOf(*old, "points") : std::vector<Object::Ptr>();
        const auto newHooks = objectsOf(*plugin, "points");
        for (std::size_t i = 0; i < newHooks.size(); ++i)
            hooks.push_back(hookRow(*plugin, *newHooks[i],
                                    i < oldHooks.size() ? oldHooks[i].get() : nullptr, time));
    }
    std::stable_sort(hooks.begin(), hooks.end(), [](const auto& a, const auto& b) {
        return figure(a.get(), "busy_percent") > figure(b.get(), "busy_percent");
    });
    Array::Ptr sorted = new Array;
    for (const auto& hook : hooks) sorted->add(hook);
    shown->set("plugins", plugins);
    shown->set("hooks", sorted);
    return shown;
}

int topVerb(const Arguments& arguments)
{
    Options options("top [OPTION]...",
                    "What plugins and their hooks cost, anew every second, until Ctrl-C. Times are "
                    "of a hook's calls since its plugin was loaded.");
    options.flag("once", "", "print one interval's figures, and end")
        .value("interval", "", "SECONDS", "between two looks (1)");
    options.parse(arguments);
    options.noWordsBeyond(0);
    if (options.has("help")) return std::cout << options.help(), 0;
    const Seconds interval(static_cast<double>(options.number("interval", 1, 1, 3'600)));

    const Interrupt interrupt;
    Shell shell(options);
    const bool live = shell.look() == Look::Terminal && !options.has("once");
    TopFigures before = ask(shell);
    auto lookedAt = std::chrono::steady_clock::now();
    for (bool first = true; wait(interrupt, interval); first = false)
    {
        TopFigures now = ask(shell);
        const auto time = std::chrono::steady_clock::now();
        if (live) std::cout << "\033[H\033[2J"; // to the corner, and clear
        else if (!first && shell.look() != Look::Json) std::cout << '\n';
        shell.print(now.since(before, time - lookedAt));
        std::cout << std::flush;
        if (options.has("once")) return 0;
        if (!std::cout) throw Failure("cannot write");
        before = std::move(now);
        lookedAt = time;
    }
    return 0;
}

} // namespace nanomq::ctl
