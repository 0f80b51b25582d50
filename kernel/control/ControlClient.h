#pragma once

#include "control/ControlResult.h"

#include <Poco/JSON/Object.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace nanomq
{

/// The other end of ControlServer: for nanomqctl, and for `nanomq stop`, `restart` and `reload`.
/// Blocks. Thread: one at a time.
class ControlClient
{
public:
    /// Connects. Throws Poco::IOException with a sentence when no broker answers at the path.
    ControlClient(const std::string& path, std::chrono::milliseconds deadline);
    ~ControlClient();
    ControlClient(const ControlClient&) = delete;
    ControlClient& operator=(const ControlClient&) = delete;

    /// Sends a command and waits for its answer; an error is the broker's. Throws
    /// Poco::TimeoutException after the deadline, Poco::IOException when the broker goes away, and
    /// Poco::DataFormatException when what comes back is no answer. After an exception the
    /// connection is of no more use.
    /// @param arguments  none: an empty object.
    ControlResult call(const std::string& command, const Poco::JSON::Object::Ptr& arguments,
                       std::chrono::milliseconds deadline);

    /// Sends a command that answers with a stream of events (ControlServer::StreamHandler), and
    /// hands each to `event` until that returns false or the stream ends. Nothing, or why there is
    /// no stream. Throws as call() does, but waits for events without a limit. The connection is
    /// of no more use afterwards.
    std::optional<ControlError> follow(const std::string& command,
                                       const Poco::JSON::Object::Ptr& arguments,
                                       const std::function<bool(const Poco::Dynamic::Var&)>& event);

    /// Waits until the broker closes the connection; false after the deadline. A broker that was
    /// told to stop does it when it no longer listens.
    bool waitForEnd(std::chrono::milliseconds deadline);

private:
    bool sendRequest(const std::string& command, const Poco::JSON::Object::Ptr& arguments);

    class Stream;
    std::string _path;
    std::unique_ptr<Stream> _stream;
    std::int64_t _lastId = 0;
};

} // namespace nanomq
