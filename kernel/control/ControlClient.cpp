#include "control/ControlClient.h"

#include "control/ControlPath.h"
#include "control/UnixStream.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <sys/socket.h>
#include <sys/time.h>
#include <utility>

namespace nanomq
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Object;

constexpr std::size_t kMaximumAnswerBytes = std::size_t{64} << 20;

Descriptor connectTo(const std::string& path, std::chrono::milliseconds deadline)
{
    checkControlPath(path);
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Also the limit of connect(), which waits while the server's backlog is full.
    const timeval limit{deadline.count() / 1000, deadline.count() % 1000 * 1000};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const sockaddr_un address = unixAddress(path);
    if (!socket ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw Poco::IOException("no broker answers at " + path + " (" + std::strerror(errno) +
                                "); is it running, and with this --control?");
    return socket;
}

ControlResult resultOf(const std::string& line, std::int64_t id)
{
    Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true));
    const Var value = parser.parse(line);
    if (value.type() != typeid(Object::Ptr)) throw Poco::DataFormatException("not an object");
    const Object& answer = *value.extract<Object::Ptr>();
    const bool isOk = answer.optValue("ok", false);
    const Var answered = answer.get("id");
    if (answered.isEmpty() ? isOk : answered.convert<Poco::Int64>() != id)
        throw Poco::DataFormatException("an answer to something else");
    if (isOk) return answer.get("result");
    const Object::Ptr error = answer.getObject("error");
    if (error.isNull()) throw Poco::DataFormatException("neither result nor error");
    return ControlError{error->optValue<std::string>("code", "internal"),
                        error->optValue<std::string>("message", "no reason given")};
}

} // namespace

class ControlClient::Stream : public UnixStream
{
public:
    using UnixStream::UnixStream;
};

ControlClient::ControlClient(const std::string& path, std::chrono::milliseconds deadline)
    : _path(path),
      _stream(std::make_unique<Stream>(connectTo(path, deadline), kMaximumAnswerBytes))
{
}

ControlClient::~ControlClient() = default;

ControlResult ControlClient::call(const std::string& command, const Object::Ptr& arguments,
                                  std::chrono::milliseconds deadline)
{
    const MonotonicMs until = monotonicNow() + deadline.count();
    Object request(Poco::JSON_PRESERVE_KEY_ORDER);
    request.set("id", ++_lastId);
    request.set("cmd", command);
    if (!arguments.isNull()) request.set("args", arguments);
    std::ostringstream text;
    request.stringify(text);
    text << '\n';

    // A broker that refused the connection has told why and closed; so read even if this fails.
    const bool isSent = _stream->send(text.str());
    std::string line;
    switch (_stream->readLine(line, until))
    {
    case UnixStream::Read::Line: break;
    case UnixStream::Read::Timeout:
        throw Poco::TimeoutException("the broker at " + _path + " did not answer '" + command +
                                     "' within " + std::to_string(deadline.count()) + " ms");
    case UnixStream::Read::TooLong:
        throw Poco::DataFormatException("the broker's answer to '" + command + "' is too long");
    case UnixStream::Read::End:
        throw Poco::IOException("the broker at " + _path +
                                (isSent ? " went away before it answered '" : " did not take '") +
                                command + '\'');
    }
    try
    {
        return resultOf(line, _lastId);
    }
    catch (const Poco::Exception& wrong)
    {
        throw Poco::DataFormatException("the broker's answer to '" + command +
                                        "' makes no sense: " + wrong.displayText());
    }
}

bool ControlClient::waitForEnd(std::chrono::milliseconds deadline)
{
    const MonotonicMs until = monotonicNow() + deadline.count();
    std::string line;
    for (;;)
    {
        const UnixStream::Read read = _stream->readLine(line, until);
        if (read == UnixStream::Read::Timeout) return false;
        if (read != UnixStream::Read::Line) return true;
    }
}

} // namespace nanomq
