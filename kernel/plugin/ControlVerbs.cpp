#include "plugin/ControlVerbs.h"

#include <exception>

namespace nanomq
{

void ControlVerbs::add(Owner owner, Verb verb)
{
    std::lock_guard lock(_mutex);
    auto path = verb.path;
    _verbs[std::move(path)] = std::make_shared<const Entry>(Entry{owner, std::move(verb)});
}

bool ControlVerbs::withdraw(Owner owner, std::chrono::milliseconds deadline)
{
    std::unique_lock lock(_mutex);
    std::erase_if(_verbs, [owner](const auto& verb) { return verb.second->owner == owner; });
    return _ended.wait_for(lock, deadline, [&] { return _running.count(owner) == 0; });
}

std::optional<VerbResult> ControlVerbs::run(std::string_view path, std::string_view argumentsJson)
{
    std::shared_ptr<const Entry> entry;
    {
        std::lock_guard lock(_mutex);
        const auto found = _verbs.find(path);
        if (found == _verbs.end()) return std::nullopt;
        entry = found->second;
        ++_running[entry->owner];
    }
    VerbResult result;
    try
    {
        result = entry->verb.function(argumentsJson);
    }
    catch (const std::exception& error)
    {
        result = {{}, "internal", error.what()};
    }
    catch (...)
    {
        result = {{}, "internal", "an exception of unknown type"};
    }
    std::lock_guard lock(_mutex);
    const auto running = _running.find(entry->owner);
    if (--running->second == 0) _running.erase(running);
    _ended.notify_all();
    return result;
}

std::vector<ControlVerbs::Description> ControlVerbs::list() const
{
    std::lock_guard lock(_mutex);
    std::vector<Description> all;
    for (const auto& [path, entry] : _verbs) all.push_back({path, entry->verb.help});
    return all;
}

} // namespace nanomq
