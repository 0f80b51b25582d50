#include "plugin/PluginRoutes.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace nanomq
{

namespace
{

bool isMethod(std::string_view method) noexcept
{
    return !method.empty() && method.size() <= 16 &&
           std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

} // namespace

sdk::Status PluginRoutes::add(const Route* route)
{
    if (!route || route->size < sizeof(Route) || !route->handler ||
        route->role > sdk::HttpRole::Admin || !isMethod(route->method.view()) ||
        !HttpRouteTable::isPattern(route->path.view()))
        return -EINVAL;
    HttpRouteTable::Route copy{_plugin,
                               route->role,
                               std::string(route->method.view()),
                               std::string(route->path.view()),
                               std::string(route->summary.view()),
                               std::string(route->openapi.view()),
                               route->handler,
                               route->self};
    std::lock_guard lock(_mutex);
    if (_table.isTaken(copy)) return -EEXIST;
    if (++_count > kMaximumRoutes) return -E2BIG;
    if (!_published) _staged.push_back(std::move(copy));
    else if (!_table.add(_version, std::move(copy))) return -EEXIST;
    return 0;
}

void PluginRoutes::visit(Visitor* visitor)
{
    _table.visit(*visitor);
}

sdk::Status PluginRoutes::serve(sdk::Str method, sdk::Str path, Exchange* exchange)
{
    return _table.serve(method.view(), path.view(), *exchange);
}

std::vector<std::string> PluginRoutes::publish()
{
    std::vector<std::string> taken;
    std::lock_guard lock(_mutex);
    _published = true;
    for (auto& route : _staged)
    {
        std::string name = route.method + ' ' + route.path;
        if (!_table.add(_version, std::move(route))) taken.push_back(std::move(name));
    }
    _staged.clear();
    return taken;
}

} // namespace nanomq
