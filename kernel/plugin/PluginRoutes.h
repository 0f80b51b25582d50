#pragma once

#include "plugin/HttpRouteTable.h"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace nanomq
{

/// The route table as one loaded version of a plugin sees it: nanomq.http_routes/1. What it adds
/// before its hooks are active waits until they are. Thread: [any].
class PluginRoutes final : public sdk::HttpRoutes
{
public:
    PluginRoutes(std::string plugin, std::uint64_t version, HttpRouteTable& table)
        : _plugin(std::move(plugin)),
          _version(version),
          _table(table)
    {
    }

    sdk::Status add(const Route* route) override;
    void visit(Visitor* visitor) override;
    sdk::Status serve(sdk::Str method, sdk::Str path, Exchange* exchange) override;

    /// Its hooks are active. Returns the paths that another plugin had taken meanwhile.
    std::vector<std::string> publish();
    [[nodiscard]] bool withdraw(std::chrono::milliseconds deadline)
    {
        return _table.withdraw(_version, deadline);
    }

private:
    static constexpr std::size_t kMaximumRoutes = 256;

    const std::string _plugin;
    const std::uint64_t _version;
    HttpRouteTable& _table;
    std::mutex _mutex; // guards all below
    bool _published = false;
    std::size_t _count = 0;
    std::vector<HttpRouteTable::Route> _staged;
};

} // namespace nanomq
