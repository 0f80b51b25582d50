#pragma once

#include "nanomq/http_routes.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nanomq
{

/// The HTTP routes of plugins: path and method to handler. Who speaks HTTP asks it.
///
/// Each belongs to one loaded version of a plugin and goes with it. Thread: [any].
class HttpRouteTable
{
public:
    using Owner = std::uint64_t;

    struct Route
    {
        std::string plugin;
        sdk::HttpRole role = sdk::HttpRole::Admin;
        std::string method;
        std::string path;
        std::string summary;
        std::string openapi;
        sdk::HttpRoutes::Handler handler = nullptr;
        void* self = nullptr;
    };

    HttpRouteTable() = default;
    HttpRouteTable(const HttpRouteTable&) = delete;
    HttpRouteTable& operator=(const HttpRouteTable&) = delete;

    /// Whether it is a path of levels that are plain or "{name}", each name once:
    /// "/api/v4/rules/{id}".
    static bool isPattern(std::string_view path) noexcept;

    /// Whether another plugin has that method and path, names of parameters aside.
    bool isTaken(const Route& route) const;
    /// Adds a route; one of the same plugin's version before is replaced. False when it
    /// isTaken().
    [[nodiscard]] bool add(Owner owner, Route route);
    /// Removes what is still the owner's and waits for its handlers that run, replaced ones
    /// included. False when one still runs at the deadline; then its code must stay.
    [[nodiscard]] bool withdraw(Owner owner, std::chrono::milliseconds deadline);

    /// By path and method.
    void visit(sdk::HttpRoutes::Visitor& visitor) const;
    /// Runs a handler, on the caller's thread: see sdk::HttpRoutes::serve().
    sdk::Status serve(std::string_view method, std::string_view path,
                      sdk::HttpRoutes::Exchange& exchange);

private:
    /// A pattern with its parameters' names taken out, so that "/a/{x}" is "/a/{y}"; and a method.
    using Key = std::pair<std::string, std::string>;
    struct Entry
    {
        Owner owner;
        Route route;
    };

    /// The route for a path: of two that fit, the one with the plain level comes first.
    std::shared_ptr<const Entry> find(std::string_view method, std::string_view path,
                                      bool& pathExists) const;

    mutable std::mutex _mutex; // guards all below
    std::condition_variable _ended;
    std::map<Key, std::shared_ptr<const Entry>> _routes;
    std::map<Owner, unsigned> _running; // handlers in progress
};

} // namespace nanomq
