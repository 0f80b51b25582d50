#pragma once

#include "control/ControlResult.h"

#include <Poco/JSON/Object.h>

#include <chrono>
#include <cstdint>
#include <memory>
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

    /// Waits until the broker closes the connection; false after the deadline. A broker that was
    /// told to stop does it when it no longer listens.
    bool waitForEnd(std::chrono::milliseconds deadline);

private:
    class Stream;
    std::string _path;
    std::unique_ptr<Stream> _stream;
    std::int64_t _lastId = 0;
};

} // namespace nanomq
