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

Object::Ptr parseAnswer(const std::string& line)
{
    Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true));
    const Var value = parser.parse(line);
    if (value.type() != typeid(Object::Ptr)) throw Poco::DataFormatException("not an object");
    return value.extract<Object::Ptr>();
}

ControlResult resultOf(const Object& answer, std::int64_t id)
{
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
    // A broker that refused the connection has told why and closed; so read even if this fails.
    const bool isSent = sendRequest(command, arguments);
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
        return resultOf(*parseAnswer(line), _lastId);
    }
    catch (const Poco::Exception& wrong)
    {
        throw Poco::DataFormatException("the broker's answer to '" + command +
                                        "' makes no sense: " + wrong.displayText());
    }
}

bool ControlClient::sendRequest(const std::string& command, const Object::Ptr& arguments)
{
    Object request(Poco::JSON_PRESERVE_KEY_ORDER);
    request.set("id", ++_lastId);
    request.set("cmd", command);
    if (!arguments.isNull()) request.set("args", arguments);
    std::ostringstream text;
    request.stringify(text);
    text << '\n';
    return _stream->send(text.str());
}

std::optional<ControlError>
ControlClient::follow(const std::string& command, const Object::Ptr& arguments,
                      const std::function<bool(const Var&)>& event)
{
    sendRequest(command, arguments);
    for (std::string line;;)
    {
        if (_stream->readLine(line, kNever) != UnixStream::Read::Line)
            throw Poco::IOException("the broker at " + _path + " went away");
        try
        {
            const Object::Ptr answer = parseAnswer(line);
            if (answer->optValue("end", false)) return std::nullopt;
            if (answer->has("event"))
            {
                if (!event(answer->get("event"))) return std::nullopt;
                continue;
            }
            const ControlResult result = resultOf(*answer, _lastId);
            if (!result) return result.error();
            throw Poco::DataFormatException("neither event nor error");
        }
        catch (const Poco::SyntaxException& wrong)
        {
            throw Poco::DataFormatException("the broker's answer to '" + command +
                                            "' makes no sense: " + wrong.displayText());
        }
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
