#pragma once

#include "nanomq/types.h"

// HTTP routes of plugins. The kernel keeps the table and speaks no HTTP; a plugin that does, such
// as rest_api, serves it.

namespace nanomq::sdk
{
inline namespace v1
{

/// What a caller must be allowed to, each including those before it.
enum class HttpRole : std::uint8_t
{
    Anybody = 0, ///< also who has not logged in
    Reader = 1,  ///< looks
    Operator = 2, ///< acts on clients and messages
    Admin = 3,    ///< acts on plugins, configuration and the broker itself
};

/// The HTTP routes of all plugins. Routes vanish with the plugin that added them.
class HttpRoutes
{
public:
    static constexpr const char* kInterface = "nanomq.http_routes/1";

    /// A request, as a handler sees it; valid for the call. Sealed: a plugin implements it.
    class Request
    {
    public:
        virtual Str method() const = 0;
        virtual Str path() const = 0; ///< decoded, without the query
        /// What stands for {name} in the route's path, decoded; false when there is none.
        virtual bool parameter(Str name, Str* value) const = 0;
        /// A parameter of the query, decoded; the first if it comes twice.
        virtual bool query(Str name, Str* value) const = 0;
        virtual bool header(Str name, Str* value) const = 0;
        virtual Bytes body() const = 0;
        virtual Str user() const = 0; ///< who logged in; empty: nobody
        virtual HttpRole role() const = 0;

    protected:
        ~Request() = default;
    };

    /// The answer to it; valid for the call. Kept in memory until the handler has returned, so
    /// no slow caller holds up a plugin. Sealed: a plugin implements it.
    class Answer
    {
    public:
        virtual void status(std::uint32_t httpStatus) = 0; ///< 200 when it is not called
        /// "application/json" when it is not called.
        virtual void contentType(Str type) = 0;
        /// Appends. -ENOSPC beyond the server's limit (16 MiB): the caller gets 500.
        virtual Status write(Bytes body) = 0;

    protected:
        ~Answer() = default;
    };

    using Handler = void (*)(void* self, const Request* request, Answer* answer);

    struct Route
    {
        std::uint32_t size;
        HttpRole role;
        std::uint8_t reserved[3];
        Str method;  ///< "GET"
        Str path;    ///< "/api/v4/rules/{id}": whole levels in braces are parameters
        Str summary; ///< one line, for people
        /// A JSON object, merged into this operation of the OpenAPI document: "parameters",
        /// "requestBody", "responses". May be empty.
        Str openapi;
        Handler handler; ///< runs on a thread of the server; may take a moment; throws nothing
        void* self;
    };
    /// Adds a route; all of it is copied but `self`. It is served from the moment the plugin's
    /// hooks are active. -EEXIST when another plugin has that method and path, -EINVAL for a path
    /// that is none, -E2BIG beyond 256 routes of one plugin. [any]
    virtual Status add(const Route* route) = 0;

    // For who serves.

    class Visitor
    {
    public:
        virtual void route(const Route& route, Str plugin) = 0;

    protected:
        ~Visitor() = default;
    };
    /// Every route that is active, by path and method. Views are valid for the visitor's call.
    /// [any]
    virtual void visit(Visitor* visitor) = 0;

    /// One request, as the server has it. Sealed: the server implements it.
    class Exchange
    {
    public:
        /// A level of the path that stands for a parameter.
        virtual void parameter(Str name, Str value) = 0;
        /// Whether the caller may use this route; false: the handler is not called, and the
        /// server has answered.
        virtual bool admit(const Route& route) = 0;
        virtual const Request* request() = 0;
        virtual Answer* answer() = 0;

    protected:
        ~Exchange() = default;
    };
    /// Calls the handler for a method and a decoded path, on this thread; the plugin stays loaded
    /// until it has returned. -ENOENT: no such path, -EPERM: the path has other methods, -EIO:
    /// the handler threw. [any], not a worker.
    virtual Status serve(Str method, Str path, Exchange* exchange) = 0;

protected:
    ~HttpRoutes() = default;
};

} // namespace v1
} // namespace nanomq::sdk
