#pragma once

#include "control/ControlResult.h"

#include <Poco/JSON/Object.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace Poco
{
class Logger;
}

namespace nanomq
{

/// The socket by which a running broker is looked at and told what to do.
///
/// One JSON object a line: {"id":1,"cmd":"plugin.load","args":{"name":"webhook"}} is answered by
/// {"id":1,"ok":true,"result":...} or {"id":1,"ok":false,"error":{"code":"...","message":"..."}}.
/// `id`, a number or a text, is given back as it came. Codes of the server itself: bad_request,
/// unknown_command, too_long (and the connection is closed), busy, internal.
///
/// Each connection has a thread and its requests are answered in order, so a slow command holds
/// up nobody else. Bounds: kMaximumConnections, kMaximumLineBytes, and a peer that does not take
/// its answer within kSendTimeoutSeconds is cut off.
class ControlServer
{
public:
    static constexpr std::size_t kMaximumConnections = 16;
    static constexpr std::size_t kMaximumLineBytes = std::size_t{1} << 20;
    static constexpr int kSendTimeoutSeconds = 5;

    /// @param arguments  `args` of the request; an empty object when it has none.
    /// Runs on the connection's thread [executor], several at once; may block. What it throws is
    /// told to the caller as "internal".
    using Handler = std::function<ControlResult(const Poco::JSON::Object& arguments)>;

    /// The events of one stream, on their way to the peer. Thread: the handler's.
    class Events
    {
    public:
        /// {"id":1,"event":…}. False when nobody takes it: the handler then returns.
        [[nodiscard]] virtual bool send(const Poco::Dynamic::Var& event) = 0;
        /// Whether the peer is still there and has asked for nothing else, and the server goes on;
        /// to be looked at every now and then while there is nothing to send.
        virtual bool wanted() = 0;

    protected:
        ~Events() = default;
    };
    /// A command that goes on telling. What it returns before it has sent an event is told as an
    /// error; else the stream ends with {"id":1,"end":true}. A peer ends it by closing the
    /// connection or by its next request. Runs as a Handler does.
    using StreamHandler =
        std::function<std::optional<ControlError>(const Poco::JSON::Object& arguments, Events&)>;

    /// Nothing is opened yet. The logger outlives this. Thread: [main].
    ControlServer(std::string path, Poco::Logger& logger);
    /// Stops.
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    /// Registers a command. Requires: not started. Thread: [main].
    void command(std::string name, Handler handler);
    /// The same for a stream of events.
    void stream(std::string name, StreamHandler handler);

    /// Binds the socket, with mode 0600, and begins to answer; prepareControlFolder() first.
    /// Replaces the socket file that a dead broker left. A lock on PATH.lock, held until stop(),
    /// keeps two brokers from doing so at once. Throws a Poco exception that names the path when
    /// it is too long, another broker answers there, something else stands there, or it cannot
    /// be made. Thread: [main].
    void start();
    /// Takes no more requests, waits for those that run, and removes the socket file. An answer
    /// that is on its way is still sent. Thread: [main].
    void stop();

    const std::string& path() const noexcept { return _path; }

private:
    class Running;
    class Commands;

    const std::string _path;
    Poco::Logger& _logger;
    std::unique_ptr<Commands> _commands;
    std::unique_ptr<Running> _running; // goes first: its threads use the commands
};

} // namespace nanomq
