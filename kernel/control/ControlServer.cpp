#include "control/ControlServer.h"

#include "control/ControlPath.h"
#include "control/UnixStream.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>
#include <Poco/Logger.h>
#include <Poco/UTF8Encoding.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <list>
#include <map>
#include <pthread.h>
#include <sstream>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace nanomq
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Object;

std::string systemError()
{
    return std::strerror(errno);
}

/// Poco's parser lets other bytes through, and they would come back in the answer.
bool isUtf8(const std::string& text)
{
    const Poco::UTF8Encoding encoding;
    for (std::size_t at = 0; at < text.size();)
    {
        const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data()) + at;
        const int left = static_cast<int>(text.size() - at);
        const int size = encoding.sequenceLength(bytes, 1);
        if (size <= 0 || size > left || !Poco::UTF8Encoding::isLegal(bytes, size)) return false;
        at += static_cast<std::size_t>(size);
    }
    return true;
}

/// Poco's messages show the byte they stumbled over, also half a character, or the end as 0xFF.
std::string plain(std::string text)
{
    std::replace_if(text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
    return text;
}

Object::Ptr parseRequest(const std::string& line)
{
    Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true));
    const Var value = parser.parse(line);
    return value.type() == typeid(Object::Ptr) ? value.extract<Object::Ptr>() : Object::Ptr();
}

std::string lineOf(const Object& object)
{
    std::ostringstream out;
    object.stringify(out);
    out << '\n';
    return out.str();
}

/// The beginning of what is told to a request. An `id` that is neither number nor text is not
/// given back.
Object answerTo(const Var& id)
{
    Object answer(Poco::JSON_PRESERVE_KEY_ORDER);
    answer.set("id", id.isString() || (id.isNumeric() && !id.isBoolean()) ? id : Var());
    return answer;
}

/// One answer as a line.
std::string answerLine(const Var& id, const ControlResult& result)
{
    Object answer = answerTo(id);
    answer.set("ok", static_cast<bool>(result));
    if (result) answer.set("result", *result);
    else
    {
        Object::Ptr error = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
        error->set("code", result.error().code);
        error->set("message", result.error().message);
        answer.set("error", error);
    }
    return lineOf(answer);
}

/// The events of one request.
class EventLines final : public ControlServer::Events
{
public:
    EventLines(Var id, UnixStream& stream, const std::atomic<bool>& isStopping)
        : _id(std::move(id)),
          _stream(stream),
          _isStopping(isStopping)
    {
    }
    bool send(const Var& event) override
    {
        Object line = answerTo(_id);
        line.set("event", event);
        _begun = true;
        return !_isStopping && _stream.send(lineOf(line));
    }
    bool wanted() override { return !_isStopping && !_stream.hasInput(); }
    bool begun() const noexcept { return _begun; }
    std::string endLine() const
    {
        Object line = answerTo(_id);
        line.set("end", true);
        return lineOf(line);
    }

private:
    const Var _id;
    UnixStream& _stream;
    const std::atomic<bool>& _isStopping;
    bool _begun = false;
};

Descriptor lockPath(const std::string& path)
{
    const std::string lock = path + ".lock";
    Descriptor file(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) throw Poco::CreateFileException(lock + ": " + systemError());
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
        throw Poco::ExistsException("another broker answers at " + path);
    return file;
}

/// Removes the socket file of a broker that is gone. Whoever else made it may be alive.
void removeStale(const std::string& path)
{
    struct stat found = {};
    if (::lstat(path.c_str(), &found) != 0) return;
    if (!S_ISSOCK(found.st_mode))
        throw Poco::FileExistsException(path + " stands in the way of the control socket");
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = unixAddress(path);
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno == EAGAIN)
        throw Poco::ExistsException("another broker answers at " + path);
    if (::unlink(path.c_str()) != 0)
        throw Poco::FileAccessDeniedException(path + ": " + systemError());
}

Descriptor listenAt(const std::string& path)
{
    constexpr int kBacklog = 16;
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // The mode of the descriptor becomes that of the file, so nobody else can ever connect.
    const sockaddr_un address = unixAddress(path);
    if (!socket || ::fchmod(socket.get(), 0600) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), kBacklog) != 0)
        throw Poco::CreateFileException("the control socket " + path + ": " + systemError());
    return socket;
}

} // namespace

/// The commands, by name; and how a line becomes an answer. Does not change once started.
class ControlServer::Commands
{
public:
    explicit Commands(Poco::Logger& logger) : _logger(logger) {}

    void add(std::string name, Handler handler)
    {
        _handlers.insert_or_assign(std::move(name), std::move(handler));
    }

    void addStream(std::string name, StreamHandler handler)
    {
        _streams.insert_or_assign(std::move(name), std::move(handler));
    }

    /// Answers one request. False when the peer is gone.
    bool serve(const std::string& line, UnixStream& stream, const std::atomic<bool>& isStopping) const
    {
        if (!isUtf8(line))
            return stream.send(
                answerLine({}, ControlError{"bad_request", "not JSON: ill-formed UTF-8"}));
        Object::Ptr request;
        try
        {
            request = parseRequest(line);
        }
        catch (const Poco::Exception& notJson)
        {
            return stream.send(answerLine(
                {}, ControlError{"bad_request", "not JSON: " + plain(notJson.message())}));
        }
        if (request.isNull())
            return stream.send(
                answerLine({}, ControlError{"bad_request", "a request is a JSON object"}));
        const Var id = request->get("id");
        EventLines events(id, stream, isStopping);
        const ControlResult result = run(*request, events);
        if (events.begun() || isStreamWithoutEvents(*request, result))
            return stream.send(events.endLine());
        return stream.send(answerLine(id, result));
    }

private:
    ControlResult run(const Object& request, EventLines& events) const
    {
        const Var name = request.get("cmd");
        if (!name.isString()) return ControlError{"bad_request", "there is no text 'cmd'"};
        const Object::Ptr given = request.getObject("args");
        if (given.isNull() && request.has("args"))
            return ControlError{"bad_request", "'args' is not an object"};
        const Object arguments = given.isNull() ? Object() : *given;
        const std::string command = name.convert<std::string>();
        try
        {
            if (const auto handler = _handlers.find(command); handler != _handlers.end())
                return handler->second(arguments);
            if (const auto handler = _streams.find(command); handler != _streams.end())
            {
                if (const auto error = handler->second(arguments, events)) return *error;
                return Var();
            }
        }
        catch (const Poco::Exception& failure)
        {
            return internal(command, failure.displayText());
        }
        catch (const std::exception& failure)
        {
            return internal(command, failure.what());
        }
        return ControlError{"unknown_command", "this broker has no command '" + command + '\''};
    }

    bool isStreamWithoutEvents(const Object& request, const ControlResult& result) const
    {
        return result && _streams.contains(request.get("cmd").convert<std::string>());
    }

    ControlError internal(const std::string& command, const std::string& what) const
    {
        _logger.error("control: " + command + " failed: " + what);
        return {"internal", what};
    }

    Poco::Logger& _logger;
    std::map<std::string, Handler> _handlers;
    std::map<std::string, StreamHandler> _streams;
};

/// The open socket, the thread that accepts, and one thread a connection.
class ControlServer::Running
{
public:
    Running(const std::string& path, const Commands& commands, Poco::Logger& logger)
        : _path(path),
          _commands(commands),
          _logger(logger),
          _lock(lockPath(path))
    {
        removeStale(path);
        _listener = listenAt(path);
        _accepting = std::thread([this] { acceptAll(); });
    }

    ~Running()
    {
        _isStopping = true;
        ::shutdown(_listener.get(), SHUT_RDWR);
        _accepting.join();
        ::unlink(_path.c_str()); // ours: the lock is held
        for (Connection& connection : _connections) connection.stream.endReading();
        for (Connection& connection : _connections) connection.thread.join();
    }

private:
    struct Connection
    {
        explicit Connection(Descriptor socket) : stream(std::move(socket), kMaximumLineBytes) {}
        UnixStream stream;
        std::atomic<bool> isOver{false};
        std::thread thread;
    };

    void acceptAll()
    {
        ::pthread_setname_np(::pthread_self(), "control");
        while (!_isStopping)
        {
            Descriptor socket(::accept4(_listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
            reap();
            if (socket) begin(std::move(socket));
            else if (!_isStopping && errno != EINTR && errno != ECONNABORTED)
                pauseAfter(systemError());
        }
    }

    /// Descriptors ran out, most likely. Accepting goes on when there may be some again.
    void pauseAfter(const std::string& what)
    {
        if (!std::exchange(_wasPaused, true))
            _logger.warning("control: cannot accept: " + what + "; trying again");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }

    void begin(Descriptor socket)
    {
        _wasPaused = false;
        const timeval limit{kSendTimeoutSeconds, 0};
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        Connection& connection = _connections.emplace_back(std::move(socket));
        if (_connections.size() > kMaximumConnections) return turnAway(connection.stream);
        try
        {
            connection.thread = std::thread([this, &connection] { serve(connection); });
        }
        catch (const std::system_error&)
        {
            turnAway(connection.stream);
        }
    }

    /// The newest connection is told that there are too many, and goes.
    void turnAway(UnixStream& stream)
    {
        stream.send(answerLine({}, ControlError{"busy", "too many control connections"}));
        _connections.pop_back();
    }

    void serve(Connection& connection)
    {
        ::pthread_setname_np(::pthread_self(), "control peer");
        std::string line;
        auto read = UnixStream::Read::Line;
        while (!_isStopping)
        {
            read = connection.stream.readLine(line, kNever);
            if (read != UnixStream::Read::Line ||
                !_commands.serve(line, connection.stream, _isStopping))
                break;
        }
        if (read == UnixStream::Read::TooLong)
            connection.stream.send(
                answerLine({}, ControlError{"too_long", "the line is too long"}));
        connection.stream.end();
        connection.isOver = true;
    }

    void reap()
    {
        for (auto connection = _connections.begin(); connection != _connections.end();)
        {
            if (!connection->isOver)
            {
                ++connection;
                continue;
            }
            connection->thread.join();
            connection = _connections.erase(connection);
        }
    }

    const std::string _path;
    const Commands& _commands;
    Poco::Logger& _logger;
    const Descriptor _lock; // goes last
    Descriptor _listener;
    std::atomic<bool> _isStopping{false};
    bool _wasPaused = false;
    std::list<Connection> _connections; // the accepting thread's, until it has ended
    std::thread _accepting;
};

ControlServer::ControlServer(std::string path, Poco::Logger& logger)
    : _path(std::move(path)),
      _logger(logger),
      _commands(std::make_unique<Commands>(logger))
{
}

ControlServer::~ControlServer() = default;

void ControlServer::command(std::string name, Handler handler)
{
    _commands->add(std::move(name), std::move(handler));
}

void ControlServer::stream(std::string name, StreamHandler handler)
{
    _commands->addStream(std::move(name), std::move(handler));
}

void ControlServer::start()
{
    checkControlPath(_path);
    prepareControlFolder(_path);
    _running = std::make_unique<Running>(_path, *_commands, _logger);
}

void ControlServer::stop()
{
    _running.reset();
}

} // namespace nanomq
