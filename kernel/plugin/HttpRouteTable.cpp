#include "plugin/HttpRouteTable.h"

#include <algorithm>
#include <cerrno>
#include <set>

namespace nanomq
{

namespace
{

constexpr std::size_t kMaximumPath = 512;

/// The first level of a path without its leading '/', which is taken off `path`.
std::string_view takeLevel(std::string_view& path) noexcept
{
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    const auto level = path.substr(0, end);
    path.remove_prefix(end);
    return level;
}

bool isParameter(std::string_view level) noexcept
{
    return level.size() > 2 && level.front() == '{' && level.back() == '}';
}

/// "/a/{id}" as "/a/{}".
std::string shapeOf(std::string_view pattern)
{
    std::string shape;
    while (!pattern.empty())
    {
        const auto level = takeLevel(pattern);
        shape += '/';
        if (isParameter(level)) shape += "{}";
        else shape += level;
    }
    return shape;
}

bool fits(std::string_view pattern, std::string_view path) noexcept
{
    while (!pattern.empty() && !path.empty())
    {
        const auto wanted = takeLevel(pattern);
        const auto level = takeLevel(path);
        if (isParameter(wanted) ? level.empty() : wanted != level) return false;
    }
    return pattern.empty() && path.empty();
}

} // namespace

bool HttpRouteTable::isPattern(std::string_view path) noexcept
{
    if (path.size() < 2 || path.size() > kMaximumPath || path[0] != '/') return false;
    std::set<std::string_view> names;
    while (!path.empty())
    {
        const auto level = takeLevel(path);
        if (level.empty()) return false;
        if (isParameter(level)) // once each
        {
            if (!names.insert(level).second) return false;
        }
        else if (std::any_of(level.begin(), level.end(),
                             [](char c) { return c <= ' ' || c >= 0x7F || c == '{' || c == '}' || c == '?'; }))
            return false;
    }
    return true;
}

bool HttpRouteTable::isTaken(const Route& route) const
{
    std::lock_guard lock(_mutex);
    const auto found = _routes.find({shapeOf(route.path), route.method});
    return found != _routes.end() && found->second->route.plugin != route.plugin;
}

bool HttpRouteTable::add(Owner owner, Route route)
{
    Key key(shapeOf(route.path), route.method);
    std::lock_guard lock(_mutex);
    auto& entry = _routes[std::move(key)];
    if (entry && entry->route.plugin != route.plugin) return false;
    entry = std::make_shared<const Entry>(Entry{owner, std::move(route)});
    return true;
}

bool HttpRouteTable::withdraw(Owner owner, std::chrono::milliseconds deadline)
{
    std::unique_lock lock(_mutex);
    std::erase_if(_routes, [owner](const auto& route) { return route.second->owner == owner; });
    return _ended.wait_for(lock, deadline, [&] { return _running.count(owner) == 0; });
}

void HttpRouteTable::visit(sdk::HttpRoutes::Visitor& visitor) const
{
    std::vector<std::shared_ptr<const Entry>> all;
    {
        std::lock_guard lock(_mutex);
        for (const auto& [key, entry] : _routes) all.push_back(entry);
    }
    for (const auto& entry : all)
    {
        const Route& route = entry->route;
        sdk::HttpRoutes::Route shown{};
        shown.size = sizeof shown;
        shown.role = route.role;
        shown.method = route.method;
        shown.path = route.path;
        shown.summary = route.summary;
        shown.openapi = route.openapi;
        visitor.route(shown, route.plugin);
    }
}

std::shared_ptr<const HttpRouteTable::Entry>
HttpRouteTable::find(std::string_view method, std::string_view path, bool& pathExists) const
{
    // Of two shapes that fit, the one with the plain level sorts first: letters come before '{'.
    std::shared_ptr<const Entry> found;
    for (const auto& [key, entry] : _routes)
    {
        if (!fits(entry->route.path, path)) continue;
        pathExists = true;
        if (key.second == method && (!found || key.first < shapeOf(found->route.path)))
            found = entry;
    }
    return found;
}

sdk::Status HttpRouteTable::serve(std::string_view method, std::string_view path,
                                  sdk::HttpRoutes::Exchange& exchange)
{
    if (path.empty() || path[0] != '/') return -ENOENT;
    std::shared_ptr<const Entry> entry;
    {
        std::lock_guard lock(_mutex);
        bool pathExists = false;
        entry = find(method, path, pathExists);
        if (!entry) return pathExists ? -EPERM : -ENOENT;
        ++_running[entry->owner];
    }
    const Route& route = entry->route;
    sdk::Status status = 0;
    try
    {
        std::string_view pattern = route.path;
        while (!pattern.empty())
        {
            const auto wanted = takeLevel(pattern);
            const auto level = takeLevel(path);
            if (isParameter(wanted))
                exchange.parameter(wanted.substr(1, wanted.size() - 2), level);
        }
        sdk::HttpRoutes::Route shown{};
        shown.size = sizeof shown;
        shown.role = route.role;
        shown.method = route.method;
        shown.path = route.path;
        if (exchange.admit(shown))
            route.handler(route.self, exchange.request(), exchange.answer());
    }
    catch (...)
    {
        status = -EIO;
    }
    std::lock_guard lock(_mutex);
    const auto running = _running.find(entry->owner);
    if (--running->second == 0) _running.erase(running);
    _ended.notify_all();
    return status;
}

} // namespace nanomq
